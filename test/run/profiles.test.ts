import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCampaign } from "../../src/run/run-campaign.js";
import { readTable } from "../cli/read-table.js";
import { makeShop } from "../support/campaign-run.js";

const folder = mkdtempSync(join(tmpdir(), "couponcast-profiles-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const out = join(folder, "out");

beforeAll(async () => {
  const campaign = await makeShop(join(folder, "shop"), { users: 400, items: 60, events: 12_000 });
  const text = readFileSync(campaign, "utf8").replace(/^segments:\n {2}k: 6$/m, "segments:\n  method: rfm");
  expect(text).toContain("method: rfm");
  writeFileSync(campaign, `${text}\ntransitions: { response: true, horizonDays: 30 }\n`);
  await runCampaign(campaign, { out, threads: 2 });
}, 120_000);

it("a campaign by RFM writes all of each user, and what sets each segment apart", async () => {
  const profiles = await readTable(join(out, "profiles.parquet"));
  const segments = await readTable(join(out, "segments.parquet"));
  expect(profiles.map((row) => [row.user_id, row.segment])).toEqual(segments.map((row) => [row.user_id, row.segment]));
  expect(profiles[0]).toMatchObject({ next_purchase: expect.anything(), rfm_segment: expect.anything() });
  expect(profiles.some((row) => row.top_category_1 !== "")).toBe(true);
  // One name a segment: the scores of the profiles are those that the users were divided by.
  const names = new Map<string, Set<string>>();
  for (const { segment, rfm_segment } of profiles)
    names.set(segment!, (names.get(segment!) ?? new Set()).add(rfm_segment!));
  for (const [segment, own] of names) expect(own.size, segment).toBe(1);
  const apart = await readTable(join(out, "segment_profiles.parquet"));
  const first = apart.filter((row) => row.segment === "0");
  expect(first.map((row) => Number(row.rank))).toEqual(first.map((_, i) => i + 1));
  const sizes = first.map((row) => Math.abs(Number(row.standardised_difference)));
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
});

it("the report names them and shows what comes next", () => {
  const page = readFileSync(join(out, "report.html"), "utf8");
  for (const text of ["champions", "What sets each segment apart", "What shoppers do next", "transition-diagram"]) {
    expect(page).toContain(text);
  }
});
