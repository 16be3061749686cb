import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { clusterUsers, K_CRITERIA } from "../../src/index.js";
import { predictSegments, readSegmentModel } from "../../src/profile/segment-model.js";
import { withMatrix, writeDense } from "../support/matrix.js";
import { shopOfTastes } from "../support/shop-of-tastes.js";
import { readTable } from "./read-table.js";
import { cli, cliJson, scratchFolder } from "./run-cli.js";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);

/** Three far groups of 5, 4 and 3 people, one of nobody's, in an order that says nothing. */
const GROUPS = [
  { size: 5, age: 20, spend: 100 },
  { size: 4, age: 50, spend: 20 },
  { size: 3, age: 80, spend: 900 },
];
const PEOPLE = GROUPS.flatMap(({ size, age, spend }, group) =>
  Array.from({ length: size }, (_, i) => ({
    id: `p${(i * 3 + group * 5) % 12}-${group}${i}`,
    group,
    age: age + i,
    spend: spend + i,
    visits: 1,
  })),
);
const csv = (people: typeof PEOPLE) =>
  `customer,age,spend,visits,name\n${people.map((p) => `${p.id},${p.age},${p.spend},${p.visits},x`).join("\n")}\nnew,,,0,x\n`;
writeFileSync(at("people.csv"), csv(PEOPLE));
const ARGS = ["--id", "customer", "--active", "visits", "--scale", "standard", "-k", "3"];

it("labels by size, the largest 0; nobody without activity; features as they came", async () => {
  const features = ["--features", "age,spend"];
  const document = await cliJson(["segment", at("people.csv"), ...ARGS, ...features, "-o", at("s.csv")]);
  expect(document).toMatchObject({ sizes: [5, 4, 3], numUnsegmented: 1, names: ["age", "spend"], converged: true });
  const mean = (group: number, key: "age" | "spend") => {
    const members = PEOPLE.filter((person) => person.group === group);
    return members.reduce((total, person) => total + person[key], 0) / members.length;
  };
  expect(document.means).toEqual([0, 1, 2].map((group) => [mean(group, "age"), mean(group, "spend")]));
  const expected = [
    ...PEOPLE.map(({ id, group, age, spend }) => [id, String(group), String(age), String(spend)]),
    ["new", "", "", ""],
  ].sort((a, b) => (a[0]! < b[0]! ? -1 : 1));
  const rows = await readTable(at("s.csv"));
  expect(Object.keys(rows[0]!)).toEqual(["customer", "segment", "age", "spend"]);
  expect(rows.map((row) => Object.values(row))).toEqual(expected);
});

it("gives the same for other formats, another order of the rows and one thread", async () => {
  writeFileSync(at("reversed.csv"), csv([...PEOPLE].reverse()));
  const columns = ["customer", "segment", "age", "spend"];
  const expected = (await readTable(at("s.csv"))).map((row) => columns.map((name) => row[name]));
  for (const out of ["s.parquet", "s.jsonl"]) {
    // No --features: all columns of numbers but the id and the one that says who is active.
    await cliJson(["segment", at("reversed.csv"), ...ARGS, "--threads", "1", "-o", at(out)]);
    expect((await readTable(at(out))).map((row) => columns.map((name) => row[name]))).toEqual(expected);
  }
});

it("DBSCAN: dense places as segments, the rest in none; eps from the curve or given", async () => {
  const people = Array.from({ length: 60 }, (_, i) => ({
    x: (i % 3) * 10 + (i % 7) / 10,
    y: (i % 3) * 5 + (i % 5) / 10,
  }));
  people.push({ x: 100, y: -80 }, { x: -90, y: 70 });
  writeFileSync(at("dense.csv"), `user_id,x,y\n${people.map(({ x, y }, i) => `u${i},${x},${y}`).join("\n")}\n`);
  const args = ["segment", at("dense.csv"), "--method", "dbscan", "--scale", "none"];
  const given = await cliJson([...args, "--eps", "2", "--min-samples", "4", "-o", at("d.csv")]);
  expect(given).toMatchObject({ method: "dbscan", sizes: [20, 20, 20], numNoise: 2, numUnsegmented: 2, eps: 2 });
  const auto = await cliJson([...args, "--min-samples", "4", "-o", at("d.csv")]);
  expect(auto).toMatchObject({ numNoise: 2, minSamples: 4 });
  expect((auto.curve as unknown[]).length).toBe(62);
  const rows = await readTable(at("d.csv"));
  expect(rows.filter((row) => row.segment === "").map((row) => row.user_id)).toEqual(["u60", "u61"]);
});

it("chooses k by the silhouette, and writes a model that gives the same segments", async () => {
  const args = ARGS.slice(0, -2);
  const document = await cliJson([
    "segment",
    at("people.csv"),
    ...args,
    "-k",
    "auto",
    "--features",
    "age,spend",
    "-o",
    at("auto.csv"),
    "--model",
    at("m.safetensors"),
  ]);
  expect(document).toMatchObject({ sizes: [5, 4, 3], choice: { k: 3, sampleSize: 12 } });
  const model = readSegmentModel(at("m.safetensors"));
  expect(model.sizes).toEqual([5, 4, 3]);
  const raw = Float64Array.from(PEOPLE.flatMap(({ age, spend }) => [age, spend]));
  expect([...(await predictSegments(model, raw))]).toEqual(PEOPLE.map(({ group }) => group));
});

it("starts in other ways, and goes by direction", async () => {
  const features = ["--features", "age,spend"];
  for (const init of ["k-means||", "random"]) {
    const starts = ["--init", init, "--n-init", "8"];
    const document = await cliJson(["segment", at("people.csv"), ...ARGS, ...features, ...starts, "-o", at("i.csv")]);
    expect(document).toMatchObject({ sizes: [5, 4, 3] });
  }
  writeFileSync(at("rays.csv"), "user_id,x,y\na,1,0\nb,50,1\nc,0,2\nd,1,90\ne,7,0\n");
  const rays = ["segment", at("rays.csv"), "--scale", "none", "-k", "2", "--spherical"];
  await cliJson([...rays, "-o", at("r.csv")]);
  expect((await readTable(at("r.csv"))).map((row) => row.segment)).toEqual(["0", "0", "1", "1", "0"]);
  await cliJson([...rays, "-o", at("r.csv"), "--model", at("r.safetensors")]);
  writeFileSync(at("later-rays.csv"), "user_id,x,y\nf,0.1,0\ng,0,300\n");
  await cliJson(["assign", at("later-rays.csv"), "--model", at("r.safetensors"), "-o", at("lr.csv")]);
  expect((await readTable(at("lr.csv"))).map((row) => row.segment)).toEqual(["0", "1"]);
});

it("mini-batches, weights, empty segments, and the number of segments by what is wanted", async () => {
  const features = ["--features", "age,spend"];
  const run = ["segment", at("people.csv"), ...ARGS.slice(0, -2), ...features, "-o", at("m.csv")];
  expect(await cliJson([...run, "-k", "3", "--mini-batch", "8"])).toMatchObject({ sizes: [5, 4, 3] });
  expect(await cliJson([...run, "-k", "3", "--empty-clusters", "keep", "--n-init", "4"])).toMatchObject({ k: 3 });
  for (const by of ["silhouette", "calinski-harabasz", "elbow"]) {
    const { choice } = (await cliJson([...run, "--k-range", "2:5", "--k-by", by])) as never as {
      choice: { k: number; criterion: string; qualities: { k: number }[] };
    };
    expect(choice.qualities.map(({ k }) => k)).toEqual([2, 3, 4, 5]);
    expect(choice.criterion).toBe(by);
    if (by !== "calinski-harabasz") expect(choice.k).toBe(3);
  }
  // Who weighs nothing moves no centre: of 0 and 10, and 4 without weight, the centres are 0 and 10.
  writeFileSync(at("w.csv"), "user_id,x,w\na,0,1\nb,0,1\nc,10,2\nd,4,0\n");
  const weighted = ["segment", at("w.csv"), "--weights", "w", "--scale", "none", "-k", "2", "-o", at("ws.csv")];
  expect(await cliJson(weighted)).toMatchObject({ names: ["x"], inertia: 0, sizes: [3, 1] });
  for (const [args, message] of [
    [["-k", "3", "--k-range", "2:5"], /leaves nothing to choose/],
    [["--k-range", "5:2"], /from:to/],
    [["--weights", "age", "--mini-batch", "0"], /whole number/],
    [["--mini-batch", "8", "--empty-clusters", "keep"], /cannot be used with/],
    [["--weights", "name"], /--weights|name/],
  ] as const)
    await expect(cliJson([...run, ...args])).rejects.toThrow(message);
});

it("segments the rows of a matrix", async () => {
  const rows = [
    [1, 2, 0, 0],
    [0, 0, 1, 1],
    [2, 3, 0, 0],
    [0, 0, 0, 0],
    [1, 1, 0, 0],
  ];
  await writeDense(at("matrix.safetensors"), rows);
  const document = await cliJson(["segment", at("matrix.safetensors"), "-k", "2", "-o", at("tastes.csv")]);
  expect(document).toMatchObject({ sizes: [3, 1], numUnsegmented: 1 });
  expect((await readTable(at("tastes.csv"))).map((row) => Object.values(row))).toEqual([
    ["u0", "0"],
    ["u1", "1"],
    ["u2", "0"],
    ["u4", "0"],
  ]);
  // Three users at one place: what happens to the segments that are left over.
  const same = Array.from({ length: 3 }, () => [3, 4]);
  await writeDense(at("same.safetensors"), same);
  for (const policy of ["relocate", "keep"]) {
    const left = ["segment", at("same.safetensors"), "-k", "2", "--empty-clusters", policy, "-o", at("same.csv")];
    expect(await cliJson(left)).toMatchObject({ sizes: [3] });
  }
  // Fewer users with cells than segments, as of a table; and none.
  const few = ["segment", at("matrix.safetensors"), "-k", "9", "-o", at("few.csv")];
  expect(await cliJson(few)).toMatchObject({ sizes: [1, 1, 1, 1], numUnsegmented: 1 });
  await writeDense(at("nothing.safetensors"), [[0], [0]]);
  const nothing = ["segment", at("nothing.safetensors"), "-o", at("nothing.csv")];
  expect(await cliJson(nothing)).toMatchObject({ sizes: [], numUnsegmented: 2 });
  await expect(cliJson([...nothing, "--model", at("nothing-model.safetensors")])).rejects.toThrow(/--model/);
});

it("keeps the segments of a matrix's rows as a model, which puts later users into them", async () => {
  await writeDense(at("earlier.safetensors"), shopOfTastes(120));
  await writeDense(at("later.safetensors"), shopOfTastes(240));
  const model = ["--model", at("tastes.safetensors")];
  for (const how of [[], ["--mini-batch", "30"], ["--spherical"]]) {
    const segmented = ["segment", at("earlier.safetensors"), "-k", "3", ...how, "-o", at("earlier.csv"), ...model];
    const { sizes } = await cliJson(segmented);
    const again = await cliJson(["assign", at("earlier.safetensors"), ...model, "-o", at("again.csv")]);
    expect(again).toMatchObject({ sizes, stability: { psi: 0, level: "stable" } });
    expect(readFileSync(at("again.csv"), "utf8")).toBe(readFileSync(at("earlier.csv"), "utf8"));
    const later = await cliJson(["assign", at("later.safetensors"), ...model, "-o", at("later.csv"), "--threads", "1"]);
    expect((later.sizes as number[]).reduce((a, b) => a + b, later.numUnsegmented as number)).toBe(240);
  }
  const { stdout } = await cli(["assign", at("later.safetensors"), ...model, "-o", at("later.csv")]);
  expect(stdout).toContain("the shares of the segments: stability index");
  const of = (table: string, file: string) => ["assign", at(table), "--model", at(file), "-o", at("none.csv")];
  await expect(cliJson([...of("later.safetensors", "tastes.safetensors"), "--active", "x"])).rejects.toThrow(
    /--active/,
  );
  await expect(cliJson(of("people.csv", "tastes.safetensors"))).rejects.toThrow(/segment model/);
  await expect(cliJson(of("later.safetensors", "later.safetensors"))).rejects.toThrow(/clusters of users/);
  const crowds = ["--method", "dbscan", "--metric", "cosine", "--eps", "0.3", "-o", at("none.csv"), ...model];
  await expect(cliJson(["segment", at("earlier.safetensors"), ...crowds])).rejects.toThrow(/--model/);
});

it("chooses how many segments the rows of a matrix have", async () => {
  await writeDense(at("choice.safetensors"), shopOfTastes(120));
  const out = ["--k-range", "2:5", "--n-init", "3", "-o", at("chosen.csv")];
  const document = await cliJson(["segment", at("choice.safetensors"), ...out]);
  expect(document).toMatchObject({ method: "kmeans", choice: { k: 3, criterion: "silhouette" } });
  expect(document.sizes).toHaveLength(3);
  const { stdout } = await cli(["segment", at("choice.safetensors"), "-k", "auto", "-o", at("chosen2.csv")]);
  expect(stdout).toContain("the highest silhouette");
});

it("draws how the number of segments was chosen, whole or not at all", async () => {
  const table = ["segment", at("people.csv"), ...ARGS.slice(0, -2), "--features", "age,spend", "-o", at("plot.csv")];
  await writeDense(at("plot.safetensors"), shopOfTastes(120));
  const matrix = ["segment", at("plot.safetensors"), "--n-init", "3", "-o", at("plot.csv")];
  for (const run of [table, matrix]) {
    const document = await cliJson([...run, "--k-range", "2:5", "--plot", at("plot.html")]);
    expect(document).toMatchObject({ plot: at("plot.html"), choice: { k: 3 } });
    const page = readFileSync(at("plot.html"), "utf8");
    for (const by of K_CRITERIA) expect(page).toContain(`id="by-${by}"`);
    expect(page).toContain("Of 2 to 5 segments, 3 were chosen by silhouette.");
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    rmSync(at("plot.html"));
  }
  await expect(cliJson([...table, "-k", "3", "--plot", at("none.html")])).rejects.toThrow(/--plot/);
  await expect(cliJson([...table, "-k", "auto", "--plot", at("none.svg")])).rejects.toThrow(/\.html/);
  // No table without its page.
  await expect(
    cliJson([...matrix.slice(0, -1), at("none.csv"), "--k-range", "2:3", "--plot", at("no/none.html")]),
  ).rejects.toThrow();
  expect(existsSync(at("none.csv"))).toBe(false);
  writeFileSync(at("two.csv"), "user_id,x\na,1\nb,2\n");
  await cliJson(["segment", at("two.csv"), "-k", "auto", "--plot", at("two.html"), "-o", at("two-out.csv")]);
  expect(readFileSync(at("two.html"), "utf8")).toContain("nothing to choose");
});

it("weighs the users of a matrix by a table", async () => {
  const rows = [
    [4, 1, 0],
    [1, 4, 0],
    [0, 0, 9],
    [3, 3, 0],
  ];
  await writeDense(at("weighed.safetensors"), rows);
  const run = ["segment", at("weighed.safetensors"), "-k", "2", "--n-init", "5", "-o", at("weighed.csv")];
  const weigh = (lines: string) => {
    writeFileSync(at("weights.csv"), `user_id,weight\n${lines}\n`);
    return cliJson([...run, "--weights", at("weights.csv")]);
  };
  await withMatrix(folder, rows, async (matrix) => {
    for (const weights of [
      [1, 1, 1, 1],
      [5, 0.5, 2, 1],
      [3, 3, 0, 1],
    ]) {
      const { inertia } = await clusterUsers(matrix, { k: 2, nInit: 5, weights: Float32Array.from(weights) });
      // In any order, with others' rows between.
      const lines = weights.map((weight, user) => `u${user},${weight}`).reverse();
      expect(await weigh(["nobody,7", ...lines].join("\n"))).toMatchObject({ inertia });
    }
  });
  for (const [lines, message] of [
    ["u0,1\nu1,1\nu3,1", /every user.*1 user of it.*"u2"/],
    ["u0,1\nu1,1\nu2,1\nu3,1\nu3,1", /one row a user.*"u3"/],
    ["u0,1\nu1,-1\nu2,1\nu3,1", /from 0 to.*received "-1"/],
    ["u0,1\nu1,\nu2,1\nu3,1", /from 0 to.*received nothing/],
    ["u0,0\nu1,0\nu2,0\nu3,0", /above 0/],
  ] as const)
    await expect(weigh(lines)).rejects.toThrow(message);
  const crowds = ["--method", "dbscan", "--metric", "cosine", "--eps", "0.3"];
  await expect(cliJson([...run, ...crowds, "--weights", at("weights.csv")])).rejects.toThrow(/--weights/);
  expect((await weigh("u0,1\nu1,1\nu2,1\nu3,1")).sizes).toEqual([3, 1]);
});

it("segments the rows of a matrix by mini-batches", async () => {
  await writeDense(
    at("few.safetensors"),
    [
      [1, 2],
      [0, 3],
      [2, 4],
      [0, 0],
      [1, 1],
    ].map((row) => [...row, 0]),
  );
  const args = ["segment", at("few.safetensors"), "-k", "2", "--mini-batch", "3", "-o", at("batches.csv")];
  expect(await cliJson(args)).toMatchObject({ sizes: [3, 1], numUnsegmented: 1 });
  expect(await cliJson([...args, "--spherical"])).toMatchObject({ sizes: [3, 1] });
  await expect(cliJson([...args, "--init", "k-means||"])).rejects.toThrow(/k-means/);
  const all = [...args.slice(0, 4), "-o", at("batches.csv")];
  expect(await cliJson([...all, "--spherical"])).toMatchObject({ sizes: [3, 1], converged: true });
  expect(await cliJson([...all, "--n-init", "3"])).toMatchObject({ sizes: [3, 1], converged: true });
  await expect(cliJson([...args, "--n-init", "3"])).rejects.toThrow(/--n-init/);
});

it("finds crowds of alike rows of a matrix by their cosine", async () => {
  const rows = [
    [1, 2, 0, 0],
    [0, 0, 1, 1],
    [2, 4, 0, 0],
    [0, 0, 0, 0],
    [1, 2.1, 0, 0],
  ];
  const [matrix, out] = [at("crowds.safetensors"), at("crowds.csv")];
  await writeDense(matrix, rows);
  const given = ["--method", "dbscan", "--metric", "cosine", "--min-samples", "3"];
  const document = await cliJson(["segment", matrix, ...given, "--eps", "0.1", "-o", out]);
  expect(document).toMatchObject({ method: "dbscan", sizes: [3], numNoise: 2, eps: 0.1, minSamples: 3 });
  expect((await readTable(out)).filter(({ segment }) => segment === "0").map((row) => row.user_id)).toEqual([
    "u0",
    "u2",
    "u4",
  ]);
  for (const [input, options] of [
    [matrix, given],
    [matrix, ["--method", "dbscan", "--eps", "0.1"]],
    [at("people.csv"), ["--method", "dbscan", "--metric", "cosine"]],
  ] as const)
    expect((await cli(["segment", input, ...options, "-o", at("none.csv")])).code).not.toBe(0);
});
