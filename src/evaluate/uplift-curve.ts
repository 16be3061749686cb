/** Cumulative sums of treated and control users in the order of a score, and the curves over them. */
import { forEachYielding } from "../util/yield.js";

/** Sums over the users down to each threshold of the score, best first. All float64 [length]. */
export interface CumulativeGroups {
  numUsers: Float64Array;
  numTreated: Float64Array;
  /** Sums of the outcomes. */
  treatedOutcomes: Float64Array;
  controlOutcomes: Float64Array;
}

export interface Curve {
  /** Users, or money; begins at 0. */
  x: Float64Array;
  /** Begins at 0. */
  y: Float64Array;
}

/** Sums along `order`; with `scores`, one step for all users of the same score, else one a user. */
export async function cumulate(
  order: Int32Array,
  scores: ArrayLike<number> | undefined,
  treated: ArrayLike<number>,
  outcomes: ArrayLike<number>,
): Promise<CumulativeGroups> {
  const n = order.length;
  const groups = {
    numUsers: new Float64Array(n),
    numTreated: new Float64Array(n),
    treatedOutcomes: new Float64Array(n),
    controlOutcomes: new Float64Array(n),
  };
  let steps = 0;
  let [numTreated, treatedSum, controlSum] = [0, 0, 0];
  await forEachYielding(n, (i) => {
    const user = order[i]!;
    if (treated[user] === 1) {
      numTreated++;
      treatedSum += outcomes[user]!;
    } else controlSum += outcomes[user]!;
    if (scores !== undefined && i + 1 < n && scores[order[i + 1]!] === scores[user]) return;
    groups.numUsers[steps] = i + 1;
    groups.numTreated[steps] = numTreated;
    groups.treatedOutcomes[steps] = treatedSum;
    groups.controlOutcomes[steps] = controlSum;
    steps++;
  });
  return {
    numUsers: groups.numUsers.subarray(0, steps),
    numTreated: groups.numTreated.subarray(0, steps),
    treatedOutcomes: groups.treatedOutcomes.subarray(0, steps),
    controlOutcomes: groups.controlOutcomes.subarray(0, steps),
  };
}

export type GainFormula = (users: number, treated: number, treatedSum: number, controlSum: number) => number;

const ratio = (a: number, b: number) => (b > 0 ? a / b : 0);

/** (mean of the treated - mean of the control) * users: what treating all down to here brings. */
export const upliftGain: GainFormula = (users, treated, treatedSum, controlSum) =>
  (ratio(treatedSum, treated) - ratio(controlSum, users - treated)) * users;

/** Outcomes of the treated less those of as many control users. Source: Radcliffe 2007. */
export const qiniGain: GainFormula = (users, treated, treatedSum, controlSum) =>
  treatedSum - controlSum * ratio(treated, users - treated);

export async function curveOf(groups: CumulativeGroups, gain: GainFormula): Promise<Curve> {
  const steps = groups.numUsers.length;
  const x = new Float64Array(steps + 1);
  const y = new Float64Array(steps + 1);
  await forEachYielding(steps, (s) => {
    x[s + 1] = groups.numUsers[s]!;
    y[s + 1] = gain(groups.numUsers[s]!, groups.numTreated[s]!, groups.treatedOutcomes[s]!, groups.controlOutcomes[s]!);
  });
  return { x, y };
}

/** Area by trapezoids. */
export async function areaUnder({ x, y }: { x: ArrayLike<number>; y: ArrayLike<number> }): Promise<number> {
  let area = 0;
  await forEachYielding(x.length, (i) => {
    if (i > 0) area += ((x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2;
  });
  return area;
}
