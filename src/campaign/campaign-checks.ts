import { didYouMean } from "../util/nearest-name.js";
import type { Finding } from "./document.js";
import { isFields } from "./exactly-one-of.js";
import { showValue } from "./issue-list.js";
import { segmentFindings } from "./segment-checks.js";
import { campaignZoneOf, instantFinding, zoneFinding } from "./time-checks.js";

/*
 * Checks over more than one field, and of texts that a schema cannot judge. They read raw input and look before they
 * read, so that they speak also when other fields are wrong; what the schema already refuses they pass over.
 */

const DEFAULT_BEHAVIOURS = ["browse", "search", "purchase"];

function behaviourFindings(campaign: Record<string, unknown>): Finding[] {
  const findings: Finding[] = [];
  const given = campaign.behaviours;
  if (given !== undefined && !isFields(given)) return findings;
  const names = given === undefined ? DEFAULT_BEHAVIOURS : Object.keys(given);
  const oneOf = `expected one of the behaviours ${names.slice(0, 64).join(", ")}`;
  const purchase = campaign.purchaseBehaviour ?? "purchase";
  if (typeof purchase === "string" && !names.includes(purchase)) {
    const came = campaign.purchaseBehaviour === undefined ? 'the default "purchase"' : showValue(purchase);
    findings.push({
      path: ["purchaseBehaviour"],
      message: () => `${oneOf} but received ${came}${didYouMean(purchase, names)}`,
    });
  }
  // Behaviours become columns count_<name>, and SQL columns differ in more than case.
  const byLower = new Map<string, string>();
  for (const name of names) {
    const other = byLower.get(name.toLowerCase());
    if (other !== undefined) {
      findings.push({
        path: ["behaviours", name],
        message: () => `expected names that differ in more than case but received ${showValue(other)} too`,
      });
    }
    byLower.set(name.toLowerCase(), name);
  }
  const inputs = isFields(campaign.inputs) ? campaign.inputs : {};
  for (const [source, path] of eventSources(inputs)) {
    const columns = isFields(source.columns) ? source.columns : {};
    const constant = isFields(columns.behaviour) ? columns.behaviour.constant : undefined;
    if (typeof constant === "string" && constant !== "" && !names.includes(constant)) {
      findings.push({
        path: [...path, "columns", "behaviour", "constant"],
        message: () => `${oneOf} but received ${showValue(constant)}${didYouMean(constant, names)}`,
      });
    }
  }
  return findings;
}

function eventSources(inputs: Record<string, unknown>): [Record<string, unknown>, PropertyKey[]][] {
  const { events } = inputs;
  if (isFields(events)) return [[events, ["inputs", "events"]]];
  if (!Array.isArray(events)) return [];
  return events.flatMap((source, i) => (isFields(source) ? [[source, ["inputs", "events", i]]] : []));
}

function timeZoneFindings(campaign: Record<string, unknown>): Finding[] {
  const inputs = isFields(campaign.inputs) ? campaign.inputs : {};
  const sources = eventSources(inputs);
  if (isFields(inputs.redemptions)) sources.push([inputs.redemptions, ["inputs", "redemptions"]]);
  return [
    ...zoneFinding(campaign.timeZone, ["timeZone"]),
    ...sources.flatMap(([source, path]) =>
      isFields(source.time) ? zoneFinding(source.time.timeZone, [...path, "time", "timeZone"]) : [],
    ),
  ];
}

function capFindings(campaign: Record<string, unknown>): Finding[] {
  const caps = isFields(campaign.caps) ? campaign.caps : {};
  const { perUser = 1, candidatesPerUser = 20 } = caps;
  if (typeof perUser !== "number" || typeof candidatesPerUser !== "number" || candidatesPerUser >= perUser) return [];
  const path = ["caps", caps.candidatesPerUser === undefined ? "perUser" : "candidatesPerUser"];
  return [
    {
      path,
      message: () =>
        `expected candidatesPerUser >= perUser but received candidatesPerUser ${candidatesPerUser} and perUser ${perUser}`,
    },
  ];
}

/** What a scoring method needs besides its settings. */
function scoringFindings(campaign: Record<string, unknown>): Finding[] {
  const scoring = isFields(campaign.scoring) ? campaign.scoring : {};
  const parts = Array.isArray(scoring.parts) ? scoring.parts.filter(isFields) : [];
  const findings: Finding[] = [];
  if (scoring.method === "blend" && parts.length === 0) {
    findings.push({
      path: ["scoring", "parts"],
      message: () =>
        "expected the methods of the blend, such as [{ method: item-knn }, { method: content, weight: 0.5 }]",
    });
  }
  const chosen = isFields(scoring.evaluate) && scoring.evaluate.chooseWeights === true;
  const flat = parts.findIndex(({ curve }) => curve === undefined);
  if (scoring.method === "blend" && scoring.by === "score" && !chosen && flat >= 0) {
    findings.push({
      path: ["scoring", "parts", flat],
      message: () => "expected a curve of each part, or scoring.evaluate.chooseWeights, which finds them",
    });
  }
  const usesContent =
    scoring.method === "content" || (scoring.method === "blend" && parts.some((p) => p.method === "content"));
  if (usesContent && isFields(campaign.inputs) && campaign.inputs.items === undefined) {
    findings.push({
      path: ["inputs", "items"],
      message: () => "expected a table of items, whose columns scoring by content is made from",
    });
  }
  return findings;
}

/** Chances come from one place. */
function responseFindings(campaign: Record<string, unknown>): Finding[] {
  const inputs = isFields(campaign.inputs) ? campaign.inputs : {};
  const response = isFields(campaign.response) ? campaign.response : {};
  const given = [inputs.predictions, response.model, response.onnx].filter((value) => value !== undefined);
  if (given.length < 2) return [];
  const message = () => "expected at most one of inputs.predictions, response.model and response.onnx";
  return [{ path: ["response"], message }];
}

/** Every check of a raw campaign but those of its coupons and those that need the catalogue. */
export function campaignFindings(campaign: unknown): Finding[] {
  if (!isFields(campaign)) return [];
  return [
    ...timeZoneFindings(campaign),
    ...instantFinding(campaign.asOf, campaignZoneOf(campaign), ["asOf"]),
    ...behaviourFindings(campaign),
    ...capFindings(campaign),
    ...scoringFindings(campaign),
    ...segmentFindings(campaign),
    ...responseFindings(campaign),
  ];
}
