import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { runCampaign } from "../../src/run/run-campaign.js";
import { Random } from "../../src/util/random.js";
import {
  expectSameOutputs,
  expectWholeOrAbsent,
  makeShop,
  outputsOf,
  RUN_SCRIPT,
  temporaries,
} from "../support/campaign-run.js";
import { runScript, startScript } from "../support/child.js";
import { temporaryFolder } from "../support/matrix.js";

const folder = temporaryFolder();
let campaign: string;
let reference: Record<string, string>;
let stages: string[];

beforeAll(async () => {
  campaign = await makeShop(join(folder, "shop"), { users: 500, items: 60, events: 9000 });
  const out = join(folder, "reference");
  stages = [];
  await runCampaign(campaign, { out, threads: 2, onStage: (name, state) => stages.push(`${name} ${state}`) });
  reference = outputsOf(out);
});

describe("a run that is killed", () => {
  it("in every stage, at its start or its end, continues there and ends with the same bytes", async () => {
    const out = join(folder, "boundaries");
    // The end of a stage and the start of the next are one moment; every second one is done at its end.
    const boundaries = stages
      .map((boundary, index) => ({ boundary, index }))
      .filter(({ index }) => index % 4 === 0 || index % 4 === 3);
    let reached = 0;
    for (const { boundary, index } of boundaries) {
      const { signal, stdout } = await runScript(RUN_SCRIPT, [campaign, out, "2", boundary]);
      expect(signal, `killed at ${boundary}`).toBe("SIGKILL");
      expect(existsSync(out)).toBe(false);
      // Stages that were finished before are not run again.
      const finished = stages.slice(0, reached).filter((line) => line.endsWith(" done"));
      reached = index + 1;
      const lines = stdout.split("\n");
      for (const line of finished) expect(lines, boundary).toContain(line.replace(/done$/, "reused"));
    }
    const { code, stdout } = await runScript(RUN_SCRIPT, [campaign, out, "2", ""]);
    expect(code).toBe(0);
    expect(stdout.trim().split("\n").at(-1)).toBe("finished");
    expectSameOutputs(outputsOf(out), reference);
    expect(temporaries(out)).toEqual([]);
  });

  it("at random moments continues and ends with the same bytes", async () => {
    const random = new Random(20260701);
    const out = join(folder, "moments");
    let kills = 0;
    for (let attempt = 0; ; attempt++) {
      const { child, ended } = startScript(RUN_SCRIPT, [campaign, out, "2", ""]);
      // Short lives first, so that the first stages are hit as well; then long enough to get to the end.
      const timer = setTimeout(() => child.kill("SIGKILL"), 150 + random.int(200 + attempt * 250));
      const { code, signal } = await ended;
      clearTimeout(timer);
      expectWholeOrAbsent(out, [reference]);
      if (signal === null) {
        expect(code).toBe(0);
        break;
      }
      kills++;
      expect(attempt).toBeLessThan(40);
    }
    expect(kills).toBeGreaterThanOrEqual(2);
    expectSameOutputs(outputsOf(out), reference);
    expect(temporaries(out)).toEqual([]);
  });

  it("while it replaces another run leaves the old outputs, the new ones, or none; then finishes", async () => {
    const random = new Random(5);
    const out = join(folder, "replaced");
    const other = join(folder, "shop", "other.yaml");
    writeFileSync(other, readFileSync(campaign, "utf8").replace(/^seed: .*$/m, "seed: 8"));
    expect((await runScript(RUN_SCRIPT, [other, out, "2", ""])).code).toBe(0);
    const old = outputsOf(out);
    let published = false;
    for (let attempt = 0; attempt < 8 && !published; attempt++) {
      const { child, ended } = startScript(RUN_SCRIPT, [campaign, out, "2", "", "force"]);
      let seen = "";
      child.stdout!.on("data", (text: string) => {
        // The stages are done: what follows is the report and the change of folders.
        const before = seen;
        seen += text;
        if (/^outputs (done|reused)$/m.test(seen) && !/^outputs (done|reused)$/m.test(before)) {
          setTimeout(() => child.kill("SIGKILL"), random.int(250 * (attempt + 1)));
        }
      });
      published = (await ended).signal === null;
      expectWholeOrAbsent(out, [old, reference]);
    }
    const { code } = await runScript(RUN_SCRIPT, [campaign, out, "2", "", "force"]);
    expect(code).toBe(0);
    expectSameOutputs(outputsOf(out), reference);
    expect(temporaries(out)).toEqual([]);
  });

  it("between the two renames of a replacement gets its old outputs back", async () => {
    const out = join(folder, "between");
    await runCampaign(campaign, { out, threads: 2 });
    renameSync(out, join(folder, ".between.couponcast", "replaced"));
    const { upToDate } = await runCampaign(campaign, { out, threads: 2 });
    expect(upToDate).toBe(true);
    expectSameOutputs(outputsOf(out), reference);
    expect(temporaries(out)).toEqual([]);
    rmSync(out, { recursive: true });
  });
});
