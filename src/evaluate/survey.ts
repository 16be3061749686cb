import { invalidArgument } from "../errors.js";
import { type Estimate, normalEstimate } from "./interval.js";

/** How many answered how, of the users of one group. */
export interface SurveyGroup {
  /** Users who could have answered. */
  numAsked: number;
  /** [11] answers of each score from 0 to 10. */
  counts: ArrayLike<number>;
}

export interface Satisfaction {
  numAsked: number;
  numAnswers: number;
  responseRate: number;
  /** Of the scores; null without answers. */
  mean: Estimate | null;
  /** Net promoter score, -100 to 100: share of 9 and 10 less share of 0 to 6; null without answers. */
  nps: Estimate | null;
}

/** Mean score and net promoter score. Errors: ERR_COUPONCAST_INVALID_ARGUMENT. Source: Reichheld 2003. */
export function satisfaction({ numAsked, counts }: SurveyGroup, confidence: number): Satisfaction {
  if (counts.length !== 11)
    throw invalidArgument(`expected 11 counts, of scores 0 to 10, but received ${counts.length}`);
  const moment = (of: (score: number) => number) =>
    Array.from(counts).reduce((sum, count, score) => sum + count * of(score), 0);
  const n = moment(() => 1);
  const meanOf = (of: (score: number) => number): Estimate => {
    const mean = moment(of) / n;
    const variance = n > 1 ? moment((score) => (of(score) - mean) ** 2) / (n - 1) : 0;
    return normalEstimate(mean, Math.sqrt(variance / n), confidence);
  };
  const vote = (score: number) => (score >= 9 ? 100 : score <= 6 ? -100 : 0);
  return {
    numAsked,
    numAnswers: n,
    responseRate: numAsked > 0 ? n / numAsked : 0,
    mean: n > 0 ? meanOf((score) => score) : null,
    nps: n > 0 ? meanOf(vote) : null,
  };
}

/** Below this, those who answer say little of those who do not. Source: Groves 2006. */
const LOW_RESPONSE = 0.5;
/** One group answering this many times as often as another speaks for itself only. */
const UNEVEN_RESPONSE = 1.5;

/** Why the answers may not stand for all users; empty where nothing speaks against it. */
export function responseBias(groups: Readonly<Record<string, Satisfaction>>): string[] {
  const asked = Object.entries(groups).filter(([, { numAsked }]) => numAsked > 0);
  const total = asked.reduce((sum, [, group]) => sum + group.numAsked, 0);
  const answers = asked.reduce((sum, [, group]) => sum + group.numAnswers, 0);
  const warnings: string[] = [];
  if (total > 0 && answers / total < LOW_RESPONSE)
    warnings.push(
      `only ${((100 * answers) / total).toFixed(1)} % answered: those who do not may feel otherwise, and nothing here shows it`,
    );
  const byRate = asked.sort(([, a], [, b]) => b.responseRate - a.responseRate);
  const [most, least] = [byRate[0], byRate.at(-1)];
  if (most !== undefined && least !== undefined && most[1].responseRate > UNEVEN_RESPONSE * least[1].responseRate)
    warnings.push(
      `${most[0]} answered more often (${(100 * most[1].responseRate).toFixed(1)} %) than ${least[0]} (${(100 * least[1].responseRate).toFixed(1)} %): compare the groups, not the total`,
    );
  return warnings;
}
