import { join } from "node:path";
import { count, gapPercent, moneyFormat, percent } from "../report/format.js";
import { rejectionInWords } from "../report/reasons.js";
import type { RunManifest } from "../run/manifest.js";
import { brief, counted, duration, labelled } from "./text-layout.js";

const MAX_WARNINGS = 10;

/** Reasons in the few words that fit a line; the report says them in full. */
const WITHHELD: Record<string, string> = {
  holdout: "held out, so that the uplift can be measured",
  no_consent: "no consent to be sent offers",
  no_eligible_coupon: "no coupon is meant for them",
  no_candidate_value: "no coupon is expected to bring extra margin",
  budget: "the budget earns more with others",
  coupon_budget: "the coupon's budget earns more with others",
  stock: "the coupon's stock earns more with others",
  exclusive_group: "coupons exclude each other",
  cap: "have as many coupons as they may",
  outbid: "budget and stock earn more with others",
};

/** What a person wants to know when a run has ended: what went in, who got what, what it costs, how good that is. */
export function runSummary(manifest: RunManifest, out: string, upToDate: boolean): string[] {
  const { campaign, counts, allocation, warnings } = manifest;
  const money = moneyFormat(campaign.currency);
  const lines = [`${campaign.name}, as of ${manifest.asOf.replace(/\.000Z$/, "Z")}`, ""];
  if (upToDate) lines[0] += ": up to date, nothing to do";

  const numRejected = counts.rowsRead - counts.rowsAccepted;
  const numWithheld = counts.users - counts.usersAssigned;
  const spentShare =
    allocation.budgetMinor > 0 ? ` (${percent(allocation.expectedSpendMinor / allocation.budgetMinor)})` : "";
  const rows: [string, string][] = [
    [
      "events",
      `${count(counts.rowsRead)} rows read, ${count(numRejected)} rejected, ${count(counts.rowsAccepted)} accepted`,
    ],
    ...breakdown(counts.rejected, rejectionInWords),
    ["matrix", `${counted(counts.users, "user")} x ${counted(counts.items, "item")}, ${counted(counts.cells, "cell")}`],
    ["assigned", `${counted(counts.assignments, "coupon")} to ${counted(counts.usersAssigned, "user")}`],
    ["withheld", counted(numWithheld, "user")],
    ...breakdown(counts.withheld, (code) => WITHHELD[code] ?? code.replaceAll("_", " ")),
    [
      "spend",
      `${money.amount(allocation.expectedSpendMinor)} expected, of a budget of ${money.amount(allocation.budgetMinor)}${spentShare}`,
    ],
    ["value", `${money.amount(allocation.valueMinor)} expected incremental margin`],
    ["upper bound", `${money.amount(allocation.upperBoundMinor)}; gap ${gapPercent(allocation.gap)}`],
    ...responseRows(manifest),
  ];
  lines.push(...labelled(rows));
  if (warnings.length > 0) {
    lines.push("", ...warnings.slice(0, MAX_WARNINGS).map((warning) => `  warning: ${warning}`));
    if (warnings.length > MAX_WARNINGS) lines.push(`  and ${warnings.length - MAX_WARNINGS} more warnings in run.json`);
  }
  lines.push("", `${join(out, "report.html")}${upToDate ? "" : ` (${duration(manifest.timings.totalSeconds)})`}`);
  return lines;
}

/** Counts by reason, most frequent first. */
function breakdown(counts: Record<string, number>, inWords: (code: string) => string): [string, string][] {
  const entries = Object.entries(counts).filter(([, n]) => n > 0);
  entries.sort((a, b) => b[1] - a[1]);
  const width = Math.max(0, ...entries.map(([, n]) => count(n).length));
  return entries.map(([code, n]) => ["", `${count(n).padStart(width)}  ${inWords(code)}`]);
}

function responseRows({ response, campaign }: RunManifest): [string, string][] {
  if (response.given !== undefined) {
    const { from, pairs } = response.given;
    const about = pairs && `: ${counted(pairs.count, "pair")}, P(redeem) ${percent(pairs.meanPRedeem)} on average`;
    return [["response", `${from}${about ?? ""}`]];
  }
  if (response.kind === "prior" || response.heldOutLogLoss === null || response.baseRateLogLoss === null) {
    const { prior, minRedemptions } = campaign.response;
    return [
      [
        "response",
        `P(redeem) ${percent(prior)} assumed for all: ${counted(response.redemptions, "past redemption")}, a model needs ${count(minRedemptions)}`,
      ],
    ];
  }
  const better = 1 - response.heldOutLogLoss / response.baseRateLogLoss;
  const verdict = better > 0 ? `${percent(better)} better than` : "no better than";
  const rows: [string, string][] = [
    [
      "response",
      `model from ${counted(response.offers, "past offer")}, ${counted(response.redemptions, "redemption")}`,
    ],
    [
      "",
      `held-out log loss ${brief(response.heldOutLogLoss)}, ${verdict} the base rate's ${brief(response.baseRateLogLoss)}`,
    ],
  ];
  const { calibration } = response;
  if (calibration.length > 0) {
    const shown =
      calibration.length <= 3
        ? calibration
        : [calibration[0]!, calibration[calibration.length >> 1]!, calibration.at(-1)!];
    const pairs = shown.map((bin) => `${percent(bin.meanPredicted)} → ${percent(bin.observedRate)}`);
    rows.push(["calibration", `predicted → observed, low to high: ${pairs.join(", ")}`]);
  }
  return rows;
}
