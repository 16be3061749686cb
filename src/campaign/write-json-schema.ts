/*
 * Build step: writes schema/campaign.schema.json next to dist, or to the path given.
 * node dist/campaign/write-json-schema.js [path]
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { campaignJsonSchema } from "./json-schema.js";

const path = process.argv[2] ?? fileURLToPath(new URL("../../schema/campaign.schema.json", import.meta.url));
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, `${JSON.stringify(campaignJsonSchema(), null, 2)}\n`);
