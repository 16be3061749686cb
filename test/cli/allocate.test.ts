import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exhaustiveOptimum, type Instance, instances, recount } from "../support/allocation.js";
import { readTable } from "./read-table.js";
import { cliJson, scratchFolder } from "./run-cli.js";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);

/** formulas.md, "Allocation". */
const VALUES = [
  [3, 5, 6.2],
  [2, 4.5, 5],
  [1, 2.6, 4.4],
  [2.5, 2.8, 3],
];
const COSTS = [1, 2, 4];
const COUPONS = ["A", "B", "C"];
const rows = VALUES.flatMap((values, i) => values.map((value, j) => `u${i + 1},${COUPONS[j]},${value},${COSTS[j]}`));
writeFileSync(at("golden.csv"), `who,what,worth,price\n${rows.join("\n")}\n`);
const NAMES = ["--user", "who", "--coupon", "what", "--value", "worth", "--cost", "price"];

async function golden(...options: string[]) {
  const document = await cliJson(["allocate", at("golden.csv"), ...NAMES, ...options, "-o", at("out.csv")]);
  const assigned = (await readTable(at("out.csv"))).map((row) => `${row.user_id}→${row.coupon_id}`);
  return { document, assigned };
}

describe("the golden case", () => {
  it("reaches 13.2 for 7", async () => {
    const { document, assigned } = await golden("--budget", "7", "--stock", "A=4", "--stock", "B=1", "--stock", "C=4");
    expect(assigned).toEqual(["u1→C", "u2→B", "u4→A"]);
    expect(document).toMatchObject({ budgetMinor: 7, assigned: 3, valueMinor: 13.2, spendMinor: 7 });
    expect(document.upperBoundMinor).toBeCloseTo(13.3, 6);
    expect(document.gap).toBeCloseTo(1 - 13.2 / 13.3, 6);
    expect(document.budgetMultiplier).toBeCloseTo(1.1, 1);
  });

  it("takes the same limits from a table, as Parquet", async () => {
    writeFileSync(
      at("limits.csv"),
      "coupon_id,stock,budget_minor,exclusive_group\nA,4,,\nB,1,,\nC,4,,\nunused,9,9,x\n",
    );
    const limits = ["--budget", "7", "--coupons", at("limits.csv"), "-o", at("out.parquet")];
    const { valueMinor } = await cliJson(["allocate", at("golden.csv"), ...NAMES, ...limits]);
    expect(valueMinor).toBe(13.2);
    expect(await readTable(at("out.parquet"))).toEqual(await readTable(at("out.csv")).then((r) => r.map(plain)));
  });

  it("gives everybody their best without limits", async () => {
    const { document, assigned } = await golden("--budget", "none");
    expect(assigned).toEqual(["u1→C", "u2→C", "u3→C", "u4→C"]);
    expect(document).toMatchObject({ budgetMinor: null, valueMinor: 18.6, spendMinor: 16, gap: 0 });
  });

  it("keeps the budget of a coupon", async () => {
    const { document, assigned } = await golden("--budget", "none", "--coupon-budget", "C=5");
    expect(document.coupons[2]).toMatchObject({ id: "C", budgetMinor: 5, spendMinor: 4, assigned: 1 });
    expect(assigned.filter((pair) => pair.endsWith("C"))).toHaveLength(1);
  });

  it("gives a user several coupons, but of a group one", async () => {
    const two = await golden("--budget", "none", "--per-user", "2");
    expect(two.assigned.filter((pair) => pair.startsWith("u1"))).toEqual(["u1→C", "u1→B"]);
    const apart = await golden("--budget", "none", "--per-user", "2", "--exclusive", "B,C");
    expect(apart.assigned.filter((pair) => pair.startsWith("u1"))).toEqual(["u1→C", "u1→A"]);
    expect(apart.document.assigned).toBe(8);
  });
});

/** 4.0 of CSV and 4 of Parquet are one number. */
function plain(row: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(row).map(([name, text]) => [name, name.endsWith("_id") ? text : String(Number(text))]),
  );
}

/** The files that stand for a problem, and the options beside them. */
function writeProblem({ candidates, limits }: Instance): string[] {
  const { width, counts, coupons, valueMinor, costMinor } = candidates;
  const lines = [...counts].flatMap((count, user) =>
    Array.from({ length: count }, (_, place) => {
      const i = user * width + place;
      return `u${user},c${coupons[i]},${valueMinor[i]},${costMinor[i]}`;
    }),
  );
  writeFileSync(at("candidates.csv"), `user_id,coupon_id,value_minor,cost_minor\n${lines.join("\n")}\n`);
  const limited = limits.coupons.map(
    (c, j) => `c${j},${c.stock ?? ""},${c.budgetMinor ?? ""},${c.exclusiveGroup ?? ""}`,
  );
  writeFileSync(at("coupons.csv"), `coupon_id,stock,budget_minor,exclusive_group\n${limited.join("\n")}\n`);
  return ["--budget", String(limits.budgetMinor ?? "none"), "--per-user", String(limits.perUser ?? 1)];
}

it("agrees with trying out everything", async () => {
  const hasCandidates = ({ candidates }: Instance) => candidates.counts.some((count) => count > 1);
  for (const instance of fc.sample(instances(4, 4).filter(hasCandidates), { numRuns: 3, seed: 11 })) {
    const options = writeProblem(instance);
    const tables = [at("candidates.csv"), "--coupons", at("coupons.csv"), "-o", at("tiny.jsonl")];
    const document = await cliJson(["allocate", ...tables, ...options]);
    const { width, counts, coupons } = instance.candidates;
    const chosen = new Uint8Array(counts.length * width);
    for (const { user_id, coupon_id } of await readTable(at("tiny.jsonl"))) {
      const user = Number(user_id!.slice(1));
      const place = coupons.subarray(user * width, user * width + counts[user]!).indexOf(Number(coupon_id!.slice(1)));
      chosen[user * width + place] = 1;
    }
    const { value, spend, assigned, broken } = recount(instance, chosen);
    expect(broken).toEqual([]);
    expect(document).toMatchObject({ valueMinor: value / 1000, spendMinor: spend / 1000, assigned });
    expect(value).toBe(exhaustiveOptimum(instance));
    expect(document.upperBoundMinor).toBeGreaterThanOrEqual(value / 1000);
  }
});

describe("limits beyond coupons", () => {
  const rows = [
    "u1,A,10,4,20,new,d1",
    "u1,B,8,4,20,new,d1",
    "u2,A,9,4,20,new,d1",
    "u3,A,3,4,20,old,",
    "u3,B,2,4,20,old,",
  ];
  writeFileSync(at("rich.csv"), `user_id,coupon_id,value_minor,cost_minor,face,tier,device\n${rows.join("\n")}\n`);
  writeFileSync(at("catalogue.csv"), "coupon_id,campaign,channel\nA,spring,mail\nB,spring,app\n");
  const rich = async (...options: string[]) => {
    const document = await cliJson(["allocate", at("rich.csv"), ...options, "-o", at("rich-out.csv")]);
    return {
      document,
      assigned: (await readTable(at("rich-out.csv"))).map((row) => `${row.user_id}→${row.coupon_id}`),
    };
  };

  it("counts accounts of one device as one", async () => {
    expect((await rich("--budget", "none")).assigned).toEqual(["u1→A", "u2→A", "u3→A"]);
    expect((await rich("--budget", "none", "--identity", "device")).assigned).toEqual(["u1→A", "u3→A"]);
  });

  it("gives a segment its floor, and says what that costs", async () => {
    const without = await rich("--budget", "8");
    expect(without.assigned).toEqual(["u1→A", "u2→A"]);
    const fair = await rich("--budget", "8", "--segment", "tier", "--floor-share", "old=0.5");
    expect(fair.assigned).toEqual(["u1→A", "u3→A"]);
    expect(fair.document.constraints).toMatchObject([
      { name: "floor of segment old", kind: "floor", limit: 4, used: 4, counts: "money" },
    ]);
    expect(fair.document.constraints[0].multiplier).toBeGreaterThan(0);
  });

  it("keeps budgets of campaigns, channels, segments and face value, and nested caps", async () => {
    const budgets = ["--campaign-budget", "spring=8", "--channel-budget", "mail=4", "--coupons", at("catalogue.csv")];
    const both = await rich("--budget", "none", ...budgets);
    expect(both.document.spendMinor).toBeLessThanOrEqual(8);
    expect(both.assigned.filter((pair) => pair.endsWith("A"))).toHaveLength(1);
    const face = await rich("--budget", "none", "--face", "face", "--face-budget", "40");
    expect(face.assigned).toEqual(["u1→A", "u2→A"]);
    const segment = await rich("--budget", "none", "--segment", "tier", "--segment-budget", "new=0");
    expect(segment.assigned).toEqual(["u3→A"]);
    const capped = await rich("--budget", "none", "--per-user", "2", "--cap", "A,B=1");
    expect(capped.assigned).toEqual(["u1→A", "u2→A", "u3→A"]);
  });
});

describe("draws by lot", () => {
  const table = at("many.csv");
  const rows = Array.from({ length: 400 }, (_, u) =>
    ["A", "B", "=C"].map((c, j) => `u${u},${c},${(u * 37 + j * 101) % 500},${100 + 50 * j}`),
  );
  writeFileSync(table, `user_id,coupon_id,value_minor,cost_minor\n${rows.flat().join("\n")}\n`);
  const draw = ["allocate", table, "--budget", "20000", "--stock", "A=60", "--explore-epsilon", "0.2"];

  it("log what evaluate policy needs, a row for every user", async () => {
    const files = ["-o", at("drawn.csv"), "--decisions-output", at("decisions.csv")];
    const { exploration } = await cliJson([...draw, "--explore-temperature", "10", ...files]);
    for (const { limit, expected } of exploration.limits) expect(expected).toBeLessThanOrEqual(limit * (1 + 1e-12));
    expect(exploration.limits.map(({ name }: { name: string }) => name)).toEqual(["stock of A", "budgetMinor"]);
    const drawn = await readTable(at("drawn.csv"));
    expect(drawn.length).toBe(exploration.assigned);
    for (const { propensity } of drawn) expect(Number(propensity)).toBeGreaterThan(0);
    const decisions = await readTable(at("decisions.csv"));
    expect(decisions.length).toBe(400);
    expect(decisions.filter(({ coupons }) => Number(coupons) === 0).length).toBe(400 - drawn.length);
    const { meanWeight } = await cliJson(["evaluate", "policy", at("decisions.csv"), "--reward", "coupons"]);
    expect(Math.abs(meanWeight - 1)).toBeLessThan(0.3);
  });

  it("of a user do not depend on who else is in the table; another seed draws otherwise", async () => {
    const half = at("half.csv");
    writeFileSync(half, `user_id,coupon_id,value_minor,cost_minor\n${rows.slice(100).flat().join("\n")}\n`);
    const free = ["--budget", "none", "--explore-epsilon", "1"];
    const draws = async (...options: string[]) => {
      await cliJson(["allocate", ...options, ...free, "-o", at("draw.csv")]);
      const drawn = await readTable(at("draw.csv"));
      return drawn.map((row) => `${row.user_id} ${row.coupon_id}`).filter((row) => Number(row.match(/\d+/)) >= 100);
    };
    const one = await draws(table);
    expect(await draws(half)).toEqual(one);
    expect(await draws(half, "--seed", "2")).not.toEqual(one);
  });

  it("refuse options that mean nothing", async () => {
    const plain = ["allocate", table, "--budget", "1", "-o", at("no.csv")];
    await expect(cliJson([...plain, "--decisions-output", at("d.csv")])).rejects.toThrow("--explore-epsilon");
    await expect(cliJson([...plain, "--frontier-output", at("f.csv")])).rejects.toThrow("--frontier");
  });
});

it("tells what other budgets would bring, and where the last unit brings the target", async () => {
  const files = ["-o", at("out.csv"), "--frontier-output", at("frontier.csv")];
  const { frontier } = await cliJson([
    ...["allocate", at("many.csv"), "--budget", "30000", "--frontier", "5", "--target-roi", "2.5"],
    ...files,
  ]);
  const points = await readTable(at("frontier.csv"));
  expect(points.map((p) => Number(p.budget_minor))).toEqual([12_000, 24_000, 36_000, 48_000, 60_000]);
  expect(points.map((p) => Number(p.value_minor))).toEqual(
    frontier.points.map((p: { valueMinor: number }) => p.valueMinor),
  );
  const beyond = frontier.points.find((p: { marginalValue: number }) => p.marginalValue < 2.5);
  expect(frontier.recommendedBudgetMinor).toBeLessThanOrEqual(beyond?.budgetMinor ?? 60_000);
  expect(frontier.recommendedBudgetMinor).toBeGreaterThan(0);
});
