/** Coupons drawn by lot in a run: whose draw is which, and what outputs say of it. */
import { join } from "node:path";
import { type Exploration, type ExploredLimit, type ExploreOptions, withCouponIds } from "../allocate/explore.js";
import { quoteLiteral } from "../duckdb/duckdb.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import { reasonCode } from "../score/eligibility.js";
import type { TensorSpec } from "../store/tensor-file-writer.js";
import { openStageDb, type RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";

export interface ExplorationFacts extends Pick<Exploration, "expected" | "givenUpMinor" | "limits" | "seed"> {
  /** What the best plan, around which draws are, is worth and costs. */
  best: { assigned: number; valueMinor: number; spendMinor: number };
  /** Users who were given just what the best plan gives them. */
  usersAsBest: number;
  limits: ExploredLimit[];
}

/** A user's draw depends on its id and the campaign's seed, not on who else is there. */
export async function exploreOptions(context: RunContext, ingested: IngestStage, dir: string): Promise<ExploreOptions> {
  const { exploration, seed } = context.loaded.campaign;
  const users = join(ingested.dir, INGEST_FILES.users);
  const keys = new BigInt64Array(ingested.result.numUsers);
  const db = await openStageDb(context, dir, [users]);
  try {
    let at = 0;
    const sql = `SELECT (md5_number_lower(user_id) >> 1)::BIGINT FROM read_parquet(${quoteLiteral(users)}) ORDER BY row`;
    for await (const { numRows, columns } of db.streamColumns(sql, ["I64"])) {
      keys.set(columns[0].subarray(0, numRows), at);
      at += numRows;
    }
  } finally {
    db.close();
  }
  return { ...exploration, seed, keys };
}

/** Whoever the best plan gives a coupon and who drew none has a reason of its own. */
export function markLots({ chosen, best }: Exploration, width: number, reasons: Uint8Array): void {
  for (let user = 0; user < reasons.length; user++) {
    const holds = (of: Uint8Array) => of.subarray(user * width, (user + 1) * width).includes(1);
    if (reasons[user] !== 0 && holds(best.chosen) && !holds(chosen)) reasons[user] = reasonCode("lot");
  }
}

export function explorationTensors(
  { propensities, decisionPropensities, isBest }: Exploration,
  width: number,
): (TensorSpec & { data: ArrayBufferView })[] {
  const users = isBest.length;
  return [
    { name: "propensity", dtype: "F64", shape: [users, width], data: propensities },
    { name: "decision", dtype: "F64", shape: [users], data: decisionPropensities },
    { name: "isBest", dtype: "U8", shape: [users], data: isBest },
  ];
}

export function explorationFacts(explored: Exploration, { loaded }: RunContext): ExplorationFacts {
  const { expected, givenUpMinor, seed, best, isBest } = explored;
  const { assigned, valueMinor, spendMinor } = best;
  const ids = loaded.coupons.map(({ id }) => id);
  return {
    best: { assigned, valueMinor, spendMinor },
    expected,
    givenUpMinor,
    usersAsBest: isBest.reduce((sum, is) => sum + is, 0),
    limits: withCouponIds(explored.limits, ids),
    seed,
  };
}
