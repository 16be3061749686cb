/** Scikit-learn's loop: clusters grow one after the other from the first core row without a label. */
export function plainDbscan(
  rows: number,
  areNear: (a: number, b: number) => boolean,
  minSamples: number,
  weights?: ArrayLike<number>,
) {
  const all = Array.from({ length: rows }, (_, row) => row);
  const near = all.map((a) => all.filter((b) => areNear(a, b)));
  const cores = near.map((list) => list.reduce((sum, b) => sum + (weights?.[b] ?? 1), 0) >= minSamples);
  const labels = new Array<number>(rows).fill(-1);
  let clusters = 0;
  for (const start of all) {
    if (!cores[start] || labels[start] !== -1) continue;
    const stack = [start];
    labels[start] = clusters;
    for (let a = stack.pop(); a !== undefined; a = stack.pop()) {
      if (!cores[a]) continue;
      for (const b of near[a]!) {
        if (labels[b] !== -1) continue;
        labels[b] = clusters;
        stack.push(b);
      }
    }
    clusters++;
  }
  return { labels, cores: cores.map(Number), clusters };
}

/** Of points [n * dims]. */
export function squaredDistance(points: Float32Array, dims: number, a: number, b: number): number {
  let sum = 0;
  for (let d = 0; d < dims; d++) sum += (points[a * dims + d]! - points[b * dims + d]!) ** 2;
  return sum;
}

/** Rows by 1 - cosine; a row without length is near to itself alone. */
export function nearByCosine(rows: readonly (readonly number[])[], eps: number) {
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const norms = rows.map((row) => Math.sqrt(dot(row, row)));
  return (a: number, b: number) => {
    const norm = norms[a]! * norms[b]!;
    return a === b || (norm > 0 && 1 - dot(rows[a]!, rows[b]!) / norm <= eps);
  };
}
