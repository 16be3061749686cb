import { join } from "node:path";
import type { Campaign } from "../campaign/campaign-schema.js";
import { contentColumns } from "../campaign/schema/sources.js";
import { invalidArgument } from "../errors.js";
import { readItemContent } from "../ingest/item-content.js";
import { ItemProfiles } from "../score/content/item-profiles.js";
import type { Matrix } from "../store/matrix.js";

/**
 * Writes the profiles of the matrix's items into `dir`, from the columns that the campaign names; returns the file.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (no items table, a column that is not there), _IO, _CANCELLED.
 */
export async function writeCampaignProfiles(
  campaign: Campaign,
  baseDir: string,
  matrix: Matrix,
  dir: string,
  options: { threads: number; signal?: AbortSignal | undefined },
): Promise<string> {
  const { inputs, scoring, seed, ingest } = campaign;
  if (inputs.items === undefined) {
    throw invalidArgument("content-based scoring needs an items table", {
      field: "inputs.items",
      hint: "Name its files, and under columns its category, tags, text and attributes.",
    });
  }
  const { columns, ...source } = inputs.items;
  const profiles = new ItemProfiles({ ...scoring.content, seed, ...contentColumns(inputs.items), matrix });
  const request = {
    source,
    id: columns.id,
    columns: profiles.columns,
    optional: columns.category === "category" ? ["category"] : [],
    baseDir,
    tempDir: dir,
    memoryLimitMb: ingest.memoryLimitMb,
    ...options,
  };
  await readItemContent(request, (id, values) => profiles.add(id, values));
  const path = join(dir, "profiles.safetensors");
  await profiles.write(path);
  return path;
}
