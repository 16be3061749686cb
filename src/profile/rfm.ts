/** Recency, frequency and monetary value as scores from 1 to 5, and the usual names for them, as SQL: exact, in any order. */
import { DEFAULT_CUTS, NUM_CUTS, type RFM_CUT_RULES, type RfmCuts } from "../campaign/rfm-rules.js";
import { invalidArgument } from "../errors.js";
import { arrayOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";

type ScoreRange = readonly [low: number, high: number];

export interface RfmSegmentRule {
  name: string;
  recency: ScoreRange;
  frequency: ScoreRange;
  /** Who they are, for reports. */
  meaning: string;
}

/** The usual names, by the scores of recency and frequency; each pair of scores has exactly one. */
export const RFM_SEGMENTS: readonly RfmSegmentRule[] = [
  { name: "champions", recency: [5, 5], frequency: [4, 5], meaning: "bought a moment ago, and buy most often" },
  { name: "loyal", recency: [3, 4], frequency: [4, 5], meaning: "buy often" },
  { name: "potential loyalists", recency: [4, 5], frequency: [2, 3], meaning: "bought lately, more than once" },
  { name: "new customers", recency: [5, 5], frequency: [1, 1], meaning: "bought a moment ago, not often yet" },
  { name: "promising", recency: [4, 4], frequency: [1, 1], meaning: "bought lately, not often yet" },
  { name: "need attention", recency: [3, 3], frequency: [3, 3], meaning: "in the middle of both" },
  { name: "about to sleep", recency: [3, 3], frequency: [1, 2], meaning: "some time ago, seldom" },
  { name: "at risk", recency: [1, 2], frequency: [3, 4], meaning: "bought often, but long ago" },
  { name: "cannot lose them", recency: [1, 2], frequency: [5, 5], meaning: "bought most often, but long ago" },
  { name: "hibernating", recency: [1, 2], frequency: [1, 2], meaning: "long ago, seldom" },
];

/** Where features.parquet has them. */
export const RFM_COLUMNS = {
  id: "user_id",
  recency: "order_recency_days",
  frequency: "frequency",
  monetary: "monetary_minor",
} as const;

export interface RfmRules {
  /**
   * quantile: score = 1 + floor(5 * (users who do worse) / (users who buy)), so equal values have equal scores;
   * fixed: one more for each limit that is reached (of days: not exceeded).
   */
  cut: (typeof RFM_CUT_RULES)[number];
  /** Of fixed. */
  cuts?: RfmCuts | undefined;
}

/** SQL expressions over the rows of `from`; NULL where a user never bought. */
export interface RfmColumns {
  from: string;
  recencyDays: string;
  frequency: string;
  monetary: string;
}

/** Errors: ERR_COUPONCAST_INVALID_ARGUMENT naming the list that is none. */
function checkCuts(cuts: RfmCuts): void {
  knownOptions("cuts", cuts, { recencyDays: true, frequency: true, monetary: true });
  for (const name of ["recencyDays", "frequency", "monetary"] as const) {
    const list = arrayOf(`cuts.${name}`, cuts[name]);
    const ascends = list.every((cut, i) => Number.isFinite(cut) && (i === 0 || cut > list[i - 1]!));
    if (list.length === NUM_CUTS && ascends) continue;
    throw invalidArgument(
      `expected ${NUM_CUTS} ascending numbers for the ${name} cuts but received ${list.join(", ")}`,
    );
  }
}

/**
 * A query of all rows of `from` with recency_score, frequency_score and monetary_score (1 worst, 5 best), rfm (the three
 * digits) and rfm_segment (a name of RFM_SEGMENTS); all NULL for users without orders, who are not counted either.
 * Source: Hughes, Strategic Database Marketing (1994), the five scores; their ties have the score of the lowest of them.
 */
export function rfmSql({ from, recencyDays, frequency, monetary }: RfmColumns, rules: RfmRules): string {
  const buys = `coalesce(${frequency} > 0 AND ${recencyDays} IS NOT NULL, false)`;
  const cuts = rules.cuts ?? DEFAULT_CUTS;
  checkCuts(cuts);
  const byRank = (order: string) =>
    `CAST(1 + (5 * (rank() OVER (PARTITION BY cc_buys ORDER BY ${order}) - 1)) // count(*) OVER (PARTITION BY cc_buys) AS UTINYINT)`;
  const reached = (value: string, list: readonly number[], test: string) =>
    `CAST(1 + ${list.map((cut) => `CAST(${value} ${test} ${cut} AS UTINYINT)`).join(" + ")} AS UTINYINT)`;
  const [recency, often, spent] =
    rules.cut === "quantile"
      ? [byRank(`${recencyDays} DESC`), byRank(frequency), byRank(`coalesce(${monetary}, 0)`)]
      : [
          reached(recencyDays, cuts.recencyDays, "<="),
          reached(frequency, cuts.frequency, ">="),
          reached(`coalesce(${monetary}, 0)`, cuts.monetary, ">="),
        ];
  const names = RFM_SEGMENTS.map(
    ({ name, recency: [r1, r5], frequency: [f1, f5] }) =>
      `WHEN recency_score BETWEEN ${r1} AND ${r5} AND frequency_score BETWEEN ${f1} AND ${f5} THEN '${name}'`,
  );
  const scored = (score: string, name: string) => `CASE WHEN cc_buys THEN ${score} END AS ${name}`;
  return `SELECT * EXCLUDE (cc_buys),
    CAST(recency_score AS VARCHAR) || frequency_score || monetary_score AS rfm,
    CASE ${names.join(" ")} END AS rfm_segment
  FROM (
    SELECT *, ${scored(recency!, "recency_score")}, ${scored(often!, "frequency_score")}, ${scored(spent!, "monetary_score")}
    FROM (SELECT *, ${buys} AS cc_buys FROM ${from})
  )`;
}
