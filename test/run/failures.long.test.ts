import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { addon } from "../../src/native/addon.js";
import { type RunCampaignOptions, runCampaign } from "../../src/run/run-campaign.js";
import {
  expectSameOutputs,
  makeShop,
  outputsOf,
  RUN_SCRIPT,
  temporaries,
  workFolder,
} from "../support/campaign-run.js";
import { runScript, startScript } from "../support/child.js";
import { temporaryFolder } from "../support/matrix.js";

const folder = temporaryFolder();
const finished = join(folder, "finished");
let campaign: string;
let reference: Record<string, string>;
let out: string;
let next = 0;

beforeAll(async () => {
  campaign = await makeShop(join(folder, "shop"), { users: 400, items: 50, events: 6000 });
  await runCampaign(campaign, { out: finished, threads: 2 });
  reference = outputsOf(finished);
});

// Each test starts from a finished run of its own.
beforeEach(() => {
  out = join(folder, `out-${next++}`);
  cpSync(finished, out, { recursive: true });
  cpSync(workFolder(finished), workFolder(out), { recursive: true });
});

/** Runs and tells how each stage was come by. */
async function run(
  options: Partial<RunCampaignOptions> = {},
  file = campaign,
): Promise<{ states: Record<string, string>; upToDate: boolean }> {
  const states: Record<string, string> = {};
  const { upToDate } = await runCampaign(file, {
    out,
    threads: 2,
    ...options,
    onStage: (name, state) => Object.assign(states, { [name]: state }),
  });
  return { states, upToDate };
}

function edited(name: string, change: (text: string) => string): string {
  const path = join(folder, "shop", name);
  writeFileSync(path, change(readFileSync(campaign, "utf8")));
  return path;
}

function stageFolder(name: string): string {
  const found = readdirSync(workFolder(out)).filter((entry) => entry.startsWith(`${name}-`));
  expect(found.length).toBe(1);
  return join(workFolder(out), found[0]!);
}

describe("a run into a folder that holds something", () => {
  it("does nothing when it is exactly this run", async () => {
    expect(await run()).toEqual({ states: {}, upToDate: true });
  });

  it("does not believe run.json alone", async () => {
    rmSync(join(out, "assignments.parquet"));
    await expect(run()).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      hint: expect.stringContaining("--force"),
    });
    expect((await run({ force: true })).upToDate).toBe(false);
    expectSameOutputs(outputsOf(out), reference);
  });

  it("another budget needs force, and reuses all stages up to the allocation", async () => {
    const poorer = edited("poorer.yaml", (text) => text.replace(/totalMinor: \d+/, "totalMinor: 300"));
    await expect(run({}, poorer)).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: expect.stringContaining(out),
      hint: expect.stringContaining("--force"),
    });
    expectSameOutputs(outputsOf(out), reference);
    const { states } = await run({ force: true }, poorer);
    expect(states).toEqual({
      ingest: "reused",
      segment: "reused",
      transitions: "reused",
      profiles: "reused",
      neighbours: "reused",
      affinity: "reused",
      eligibility: "reused",
      states: "reused",
      response: "reused",
      candidates: "reused",
      allocate: "done",
      outputs: "done",
    });
    const { allocation } = JSON.parse(readFileSync(join(out, "run.json"), "utf8"));
    expect(allocation.budgetMinor).toBe(300);
    expect(allocation.expectedSpendMinor).toBeLessThanOrEqual(300);
    // The same as from nothing.
    const fresh = join(folder, "fresh");
    await runCampaign(poorer, { out: fresh, threads: 2 });
    expectSameOutputs(outputsOf(out), outputsOf(fresh));
  });

  it("refuses to replace what is not its own, even with force", async () => {
    writeFileSync(join(out, "notes.txt"), "mine");
    const other = edited("other.yaml", (text) => text.replace(/^seed: .*$/m, "seed: 9"));
    await expect(run({ force: true }, other)).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: expect.stringContaining("notes.txt"),
    });
    expect(readFileSync(join(out, "notes.txt"), "utf8")).toBe("mine");
    rmSync(join(out, "notes.txt"));
    expectSameOutputs(outputsOf(out), reference);
    expect(temporaries(out)).toEqual([]);
  });

  it("a file in its place, and no place at all", async () => {
    rmSync(out, { recursive: true });
    writeFileSync(out, "a file");
    await expect(run()).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: expect.stringContaining("is a file"),
    });
    await expect(runCampaign(campaign, { out: join(out, "below", "a file") })).rejects.toMatchObject({
      name: "CouponcastError",
      code: "ERR_COUPONCAST_IO",
    });
    await expect(runCampaign(campaign, { out: "" })).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
    await expect(runCampaign(campaign, {} as never)).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
    await expect(runCampaign(join(folder, "absent.yaml"), { out })).rejects.toMatchObject({
      name: "CouponcastError",
      message: expect.stringContaining("absent.yaml"),
    });
  });
});

describe("two runs into one folder", () => {
  it("the second is told who works there, and the first ends well", async () => {
    rmSync(out, { recursive: true });
    rmSync(workFolder(out), { recursive: true });
    const { child, ended } = startScript(RUN_SCRIPT, [campaign, out, "1", ""]);
    await new Promise<void>((resolve) => {
      child.stdout!.on("data", (text: string) => {
        if (text.includes("ingest start")) resolve();
      });
    });
    await expect(run()).rejects.toMatchObject({
      code: "ERR_COUPONCAST_IO",
      message: `another run (process ${child.pid}) is working on ${out}`,
      hint: expect.stringContaining("--out"),
    });
    expect((await ended).code).toBe(0);
    expectSameOutputs(outputsOf(out), reference);
    // The lock went with the first run.
    expect((await run()).upToDate).toBe(true);
  });
});

describe("a stage whose files were damaged", () => {
  const damages: [string, string, (dir: string) => void][] = [
    ["a truncated matrix", "ingest", (dir) => truncateSync(join(dir, "matrix.safetensors"), 1000)],
    ["a flipped bit", "affinity", (dir) => flip(join(dir, "affinity.safetensors"))],
    ["a flipped bit in a table", "segment", (dir) => flip(join(dir, "segments.parquet"))],
    ["a missing file", "candidates", (dir) => rmSync(join(dir, "candidates.safetensors"))],
    ["a file too many", "allocate", (dir) => writeFileSync(join(dir, "extra"), "")],
    ["a seal that is no JSON", "response", (dir) => truncateSync(join(dir, "stage.json"), 20)],
    ["a seal that is empty", "eligibility", (dir) => writeFileSync(join(dir, "stage.json"), "null")],
    [
      "another result in the seal",
      "outputs",
      (dir) =>
        writeFileSync(
          join(dir, "stage.json"),
          readFileSync(join(dir, "stage.json"), "utf8").replace('"numAssignedUsers":', '"numAssignedUsers":1'),
        ),
    ],
    ["no files at all", "neighbours", (dir) => rmSync(dir, { recursive: true })],
  ];
  function flip(path: string): void {
    const bytes = readFileSync(path);
    const at = bytes.length - 20;
    bytes[at] = bytes[at]! ^ 4;
    writeFileSync(path, bytes);
  }

  for (const [what, stage, damage] of damages) {
    it(`is built again, the others are not: ${what} (${stage})`, async () => {
      rmSync(out, { recursive: true });
      damage(stageFolder(stage));
      const { states } = await run();
      for (const [name, state] of Object.entries(states)) expect(state, name).toBe(name === stage ? "done" : "reused");
      expect(Object.keys(states)).toContain(stage);
      expectSameOutputs(outputsOf(out), reference);
    });
  }
});

describe("a run that fails", () => {
  it("for want of disk space leaves the outputs as they were and no temporaries", async () => {
    const other = edited("larger.yaml", (text) => text.replace(/^seed: .*$/m, "seed: 10"));
    const sizes = readdirSync(finished).map((name) => statSync(join(finished, name)).size);
    // ulimit -f counts 1024 bytes; writes beyond it fail as on a full disk. The last is just too little for the largest output.
    for (const limit of [4, 24, Math.floor(Math.max(...sizes) / 1024) - 1]) {
      const command = `ulimit -f ${limit} && exec "$0" "$@"`;
      const args = [fileURLToPath(RUN_SCRIPT), other, out, "2", "", "force"];
      const { status, stdout, stderr, signal } = spawnSync("bash", ["-c", command, process.execPath, ...args], {
        encoding: "utf8",
      });
      expect({ status, signal, stderr }, `${limit} KiB: ${stdout}`).toEqual({ status: 1, signal: null, stderr: "" });
      expect(stdout).toMatch(/failed ERR_COUPONCAST_IO: .{20}/);
      expectSameOutputs(outputsOf(out), reference);
      expect(temporaries(out)).toEqual([]);
    }
    // And with room enough it works.
    expect((await runScript(RUN_SCRIPT, [other, out, "2", "", "force"])).code).toBe(0);
  });

  it("by cancellation, at every stage, leaves the outputs as they were and continues later", async () => {
    const other = edited("cancelled.yaml", (text) => text.replace(/^seed: .*$/m, "seed: 11"));
    for (const stage of ["ingest", "segment", "affinity", "eligibility", "candidates", "allocate", "outputs"]) {
      const controller = new AbortController();
      const onStage: RunCampaignOptions["onStage"] = (name, state) => {
        if (name === stage && state !== "done") controller.abort();
      };
      const cancelled = runCampaign(other, { out, threads: 2, force: true, signal: controller.signal, onStage });
      await expect(cancelled, stage).rejects.toMatchObject({ code: "ERR_COUPONCAST_CANCELLED" });
      expectSameOutputs(outputsOf(out), reference);
      expect(temporaries(out)).toEqual([]);
    }
    await runCampaign(other, { out, threads: 2, force: true });
    expect(addon().coreInfo({}).liveMaps).toBeLessThan(40);
  });

  it("in a callback of the caller passes its error on", async () => {
    rmSync(out, { recursive: true });
    const onStage = () => {
      throw new RangeError("mine");
    };
    await expect(runCampaign(campaign, { out, threads: 2, onStage })).rejects.toThrow(new RangeError("mine"));
    expect(existsSync(out)).toBe(false);
    expect((await run()).upToDate).toBe(false);
  });

  it("for too many rejected rows keeps them, and says where", async () => {
    const strict = edited("strict.yaml", (text) => text.replace(/^ {2}browse: .*\n/m, ""));
    const thrown = await run({ force: true }, strict).catch((error) => error);
    expect(thrown).toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: expect.stringContaining("unknown_behaviour"),
      hint: expect.stringContaining(join(workFolder(out), "rejected.parquet")),
    });
    const kept = join(workFolder(out), "rejected.parquet");
    expect(statSync(kept).size).toBeGreaterThan(1000);
    expectSameOutputs(outputsOf(out), reference);
    expect(temporaries(out)).toEqual([]);
    // Once the cause is gone, so are they.
    await run(
      { force: true },
      edited("mended.yaml", (text) => text.replace(/^seed: .*$/m, "seed: 12")),
    );
    expect(existsSync(kept)).toBe(false);
  });

  it("for an unreadable input says so and starts nothing", async () => {
    const lost = edited("lost.yaml", (text) => text.replace("files: users.csv", "files: nobody.csv"));
    await expect(run({ force: true }, lost)).rejects.toMatchObject({
      name: "CouponcastError",
      message: expect.stringContaining("nobody.csv"),
    });
    expectSameOutputs(outputsOf(out), reference);
  });
});
