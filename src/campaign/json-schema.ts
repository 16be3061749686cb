import { z } from "zod";
import { campaignSchema } from "./campaign-schema.js";

/** Names the shape of campaign files; a new number when files of the old shape would no longer pass. */
const CAMPAIGN_SCHEMA_ID = "urn:couponcast:campaign:1";

/**
 * JSON Schema (draft 2020-12) of a campaign file as people write it, defaults and descriptions included, for editors
 * and for checks in other languages. What only couponcast can check is left to loadCampaign: time zones, times,
 * unique coupon ids, names that must occur elsewhere in the file.
 */
export function campaignJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(campaignSchema, { io: "input", target: "draft-2020-12" });
  return {
    $schema,
    $id: CAMPAIGN_SCHEMA_ID,
    title: "couponcast campaign",
    description: "One distribution run of couponcast: inputs, scoring, segments, budget and caps.",
    ...schema,
  };
}
