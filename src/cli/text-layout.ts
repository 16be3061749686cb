import { count } from "../report/format.js";

/** Lines of `label  value`, the values below each other. */
export function labelled(rows: readonly (readonly [label: string, value: string])[], indent = "  "): string[] {
  const width = Math.max(0, ...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `${indent}${label.padEnd(width)}  ${value}`.trimEnd());
}

/** A table with aligned columns, the first to the left, the others to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], indent = "  "): string[] {
  const all = [header, ...rows];
  const widths = header.map((_, c) => Math.max(...all.map((row) => (row[c] ?? "").length)));
  return all.map((row) =>
    (
      indent + row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))).join("  ")
    ).trimEnd(),
  );
}

/** 12.3 MB: powers of 1000. */
export function byteSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? value.toFixed(0) : value.toPrecision(3)} ${units[unit]}`;
}

/** 1 user, 2 users, 1,234 users. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** 0.4 s, 12.3 s, 2:05 min */
export function duration(seconds: number): string {
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} min`;
}

/** A number with up to four digits that say something. */
export function brief(x: number): string {
  if (!Number.isFinite(x)) return "–";
  const size = Math.abs(x);
  if (size === 0) return "0";
  if (size >= 1000) return count(x);
  return size < 1e-4 ? x.toExponential(2) : String(Number(x.toPrecision(4)));
}
