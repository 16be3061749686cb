import { join } from "node:path";
import { expect, it } from "vitest";
import { readTable } from "./read-table.js";
import { cliJson, scratchFolder } from "./run-cli.js";
import { makeShop } from "./shop.js";

const folder = scratchFolder();

it("scores the features that ingest writes; its table says whose segment `transitions` counts", async () => {
  const { features } = await makeShop(folder);
  const at = (name: string) => join(folder, name);
  const document = await cliJson(["rfm", features, "-o", at("rfm.parquet")]);
  const buyers = document.numUsers - document.numUnsegmented;
  expect(document.numUsers).toBe(600);
  expect(buyers).toBeGreaterThan(300);
  const rows = await readTable(at("rfm.parquet"));
  expect(rows).toHaveLength(600);
  expect(rows.filter((row) => row.rfm_segment === document.segments[0].name)).toHaveLength(document.segments[0].size);
  expect(Number(rows.find((row) => row.rfm === "555")!.segment)).toBe(
    document.segments.findIndex(({ name }: { name: string }) => name === "champions"),
  );
  const fixed = await cliJson(["rfm", features, "--cut", "fixed", "--frequency-cuts", "2,3,4,5", "-o", at("f.csv")]);
  expect(fixed.numUnsegmented).toBe(document.numUnsegmented);
  expect((await readTable(at("f.csv")))[0]).toHaveProperty("rfm_segment");
});
