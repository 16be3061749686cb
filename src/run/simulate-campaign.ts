/** What policies would really earn in a shop whose truth is known. */
import { join, resolve } from "node:path";
import { MILLI } from "../allocate/problem.js";
import { discountMinor } from "../campaign/coupon.js";
import { loadCampaign } from "../campaign/load-campaign.js";
import { checkRunOptions, Executor, RUN_OPTIONS, type RunOptions } from "../executor/executor.js";
import { coreVersion } from "../native/version.js";
import { globalRates, globalRatesPolicy } from "../simulate/global-rates.js";
import { type Handouts, type Played, play } from "../simulate/play.js";
import { bestForAll, oracle, randomPolicy, rfmPolicy, topScorePolicy } from "../simulate/policies.js";
import type { PolicyResult, Simulation } from "../simulate/simulation.js";
import { readTruth, type Truth } from "../simulate/truth.js";
import { loadTensors } from "../store/tensors.js";
import { arrayOf, booleanOf, callbackOf, integerBetween, pathOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { allocateStage, limitsOf } from "./allocate-stage.js";
import { candidatesStage } from "./candidates-stage.js";
import type { RunContext } from "./context.js";
import { loadHistory } from "./eligibility-stage.js";
import { digestFiles, digestInputs, runStages } from "./pipeline.js";
import { responseStage } from "./response-stage.js";
import { affinityScores, assignmentsOf, byRow, readRfm, topOfCandidates } from "./simulated-policies.js";
import { type OnStage, StageRunner } from "./stage-runner.js";
import { Workspace } from "./workspace.js";

export interface SimulateOptions extends RunOptions {
  /** Folder that a run of the campaign has for its outputs: finished stages are taken from beside it, missing ones made. */
  out: string;
  /** Truth file of the synthetic shop. */
  truth: string;
  /** A policy to judge beside the campaign's own: coupons by user, in the order in which they are handed out. */
  policy?: { users: readonly string[]; coupons: readonly string[] } | undefined;
  /** Of the random policy, which is played this often; default 10. */
  randomPlays?: number | undefined;
  /** Also play the campaign without each of its parts; default true. */
  ablations?: boolean | undefined;
  onStage?: OnStage | undefined;
}

const SIMULATE_OPTIONS = {
  ...RUN_OPTIONS,
  out: true,
  truth: true,
  policy: true,
  randomPlays: true,
  ablations: true,
  onStage: true,
};

/**
 * Plays the campaign and other policies against the truth that a synthetic shop was drawn from: incremental profit, who
 * redeems, and who of them would have bought anyway. Nothing is drawn but the random policy: all is expectation.
 *
 * The random policy is the mean of `randomPlays`. The oracle is allocated from true values under the same limits, with a
 * certified bound. Money is counted as it is really spent (see `play`).
 * Errors: those of a run; ERR_COUPONCAST_INVALID_ARGUMENT for a truth of another shop, unknown ids of a policy.
 */
export async function simulateCampaign(path: string, options: SimulateOptions): Promise<Simulation> {
  const { out, truth, policy, signal, onProgress } = knownOptions("simulateCampaign", options, SIMULATE_OPTIONS);
  for (const place of [out, truth]) pathOf(place);
  integerBetween("randomPlays", options.randomPlays ?? 10, 1, 1_000_000);
  booleanOf("ablations", options.ablations ?? true);
  const onStage = callbackOf("onStage", options.onStage) ?? (() => {});
  if (policy !== undefined) {
    const { users, coupons } = knownOptions("policy", policy, { users: true, coupons: true });
    for (const [name, ids] of Object.entries({ users, coupons })) arrayOf(`policy.${name}`, ids);
  }
  const run = { threads: checkRunOptions(options), signal, onProgress };
  const loaded = await loadCampaign(path);
  const workspace = await Workspace.open(resolve(options.out));
  try {
    const executor = new Executor(run);
    const digest = (paths: readonly string[]) => digestFiles(executor, paths);
    const stages = new StageRunner(workspace, coreVersion(), onStage, digest);
    const context: RunContext = { loaded, stages, executor, options: run, inputs: [] };
    context.inputs = await digestInputs(context, await workspace.runNonce());
    return await simulate(context, options);
  } finally {
    workspace.close();
  }
}

async function simulate(context: RunContext, options: SimulateOptions): Promise<Simulation> {
  const { campaign, coupons } = context.loaded;
  const { executor } = context;
  const stages = await runStages(context);
  const { ingested, segmented, affinity, eligibility, candidates } = stages;
  const { numUsers } = ingested.result;
  const truth = await readTruth(executor, options.truth, coupons, affinity.result.marginRate, numUsers);
  const eligible = await loadTensors(executor, join(eligibility.dir, "reasons.safetensors"), { reasons: "U8" });
  const reasons = eligible.reasons as Uint8Array;
  const limits = await limitsOf(context, ingested, segmented, context.stages.workspace.root);
  const played = (handouts: Handouts) => play(truth, reasons, limits, handouts);
  const results: [kind: PolicyResult["kind"], name: string, about: string, played: Played][] = [];

  const best = await oracle(executor, truth, reasons, limits);
  results.push(["oracle", "oracle", "knows the truth", played(best.handouts)]);
  results.push(["campaign", "couponcast", "this campaign", played(await assignmentsOf(context, stages))]);
  if (options.policy !== undefined) {
    results.push([
      "given",
      "policy",
      "the given assignments",
      played(await byRow(context, ingested.dir, options.policy)),
    ]);
  }
  if (options.ablations ?? true) {
    const parts = {
      affinity: "affinity",
      "next behaviour": "the chances of the next behaviour",
      uplift: "the uplift model",
      all: "any model: everybody redeems alike",
    } as const;
    for (const [without, about] of Object.entries(parts)) {
      const { states } = stages;
      const responded = await responseStage(context, ingested, affinity, eligibility, states, without as "all");
      const other = await candidatesStage(context, ingested, affinity, eligibility, states, responded, stages.rules);
      const allocated = await allocateStage(context, ingested, segmented, other);
      const handouts = await assignmentsOf(context, { ...stages, candidates: other, allocated });
      results.push([
        "ablation",
        `without ${without === "all" ? "models" : without}`,
        `without ${about}`,
        played(handouts),
      ]);
    }
    const greedy = await topOfCandidates(context, truth, reasons, candidates);
    results.push(["ablation", "without allocation", "each user's best coupon until the money is gone", played(greedy)]);
  }
  const randoms = Array.from({ length: options.randomPlays ?? 10 }, (_, i) =>
    played(randomPolicy(truth, reasons, campaign.seed + i)),
  );
  const random = meanOf(randoms);
  results.push(["baseline", "random", "a random coupon that the user may have", random]);
  const scores = await affinityScores(context, affinity);
  const top = topScorePolicy(truth, reasons, (user, c) => scores[user * (coupons.length + 1) + c]!);
  results.push(["baseline", "top score", "each user's coupon of highest affinity, no budget awareness", played(top)]);
  results.push([
    "baseline",
    "same for all",
    "the one coupon that earns most, in hindsight",
    bestForAll(truth, reasons, limits),
  ]);
  const { marginRate } = affinity.result;
  const rates = globalRates(
    await loadHistory(context, eligibility),
    campaign.economics.orderValueMinor ?? stages.states.result.totals.meanOrderMinor,
  );
  const global = await globalRatesPolicy(executor, truth, reasons, limits, coupons, marginRate, rates);
  results.push([
    "baseline",
    "global rates",
    "one redemption rate and one order value for everybody, allocated as usual",
    played(global.handouts),
  ]);
  const rfm = await readRfm(context, ingested.dir, numUsers);
  const depth = coupons.map((coupon) =>
    discountMinor(coupon, campaign.economics.orderValueMinor ?? rfm.meanOrderMinor),
  );
  results.push([
    "baseline",
    "rules by hand",
    "by recency, frequency and money",
    played(rfmPolicy(truth, reasons, rfm, depth)),
  ]);

  const oracleProfit = results[0]![3].profitMinor;
  const span = oracleProfit - random.profitMinor;
  return {
    currency: campaign.currency,
    numUsers,
    numFloors: limits.floors?.length ?? 0,
    ...(await conditions(truth, reasons)),
    // The allocation's values are rounded down to thousandths.
    upperBoundMinor: best.allocation.upperBoundMinor + best.allocation.assigned / MILLI,
    policies: results.map(([kind, name, about, result]) => ({
      name,
      about,
      kind,
      ...result,
      closedShare: span > 0 ? (result.profitMinor - random.profitMinor) / span : 0,
      regretMinor: oracleProfit - result.profitMinor,
    })),
  };
}

function meanOf(plays: readonly Played[]): Played {
  const mean = (of: (played: Played) => number) => plays.reduce((sum, played) => sum + of(played), 0) / plays.length;
  return {
    profitMinor: mean((p) => p.profitMinor),
    spendMinor: mean((p) => p.spendMinor),
    handedOut: mean((p) => p.handedOut),
    redemptions: mean((p) => p.redemptions),
    redeemedAnyway: mean((p) => p.redeemedAnyway),
    keptBack: mean((p) => p.keptBack),
    floorsMissed: mean((p) => p.floorsMissed),
  };
}

async function conditions(truth: Truth, reasons: Uint8Array) {
  let pairs = 0;
  let redeem = 0;
  let numEligibleUsers = 0;
  let costOnly = 0;
  for (let user = 0; user < truth.numUsers; user++) {
    let may = false;
    let earns = false;
    for (let at = user * truth.numCoupons; at < (user + 1) * truth.numCoupons; at++) {
      if (reasons[at] !== 0) continue;
      may = true;
      earns ||= truth.profitMinor[at]! > 0;
      pairs++;
      redeem += truth.redeem[at]!;
    }
    if (may) numEligibleUsers++;
    if (may && !earns) costOnly++;
  }
  return {
    numEligibleUsers,
    meanRedemption: pairs > 0 ? redeem / pairs : 0,
    costOnlyShare: numEligibleUsers > 0 ? costOnly / numEligibleUsers : 0,
  };
}
