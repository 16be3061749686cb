import type { Command } from "commander";
import { addGroup } from "../command.js";
import { addEvaluateCampaign } from "./evaluate/campaign.js";
import { addEvaluatePolicy } from "./evaluate/policy.js";
import { addEvaluateUplift } from "./evaluate/uplift.js";

export function addEvaluate(program: Command): void {
  const group = addGroup(program, {
    name: "evaluate",
    summary: "what a campaign brought; how good a policy or an uplift model is",
    description:
      "Measures after the fact: a campaign against its holdout, a policy from logged propensities, an order of users\nby uplift.",
  });
  addEvaluateCampaign(group);
  addEvaluatePolicy(group);
  addEvaluateUplift(group);
}
