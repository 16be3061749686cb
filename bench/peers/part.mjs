/** Whole calls beside their peers, results compared before times. */
import { readFileSync, rmSync } from "node:fs";
import { askOurselves, askPeer, PEERS } from "../peers.mjs";
import { median, say, table } from "../tools.mjs";

export const title = "whole calls from Node beside their peers in Python, results compared first";
export const lasts = { tiny: "5 min", small: "2 hours", large: "a day" };
/** Always: peers that are not installed are named and left out one by one. */
export const missing = () => undefined;

/**
 * Largest relative difference of a score. scipy adds thousands of rounded float32 products; scikit-learn gives
 * 1 - distance, which loses digits of small scores.
 */
const TOLERANCE = { scipy: 1e-4, "scikit-learn": 1e-3, sparse_dot_topn: 1e-4, implicit: 1e-5, similaripy: 1e-4 };
/** What has taken so many seconds is not run again. */
const PATIENCE_SECONDS = 60;
/** And a peer's run that has taken so many is ended. */
const LIMIT_SECONDS = 600;
/** Why a cell may be empty: of peers.py. */
const NOT_ASKED = "not asked for";
const EXPECTED = new Set([NOT_ASKED, "it has no such call", "it uses one thread", "it computes all rows or none"]);
/** File endings of what given.mjs makes. */
const GIVEN = ["indices", "scores", "counts", "scopes"];

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

function readScores(path) {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

export async function measure({ size, weights, filter, peers = PEERS, ...options }) {
  const { worksOf } = await import("../works.mjs");
  const works = worksOf(size).filter(({ name }) => name.includes(filter));
  const rows = [];
  for (const kind of weights) rows.push(...(await rowsOf({ ...options, size, weights: kind, works, peers })));
  return { runs: options.runs, rows };
}

/** All works on the matrix of such weights. */
async function rowsOf({ size, weights, works, peers, threads: threadCounts, runs, python }) {
  const { closeExecutors } = await import("../../dist/index.js");
  const { matrixOf } = await import("../data.mjs");
  const { makeGiven } = await import("./given.mjs");
  const matrix = await matrixOf(size, say, weights);
  const given = `${matrix}.given`;
  const files = { ours: `${matrix}.ours`, theirs: `${matrix}.theirs` };
  const rows = [];
  try {
    if (works.some(({ task }) => task.neighbours !== undefined)) {
      say("the item model and the coupons that both sides start from");
      await makeGiven(given, matrix, Math.max(...threadCounts));
      await closeExecutors();
    }
    for (const work of works) {
      for (const threads of work.isSingle ? [1] : threadCounts) {
        say(`${work.name}, ${weights}, ${threads} thread${threads > 1 ? "s" : ""}`);
        const request = { matrix, given, threads, runs, patience: PATIENCE_SECONDS };
        const askOurs = () => askOurselves({ ...request, size, work: work.name, out: files.ours });
        const ours = await askOurs();
        const row = { work: work.name, title: work.title, weights, threads, ...ours, peers: {} };
        rows.push(row);
        const scores = readScores(files.ours);
        for (const peer of PEERS) {
          if (!peers.includes(peer)) {
            row.peers[peer] = { missing: NOT_ASKED };
            continue;
          }
          const asked = { ...request, peer, task: work.task, limit: LIMIT_SECONDS, out: files.theirs };
          const answer = await askPeer(python, asked);
          row.peers[peer] = answer;
          if (answer.seconds === undefined) continue;
          answer.difference = largestDifference(scores, readScores(files.theirs));
          answer.same = answer.difference <= TOLERANCE[peer];
          // A shared machine is disturbed for seconds at a time: a peer's long runs see that in part, our short ones all or nothing.
          if (ours.latency === undefined) row.seconds.push(...(await askOurs()).seconds);
        }
      }
    }
  } finally {
    const all = [...Object.values(files), ...GIVEN.map((name) => `${given}.${name}`)];
    for (const file of all) rmSync(file, { force: true });
  }
  return rows;
}

const nameOf = ({ work, weights, threads }) => `${work} (${weights}, ${threads})`;

/** Rows of an earlier call into the same folder stay, unless they are measured again. */
export function merge(earlier, raw) {
  const again = new Set(raw.rows.map(nameOf));
  const kept = earlier.rows.filter((row) => !again.has(nameOf(row)));
  return { ...raw, rows: [...kept, ...raw.rows] };
}

const micro = (value) => `${(value * 1e6).toFixed(1)} µs`;

/** What is compared: the median of the calls where there are many, else of the runs. */
const time = ({ latency, seconds }) => latency?.p50 ?? median(seconds);

function timeCell(answer) {
  const { latency, seconds, peakMB } = answer;
  const memory = `${Math.round(peakMB)} MB`;
  if (latency !== undefined) return `${micro(latency.p50)}, p99 ${micro(latency.p99)}, ${memory}`;
  const value = median(seconds);
  return `${value >= 0.1 ? `${value.toFixed(3)} s` : `${(value * 1e3).toFixed(1)} ms`}, ${memory}`;
}

const ratio = (row, answer) => `${(time(answer) / time(row)).toFixed(1)}x`;

function peerCell(row, answer) {
  if (answer.missing !== undefined) return "";
  if (answer.moreThan !== undefined)
    return `more than ${answer.moreThan} s (${(answer.moreThan / time(row)).toFixed(1)}x)`;
  if (!answer.same) return `differs by ${answer.difference.toExponential(1)}`;
  return `${timeCell(answer)} (${ratio(row, answer)})`;
}

/** Of those with as many threads or fewer: more are not always faster, and some peers use one. */
function fastestCell(row, rows) {
  const same = rows
    .filter(({ work, weights, threads }) => work === row.work && weights === row.weights && threads <= row.threads)
    .flatMap(({ peers }) => Object.entries(peers).filter(([, answer]) => answer.same));
  if (same.length === 0) return "";
  const [peer, answer] = same.reduce((best, one) => (time(one[1]) < time(best[1]) ? one : best));
  return `${ratio(row, answer)} (${peer})`;
}

/** Why a peer has no figure where it was expected to have one; those that it lacks altogether in one line. */
function leftOut(rows) {
  return PEERS.flatMap((peer) => {
    const reasons = new Map();
    for (const row of rows) {
      const why = row.peers[peer].missing;
      if (why !== undefined) reasons.set(why, [...(reasons.get(why) ?? []), nameOf(row)]);
    }
    return [...reasons].flatMap(([why, works]) => {
      if (works.length === rows.length) return `- left out: ${peer}: ${why}`;
      return EXPECTED.has(why) ? [] : `- ${peer}: ${why}: ${works.join(", ")}`;
    });
  });
}

export function markdown({ size, runs, rows }) {
  if (rows.length === 0) return "No work has such a name.";
  const shown = PEERS.filter((peer) => rows.some((row) => row.peers[peer].missing === undefined));
  const header = [`work (${size})`, "weights", "threads", "couponcast", ...shown, "fastest peer / ours"];
  const lines = rows.map((row) => [
    row.title,
    row.weights,
    row.threads,
    timeCell(row),
    ...shown.map((peer) => peerCell(row, row.peers[peer])),
    fastestCell(row, rows),
  ]);
  const absent = leftOut(rows);
  return [
    `Medians of ${runs} runs, fewer where a run is long, ours of as many before the peers and after each; peak resident memory of a process that makes one such call; in brackets the
peer's time over ours. No cell where a peer has no such call or uses one thread only; the fastest peer is that of as
many threads or fewer.`,
    table(header, lines, { figures: false }),
    ...(absent.length > 0 ? [absent.join("\n")] : []),
  ].join("\n\n");
}

/** Results that differ from ours by more than rounding explains. */
export function complaints({ rows }) {
  return rows.flatMap((row) =>
    Object.entries(row.peers)
      .filter(([, answer]) => answer.same === false)
      .map(([peer, { difference }]) => `${nameOf(row)}: ${peer} differs by ${difference}`),
  );
}
