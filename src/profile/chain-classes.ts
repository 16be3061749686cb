/** What can be reached in a chain, from where its probabilities are above 0. */

/** [n] whether a path of one step or more leads from the state to `target`. */
export function reaches(p: Float64Array, n: number, target: number): boolean[] {
  const found = new Array<boolean>(n).fill(false);
  const open = [target];
  for (let to = open.pop(); to !== undefined; to = open.pop()) {
    for (let from = 0; from < n; from++) {
      if (!(p[from * n + to]! > 0) || found[from]) continue;
      found[from] = true;
      open.push(from);
    }
  }
  return found;
}

/** Sets of states that reach each other and nothing else, each ascending, in the order of their first state. */
export function closedClasses(p: Float64Array, n: number): number[][] {
  const to = Array.from({ length: n }, (_, target) => reaches(p, n, target));
  const leads = (a: number, b: number) => a === b || to[b]![a]!;
  const classes: number[][] = [];
  for (let a = 0; a < n; a++) {
    const reached = Array.from({ length: n }, (_, b) => b).filter((b) => leads(a, b));
    if (reached[0] === a && reached.every((b) => leads(b, a))) classes.push(reached);
  }
  return classes;
}
