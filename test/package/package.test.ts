import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder, writeDense } from "../support/matrix.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = temporaryFolder();
const project = join(folder, "project");
const installed = join(project, "node_modules", "couponcast");
const execute = promisify(execFile);

async function run(command: string, args: string[], cwd = project): Promise<string> {
  try {
    return (await execute(command, args, { cwd, maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(" ")}\n${stdout}\n${stderr}`);
  }
}

const RECOMMEND = `
  const matrix = await openMatrix("matrix.safetensors");
  const { items, counts } = await recommend(matrix, { n: 1, threads: 1 });
  matrix.close();
  console.log(JSON.stringify({ version: coreVersion(), items: [...items], counts: [...counts] }));
`;
const ANSWER = { version: expect.stringMatching(/^\d+\.\d+\.\d+$/), items: [2, 0], counts: [1, 1] };

// The package as it is published: packed, and installed where nothing of this repository is.
beforeAll(async () => {
  mkdirSync(project);
  // The build has run; the scripts would run it again.
  const [{ filename }] = JSON.parse(
    await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], root),
  ) as [{ filename: string }];
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", version: "1.0.0", private: true }));
  await run("npm", [
    "install",
    "--prefer-offline",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    join(folder, filename!),
  ]);
  await writeDense(join(project, "matrix.safetensors"), [
    [1, 1, 0],
    [0, 1, 1],
  ]);
}, 300_000);

describe("the installed package", () => {
  it("holds what it needs and no more", () => {
    expect(readdirSync(installed).sort()).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "dist", "package.json", "prebuilds", "schema"]),
    );
    for (const path of [
      "dist/index.js",
      "dist/index.d.ts",
      "dist/executor/worker.js",
      "dist/cli/main.js",
      "schema/campaign.schema.json",
    ]) {
      expect(existsSync(join(installed, path)), path).toBe(true);
    }
    for (const path of ["src", "test", "native", "bindings", "node_modules/typescript"])
      expect(existsSync(join(installed, path)), path).toBe(false);
    expect(readdirSync(join(installed, "dist")).filter((name) => name.endsWith(".tsbuildinfo"))).toEqual([]);
  });

  it("works from an ES module", async () => {
    writeFileSync(
      join(project, "use.mjs"),
      `import { coreVersion, openMatrix, recommend } from "couponcast";${RECOMMEND}`,
    );
    expect(JSON.parse(await run(process.execPath, ["use.mjs"]))).toEqual(ANSWER);
  });

  it("works from CommonJS", async () => {
    writeFileSync(
      join(project, "use.cjs"),
      `const { coreVersion, openMatrix, recommend } = require("couponcast");(async () => {${RECOMMEND}})();`,
    );
    expect(JSON.parse(await run(process.execPath, ["use.cjs"]))).toEqual(ANSWER);
  });

  it("loads neither DuckDB nor the reader of campaigns for a service that only computes", async () => {
    writeFileSync(
      join(project, "loaded.mjs"),
      `import { readFileSync } from "node:fs";
       import { createRequire } from "node:module";
       import { closeExecutors, coreVersion, openMatrix, recommend } from "couponcast";${RECOMMEND}
       const loaded = [readFileSync("/proc/self/maps", "utf8"), ...Object.keys(createRequire(import.meta.url).cache)];
       console.log(/duckdb|node_modules\\/yaml/.test(loaded.join()));
       await closeExecutors();`,
    );
    expect((await run(process.execPath, ["loaded.mjs"])).trim().split("\n").at(-1)).toBe("false");
  });

  it("exports its schema and its package.json, and nothing inside", async () => {
    writeFileSync(
      join(project, "paths.mjs"),
      `import { createRequire } from "node:module";
       const require = createRequire(import.meta.url);
       const inside = await import("couponcast/dist/native/addon.js").then(() => "open", (error) => error.code);
       console.log(JSON.stringify([require("couponcast/package.json").name, typeof require("couponcast/campaign.schema.json"), inside]));`,
    );
    expect(JSON.parse(await run(process.execPath, ["paths.mjs"]))).toEqual([
      "couponcast",
      "object",
      "ERR_PACKAGE_PATH_NOT_EXPORTED",
    ]);
  });

  it("has types for both, checked with its own declarations", async () => {
    const use = `
      async function main(): Promise<void> {
        const matrix: Matrix = await openMatrix("matrix.safetensors");
        const { items }: { items: Int32Array } = await recommend(matrix, { method: "user-knn", signal: new AbortController().signal });
        const { labels, inertia } = await kmeans(Float32Array.of(0, 1), 1, { k: 1, onProgress: ({ done }) => console.log(done) });
        const result = await allocate({ width: 1, counts: labels, coupons: labels, valueMinor: new Float64Array(2), costMinor: new Float64Array(2) }, { coupons: [{ stock: 1 }] });
        const run = await runCampaign("campaign.yaml", { out: "out" });
        console.log(items, inertia, result.gap, run.manifest.allocation.upperBoundMinor);
        try {
          await similarUsers(matrix, { neighbours: 3 });
        } catch (error) {
          if (error instanceof CouponcastError && error.code === "ERR_COUPONCAST_CANCELLED") console.log(error.exitCode);
        }
        // @ts-expect-error: no such method
        await recommend(matrix, { method: "magic" });
        // @ts-expect-error: k is needed
        await kmeans(new Float32Array(2), 1, {});
      }
      void main();
    `;
    const names = "allocate, CouponcastError, kmeans, type Matrix, openMatrix, recommend, runCampaign, similarUsers";
    writeFileSync(join(project, "use.mts"), `import { ${names} } from "couponcast";${use}`);
    writeFileSync(join(project, "use.cts"), `import { ${names} } from "couponcast";${use}`);
    const compilerOptions = {
      module: "nodenext",
      target: "es2023",
      lib: ["es2023"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: false,
      types: ["node"],
      typeRoots: [join(root, "node_modules", "@types")],
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.mts", "use.cts"] }));
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    expect(await run(process.execPath, [compiler, "-p", "."])).toBe("");
  });

  it("has a command line", async () => {
    const help = await run(join(project, "node_modules", ".bin", "couponcast"), ["--help"]);
    expect(help).toContain("couponcast");
  });
});
