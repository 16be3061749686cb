import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { runCampaign } from "../../src/run/run-campaign.js";
import { Random } from "../../src/util/random.js";
import { expectSameOutputs, makeShop, outputsOf } from "../support/campaign-run.js";
import { temporaryFolder } from "../support/matrix.js";

const folder = temporaryFolder();
let campaign: string;
let reference: Record<string, string>;

beforeAll(async () => {
  // More users than a shard of the affinity stage (8192), and enough offers for a response model.
  campaign = await makeShop(join(folder, "shop"), { users: 8500, items: 120, events: 50_000, coupons: 10 });
  await runCampaign(campaign, { out: join(folder, "reference"), threads: 2 });
  reference = outputsOf(join(folder, "reference"));
});

async function run(name: string, file: string, threads: number): Promise<Record<string, string>> {
  const out = join(folder, name);
  await runCampaign(file, { out, threads });
  return outputsOf(out);
}

describe("the outputs of a run", () => {
  it("are the same bytes for 1, 2 and 3 threads", async () => {
    for (const threads of [1, 3]) expectSameOutputs(await run(`threads-${threads}`, campaign, threads), reference);
    expect(JSON.parse(reference["run.json"]!).response.kind).toBe("model");
  });

  it("do not depend on the order of the rows, nor on how they are split over files", async () => {
    const shop = join(folder, "shop");
    const shuffled = join(folder, "shuffled");
    mkdirSync(join(shuffled, "events"), { recursive: true });
    const random = new Random(1);
    const rowsOf = (path: string) => {
      const [header, ...rows] = readFileSync(path, "utf8").trimEnd().split("\n");
      return { header: header!, rows };
    };
    for (const name of readdirSync(shop)) {
      if (name === "events" || name === "truth.safetensors") continue;
      if (!name.endsWith(".csv")) {
        writeFileSync(join(shuffled, name), readFileSync(join(shop, name)));
        continue;
      }
      const { header, rows } = rowsOf(join(shop, name));
      writeFileSync(join(shuffled, name), `${[header, ...random.shuffle(rows)].join("\n")}\n`);
    }
    const files = readdirSync(join(shop, "events")).map((name) => rowsOf(join(shop, "events", name)));
    const events = random.shuffle(files.flatMap(({ rows }) => rows));
    const parts = 3;
    for (let part = 0; part < parts; part++) {
      const own = events.filter((_, index) => index % parts === part);
      writeFileSync(join(shuffled, "events", `part-${part}.csv`), `${[files[0]!.header, ...own].join("\n")}\n`);
    }
    const outputs = await run("shuffled-out", join(shuffled, "campaign.yaml"), 2);
    // The report and run.json name the inputs' digests; everything decided is the same.
    expectSameOutputs(outputs, reference, ["assignments.parquet", "withheld.parquet", "segments.parquet"]);
    const [mine, theirs] = [outputs, reference].map((of) => JSON.parse(of["run.json"]!));
    expect(mine.counts).toEqual(theirs.counts);
    expect(mine.allocation).toEqual(theirs.allocation);
    expect(mine.response).toEqual(theirs.response);
    expect(mine.inputs).not.toEqual(theirs.inputs);
    rmSync(shuffled, { recursive: true });
  });

  it("do not depend on the folder that the campaign lies in", async () => {
    const [here, there] = [join(folder, "here"), join(folder, "moved", "deeper")];
    const outputs: Record<string, string>[] = [];
    for (const place of [here, there]) {
      const file = await makeShop(place, { users: 300, items: 40, events: 4000 });
      outputs.push(await run(`${outputs.length}-out`, file, 2));
    }
    expectSameOutputs(outputs[1]!, outputs[0]!);
  });
});
