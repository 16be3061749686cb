import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Random } from "../../src/util/random.js";
import { writeDense } from "../support/matrix.js";
import { readTable } from "./read-table.js";
import { cliJson, scratchFolder } from "./run-cli.js";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);

const random = new Random(6);
const CUSTOMERS = Array.from({ length: 80 }, (_, i) => `c${i},${50 * random.next()},${1000 * random.next()}`);
writeFileSync(at("customers.csv"), `user_id,age,spend\n${CUSTOMERS.join("\n")}\n`);
await writeDense(
  at("matrix.safetensors"),
  Array.from({ length: 90 }, () => Array.from({ length: 12 }, () => (random.next() < 0.4 ? random.int(5) : 0))),
);

it("segments go on from a model's centres, to where they would have come", async () => {
  const ways = [["customers.csv"], ["customers.csv", "--spherical"], ["customers.csv", "--weights", "age"]];
  for (const [input, ...how] of [...ways, ["matrix.safetensors"]]) {
    const segment = (out: string, ...options: string[]) =>
      cliJson(["segment", at(input!), ...how, "--tolerance", "0", "-o", at(out), ...options]);
    const half = await segment("half.csv", "-k", "5", "--max-iterations", "1", "--model", at("half.safetensors"));
    expect(half).toMatchObject({ iterations: 1, converged: false });
    const whole = await segment("whole.csv", "-k", "5");
    const rest = await segment("rest.csv", "--start", at("half.safetensors"), "--model", at("rest.safetensors"));
    expect(rest).toMatchObject({ iterations: (whole.iterations as number) - 1, sizes: whole.sizes, converged: true });
    expect(rest.inertia as number).toBeLessThan(half.inertia as number);
    expect(await readTable(at("rest.csv"))).toEqual(await readTable(at("whole.csv")));
    const again = await cliJson(["assign", at(input!), "--model", at("rest.safetensors"), "-o", at("again.csv")]);
    expect(again.sizes).toEqual(rest.sizes);
  }
});

it("a model says the features, their scaling, the number and the direction; what else does is refused", async () => {
  const model = ["--model", at("m.safetensors")];
  const made = ["-k", "4", "--features", "age", "--scale", "standard", "--spherical", ...model];
  await cliJson(["segment", at("customers.csv"), ...made, "-o", at("m.csv")]);
  const start = ["--start", at("m.safetensors"), "-o", at("n.csv")];
  const next = await cliJson(["segment", at("customers.csv"), ...start, "--model", at("n.safetensors")]);
  // By direction one feature has two segments, whatever the number of centres.
  expect(next).toMatchObject({ names: ["age"], inertia: 0 });
  writeFileSync(at("few.csv"), "user_id,age\na,1\nb,2\n");
  writeFileSync(at("other.csv"), "user_id,height\na,1\nb,2\n");
  for (const [input, options, message] of [
    ["customers.csv", ["-k", "4"], /--start.*-k/],
    ["customers.csv", ["--features", "spend"], /--start.*--features/],
    ["customers.csv", ["--n-init", "3"], /--start.*--n-init/],
    ["customers.csv", ["--method", "dbscan"], /--start/],
    ["other.csv", [], /age/],
    ["matrix.safetensors", [], /m\.safetensors/],
  ] as const) {
    await expect(cliJson(["segment", at(input), ...start, ...options]), options.join(" ")).rejects.toThrow(message);
  }
});

it("fewer users than centres are refused", async () => {
  const model = ["--model", at("k.safetensors"), "-o", at("k.csv")];
  for (const [input, few] of [
    ["customers.csv", "few.csv"],
    ["matrix.safetensors", "few.safetensors"],
  ] as const) {
    await cliJson(["segment", at(input), "-k", "4", ...model]);
    writeFileSync(at("few.csv"), "user_id,age,spend\na,1,2\nb,2,3\n");
    await writeDense(at("few.safetensors"), [
      [1, 0],
      [2, 3],
    ]);
    const start = ["--start", at("k.safetensors"), "-o", at("few-out.csv")];
    await expect(cliJson(["segment", at(few), ...start])).rejects.toThrow(/expected k <= .* 2 but received 4/);
  }
});
