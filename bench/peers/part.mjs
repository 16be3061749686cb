/** Whole calls beside their peers, results compared before times. */
import { readFileSync, rmSync } from "node:fs";
import { askPeer, PEERS } from "../peers.mjs";
import { median, say, table } from "../tools.mjs";

export const title = "whole calls from Node beside their peers in Python, results compared first";
export const lasts = { tiny: "15 s", small: "10 min", large: "hours" };
/** Always: peers that are not installed are named and left out one by one. */
export const missing = () => undefined;

/**
 * Largest relative difference of a score. scipy adds thousands of rounded float32 products; scikit-learn gives
 * 1 - distance, which loses digits of small scores.
 */
const TOLERANCE = { scipy: 1e-4, "scikit-learn": 1e-3, sparse_dot_topn: 1e-4, implicit: 1e-5, similaripy: 1e-4 };
/** A peer that has taken so many seconds is not run again. */
const PATIENCE_SECONDS = 60;

/** The largest relative difference between two tables of scores. */
function largestDifference(ours, theirs) {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < ours.length; i++) {
    const scale = Math.max(Math.abs(ours[i]), Math.abs(theirs[i]));
    if (scale > 0) largest = Math.max(largest, Math.abs(ours[i] - theirs[i]) / scale);
  }
  return largest;
}

async function timeOurs(work, path, threads, runs) {
  // The first call starts the threads; a service makes it once.
  let result = await work.run(path, threads);
  const seconds = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    result = await work.run(path, threads);
    seconds.push((performance.now() - start) / 1000);
  }
  return { seconds, scores: work.scores(result).scores };
}

export async function measure({ size, threads: threadCounts, runs, filter, python }) {
  const { closeExecutors } = await import("../../dist/index.js");
  const { matrixOf } = await import("../data.mjs");
  const { worksOf } = await import("../works.mjs");
  const path = await matrixOf(size, say);
  const scoresPath = `${path}.scores`;
  const rows = [];
  for (const work of worksOf(size).filter(({ name }) => name.includes(filter))) {
    for (const threads of threadCounts) {
      say(`${work.name}, ${threads} thread${threads > 1 ? "s" : ""}`);
      const ours = await timeOurs(work, path, threads, runs);
      const row = { work: work.name, title: work.title, threads, seconds: ours.seconds, peers: {} };
      rows.push(row);
      for (const peer of PEERS) {
        const task = { matrix: path, out: scoresPath, patience: PATIENCE_SECONDS, task: work.task };
        const answer = await askPeer(python, { peer, threads, runs, ...task });
        row.peers[peer] = answer;
        if (answer.missing !== undefined) continue;
        const bytes = readFileSync(scoresPath);
        const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
        answer.difference = largestDifference(ours.scores, theirs);
        answer.same = answer.difference <= TOLERANCE[peer];
      }
      rmSync(scoresPath, { force: true });
    }
  }
  await closeExecutors();
  return { runs, rows };
}

const seconds = (list) => `${median(list).toFixed(3)} s`;

function peerCell(row, { missing, same, seconds: list, difference }) {
  if (missing !== undefined) return "";
  if (!same) return `differs by ${difference.toExponential(1)}`;
  return `${seconds(list)} (${(median(list) / median(row.seconds)).toFixed(1)}x)`;
}

export function markdown({ size, runs, rows }) {
  const shown = PEERS.filter((peer) => rows.some((row) => row.peers[peer].missing === undefined));
  const header = [`work (${size})`, "threads", "couponcast", ...shown];
  const lines = rows.map((row) => [
    row.title,
    row.threads,
    seconds(row.seconds),
    ...shown.map((peer) => peerCell(row, row.peers[peer])),
  ]);
  const absent = PEERS.filter((peer) => !shown.includes(peer)).map(
    (peer) => `- left out: ${peer}: ${rows[0]?.peers[peer].missing}`,
  );
  return [
    `Medians of ${runs} runs; in brackets the peer's time over ours.`,
    table(header, lines, { figures: false }),
    ...(absent.length > 0 ? [absent.join("\n")] : []),
  ].join("\n\n");
}

/** Results that differ from ours by more than rounding explains. */
export function complaints({ rows }) {
  return rows.flatMap((row) =>
    Object.entries(row.peers)
      .filter(([, answer]) => answer.same === false)
      .map(([peer, { difference }]) => `${row.work}, ${row.threads} threads: ${peer} differs by ${difference}`),
  );
}
