import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { readFloats } from "./read-floats.mjs";

const ROWS_AT_ONCE = 1000;

/** Rows of float32 as lines of text, the only way in; kept in `folder`. */
function asText(path, dims, folder) {
  const text = join(folder, `${basename(path)}.txt`);
  if (existsSync(text)) return text;
  mkdirSync(folder, { recursive: true });
  const values = readFloats(path);
  const file = openSync(`${text}.partial`, "w");
  for (let at = 0; at < values.length; at += dims * ROWS_AT_ONCE) {
    const rows = Array.from({ length: Math.min(ROWS_AT_ONCE, (values.length - at) / dims) }, (_, r) =>
      values.subarray(at + r * dims, at + (r + 1) * dims).join(" "),
    );
    writeSync(file, `${rows.join("\n")}\n`);
  }
  closeSync(file);
  renameSync(`${text}.partial`, text);
  return text;
}

/** Yinyang K-means of eakmeans (`program`: its withblaskmeans), in float32: what it says of its time, without reading. */
export function eakmeans(program, { points, centroids, dims, k, threads, iterations, runs }, folder) {
  const files = ["-din", asText(points, dims, folder), "-cin", asText(centroids, dims, folder)];
  const settings = { alg: "syinNS", nc: k, mi: iterations, fpr: 32, nth: threads };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`-${name}`, String(value)]);
  const seconds = [];
  let mse = Number.NaN;
  for (let run = 0; run < runs; run++) {
    const said = execFileSync(program, [...files, ...flags], { encoding: "utf8", maxBuffer: 1e9 });
    // It clusters the centroids first; what it says last is of the points.
    const last = (pattern) => Number([...said.matchAll(pattern)].at(-1)?.[1]);
    seconds.push(last(/ time : (\d+) ms/g) / 1000);
    mse = last(/final mse : ([\d.]+)/g);
  }
  return { seconds, inertia: mse * (readFloats(points).length / dims), version: "eakmeans syinNS" };
}
