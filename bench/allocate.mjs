// Allocation of N users x 20 candidates from a memory-mapped file, one budget, 20 stocks: time, gap, memory.
//   node bench/allocate.mjs [users=1000000] [folder=a temporary one]
// With --highs: 10,000 x 10 beside HiGHS as a linear programme (minutes).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allocate } from "../dist/index.js";
import { TensorFileWriter } from "../dist/store/tensor-file-writer.js";
import { Random } from "../dist/util/random.js";

const args = process.argv.slice(2);
const besideHighs = args.includes("--highs");
const [users = besideHighs ? 10_000 : 1_000_000] = args.filter((arg) => /^\d+$/.test(arg)).map(Number);
const width = besideHighs ? 10 : 20;
const folder = args.find((arg) => arg.includes("/")) ?? mkdtempSync(join(tmpdir(), "couponcast-bench-"));
const file = join(folder, `candidates-${users}x${width}.safetensors`);

/** Values that follow costs and the user's taste: budget and stock of the better coupons both bind. */
async function write() {
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
    const value = new BigInt64Array(rows * width);
    const cost = new BigInt64Array(rows * width);
    const coupons = new Int32Array(rows * width);
    for (let row = 0; row < rows; row++) {
      const taste = 0.3 + random.next() * 1.4;
      for (let j = 0; j < width; j++) {
        const at = row * width + j;
        const amount = (20 + 15 * (j % 7)) * (0.2 + 0.8 * random.next());
        coupons[at] = j;
        cost[at] = BigInt(Math.ceil(amount * 1000));
        value[at] = BigInt(Math.round(amount * 3000 * random.next() * taste));
      }
    }
    await writer.write("value", begin * width, value);
    await writer.write("cost", begin * width, cost);
    await writer.write("coupons", begin * width, coupons);
    await writer.write("counts", begin, new Int32Array(rows).fill(width));
  }
  await writer.commit();
}

const limits = {
  budgetMinor: users * 15,
  coupons: Array.from({ length: width }, () => ({ stock: Math.floor(users / 60) })),
};

async function highsOptimum() {
  const { default: load } = await import("highs");
  const { readTensors } = await import("../dist/store/tensors.js");
  const { value, cost } = readTensors(file, { value: "I64", cost: "I64" });
  const all = Array.from(value, (_, at) => at);
  const sum = (places, of) => places.map((at) => `+ ${of(at)} x${at}`).join(" ");
  const rows = Array.from({ length: users }, (_, u) => `${sum(all.slice(u * width, (u + 1) * width), () => 1)} <= 1`);
  rows.push(`${sum(all, (at) => cost[at])} <= ${limits.budgetMinor * 1000}`);
  limits.coupons.forEach(({ stock }, j) => {
    rows.push(
      `${sum(
        all.filter((at) => at % width === j),
        () => 1,
      )} <= ${stock}`,
    );
  });
  const text = `Maximize\nobj: ${sum(all, (at) => value[at])}\nSubject To\n${rows.map((row, r) => `r${r}: ${row}`).join("\n")}\nEnd`;
  const highs = await load();
  const start = performance.now();
  const { ObjectiveValue } = highs.solve(text);
  return { ms: performance.now() - start, optimum: ObjectiveValue / 1000 };
}

try {
  await write();
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    const { gap, passes, evaluations, valueMinor, upperBoundMinor } = await allocate({ file }, limits, { threads: 2 });
    const ms = performance.now() - start;
    const peakMb = process.resourceUsage().maxRSS / 1024;
    console.log(
      JSON.stringify({
        users,
        width,
        ms: Math.round(ms),
        gap,
        passes,
        evaluations,
        valueMinor,
        upperBoundMinor,
        peakMb: Math.round(peakMb),
      }),
    );
  }
  if (besideHighs) console.log(JSON.stringify({ highs: await highsOptimum() }));
} finally {
  rmSync(file, { force: true });
  process.exit();
}
