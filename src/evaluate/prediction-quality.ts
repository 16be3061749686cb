import type { DuckDb } from "../duckdb/duckdb.js";
import type { CurvePoint } from "./uplift-metrics.js";

/** How the predicted chances of redemption came true. */
export interface PredictionQuality {
  /** Coupons of like prediction, in ascending order of it. */
  calibration: { meanPredicted: number; observedRate: number; numOffers: number }[];
  /** Share of all redemptions among the best-predicted share of the coupons; empty without redemptions. */
  gain: CurvePoint[];
}

const BINS = 10;
const MAX_POINTS = 200;

/** Coupons of the table `handed` (p, redeemed); those of one prediction stay together. */
export async function predictionQuality(db: DuckDb): Promise<PredictionQuality> {
  const rows = await db.rows(`
    SELECT p, count(*)::DOUBLE AS offers, (count(*) FILTER (redeemed))::DOUBLE AS redeemed FROM handed GROUP BY p ORDER BY p`);
  const groups = rows.map((row) => ({ p: Number(row.p), offers: Number(row.offers), redeemed: Number(row.redeemed) }));
  const total = groups.reduce((sum, group) => sum + group.offers, 0);
  const calibration: PredictionQuality["calibration"] = [];
  let bin = { offers: 0, predicted: 0, redeemed: 0 };
  let before = 0;
  for (const [g, { p, offers, redeemed }] of groups.entries()) {
    bin.offers += offers;
    bin.predicted += p * offers;
    bin.redeemed += redeemed;
    before += offers;
    if (before < ((calibration.length + 1) * total) / BINS && g + 1 < groups.length) continue;
    calibration.push({
      meanPredicted: bin.predicted / bin.offers,
      observedRate: bin.redeemed / bin.offers,
      numOffers: bin.offers,
    });
    bin = { offers: 0, predicted: 0, redeemed: 0 };
  }
  return { calibration, gain: gainCurve(groups, total) };
}

function gainCurve(groups: readonly { offers: number; redeemed: number }[], total: number): CurvePoint[] {
  const allRedeemed = groups.reduce((sum, group) => sum + group.redeemed, 0);
  if (allRedeemed === 0) return [];
  const every = Math.max(1, Math.ceil(groups.length / MAX_POINTS));
  const points: CurvePoint[] = [{ share: 0, gain: 0 }];
  let [offers, redeemed] = [0, 0];
  for (const [i, group] of [...groups].reverse().entries()) {
    offers += group.offers;
    redeemed += group.redeemed;
    if ((i + 1) % every === 0 || i + 1 === groups.length)
      points.push({ share: offers / total, gain: redeemed / allRedeemed });
  }
  return points;
}
