// Allocation of N users from a memory-mapped file of candidates, one budget and a stock a coupon: time, gap, memory.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { allocate } from "../dist/index.js";
import { TensorFileWriter } from "../dist/store/tensor-file-writer.js";
import { readTensors } from "../dist/store/tensors.js";
import { Random } from "../dist/util/random.js";
import { median, requireBuild, say } from "./tools.mjs";

const HELP = `node bench/allocate.mjs [options]
  --users N      users, several with commas (default 100000,1000000)
  --width N      candidates a user, and coupons (default 20)
  --threads N    (default 2)
  --gap N        what the search may end at (default 1e-5)
  --rounds N     the median counts (default 3)
  --folder DIR   where candidates are kept and found again (default: a temporary folder)
  --write        only write the candidates
  --highs        also the linear programme through HiGHS: for 10000 users x 10 some seconds; sizes that its memory does not
                 hold are named, left out, and make the exit code 1
One JSON line a size: milliseconds of the whole call, gap, passes over all users, and the most memory during the call on top of
what there was before and of pages of files, MB.

  node bench/allocate.mjs --users 100000,1000000,10000000 --rounds 1
  node bench/allocate.mjs --users 10000 --width 10 --rounds 31 --highs
`;
const { values: options } = parseArgs({
  options: {
    users: { type: "string", default: "100000,1000000" },
    width: { type: "string", default: "20" },
    threads: { type: "string", default: "2" },
    gap: { type: "string", default: "1e-5" },
    rounds: { type: "string", default: "3" },
    folder: { type: "string" },
    write: { type: "boolean", default: false },
    highs: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit();
}
requireBuild();
const [width, threads, rounds, gapWanted] = [options.width, options.threads, options.rounds, options.gap].map(Number);
const folder = options.folder ?? mkdtempSync(join(tmpdir(), "couponcast-bench-"));

/** Values that follow costs and the user's taste: budget and stock of the better coupons both bind. */
async function write(file, users) {
  const random = new Random(1);
  const shape = [users, width];
  const writer = TensorFileWriter.create(
    file,
    [
      { name: "value", dtype: "I64", shape },
      { name: "cost", dtype: "I64", shape },
      { name: "counts", dtype: "I32", shape: [users] },
      { name: "coupons", dtype: "I32", shape },
    ],
    { kind: "candidates" },
  );
  const step = 50_000;
  for (let begin = 0; begin < users; begin += step) {
    const rows = Math.min(step, users - begin);
    // The low halves of 64 bits: no amount needs more.
    const value = new Uint32Array(rows * width * 2);
    const cost = new Uint32Array(rows * width * 2);
    const coupons = new Int32Array(rows * width);
    for (let row = 0; row < rows; row++) {
      const taste = 0.3 + random.next() * 1.4;
      for (let j = 0; j < width; j++) {
        const at = row * width + j;
        const amount = (20 + 15 * (j % 7)) * (0.2 + 0.8 * random.next());
        coupons[at] = j;
        cost[2 * at] = Math.ceil(amount * 1000);
        value[2 * at] = Math.round(amount * 3000 * random.next() * taste);
      }
    }
    await writer.write("value", begin * width, value);
    await writer.write("cost", begin * width, cost);
    await writer.write("coupons", begin * width, coupons);
    await writer.write("counts", begin, new Int32Array(rows).fill(width));
  }
  await writer.commit();
}

/** Memory of this process that is no page of a file, MB. */
function ownMb() {
  const status = readFileSync("/proc/self/status", "utf8");
  return ["RssAnon", "RssShmem"].reduce((sum, name) => sum + Number(status.match(`${name}:\\s+(\\d+)`)[1]) / 1024, 0);
}

async function measured(call) {
  const before = ownMb();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, ownMb());
  }, 20);
  const start = performance.now();
  const result = await call();
  const ms = performance.now() - start;
  clearInterval(timer);
  return { ms, mb: Math.max(peak, ownMb()) - before, result };
}

/** As WebAssembly it has 2 GiB: 2 million candidates are too many, and 1 million already take longer than anybody waits. */
const MAX_HIGHS_CANDIDATES = 1_000_000;

async function highsOptimum(file, users, limits) {
  if (users * width > MAX_HIGHS_CANDIDATES)
    throw new Error(`it has not the memory for more than ${MAX_HIGHS_CANDIDATES} candidates`);
  const { default: load } = await import("highs");
  const { value, cost } = readTensors(file, { value: "I64", cost: "I64" });
  const all = Array.from(value, (_, at) => at);
  const sum = (places, of) => places.map((at) => `+ ${of(at)} x${at}`).join(" ");
  const rows = Array.from({ length: users }, (_, u) => `${sum(all.slice(u * width, (u + 1) * width), () => 1)} <= 1`);
  rows.push(`${sum(all, (at) => cost[at])} <= ${limits.budgetMinor * 1000}`);
  for (const [j, { stock }] of limits.coupons.entries()) {
    const column = all.filter((at) => at % width === j);
    rows.push(`${sum(column, () => 1)} <= ${stock}`);
  }
  const text = `Maximize\nobj: ${sum(all, (at) => value[at])}\nSubject To\n${rows.map((row, r) => `r${r}: ${row}`).join("\n")}\nEnd`;
  const highs = await load();
  const start = performance.now();
  const { ObjectiveValue } = highs.solve(text);
  return { ms: performance.now() - start, optimumMinor: ObjectiveValue / 1000 };
}

async function bench(users) {
  const file = join(folder, `candidates-${users}x${width}.safetensors`);
  if (!existsSync(file)) await write(file, users);
  if (options.write) return;
  const limits = {
    budgetMinor: users * 15,
    coupons: Array.from({ length: width }, () => ({ stock: Math.floor(users / (3 * width)) })),
  };
  const runs = [];
  for (let round = 0; round < rounds; round++)
    runs.push(await measured(() => allocate({ file }, limits, { threads, gap: gapWanted })));
  const { gap, passes, evaluations, valueMinor, upperBoundMinor } = runs[0].result;
  const ms = median(runs.map((run) => run.ms));
  const line = { users, width, ms, gap, passes, evaluations, valueMinor, upperBoundMinor, mb: runs[0].mb };
  if (options.highs) {
    try {
      const { ms: highsMs, optimumMinor } = await highsOptimum(file, users, limits);
      Object.assign(line, { highsMs, times: highsMs / ms, boundOff: upperBoundMinor / optimumMinor - 1 });
    } catch (error) {
      say(`HiGHS is left out of ${users} users x ${width}: ${error.message}. Try --users 10000 --width 10 --highs`);
      process.exitCode = 1;
    }
  }
  console.log(JSON.stringify(line));
}

try {
  for (const users of options.users.split(",").map(Number)) await bench(users);
} finally {
  if (options.folder === undefined) rmSync(folder, { recursive: true });
  else say(`candidates are kept in ${folder}`);
}
process.exit();
