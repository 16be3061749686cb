/** Stage transitions: what users do next, as a chain for the report. */
import { join } from "node:path";
import { INGEST_FILES } from "../ingest/ingest.js";
import { type ChainSummary, finiteOrNull, summariseChain } from "../profile/chain-summary.js";
import { countTransitions, medianGaps } from "../profile/transitions.js";
import { openSequences } from "../store/sequences.js";
import type { RunContext } from "./context.js";
import { type IngestStage, loadSegments, type SegmentStage } from "./profile-stages.js";
import type { FinishedStage } from "./stage-runner.js";

interface TransitionResult {
  rows: number;
  behaviours: string[];
  /** Position of the purchase. */
  purchase: number;
  /** [behaviours * behaviours] */
  counts: number[];
  all: ChainSummary;
  /** [behaviours * behaviours] seconds; null where there is no such transition. */
  medianGapSeconds: (number | null)[];
  segments: ChainSummary[];
}
export type TransitionStage = FinishedStage<TransitionResult>;

export function transitionStage(
  context: RunContext,
  ingested: IngestStage,
  segmented: SegmentStage,
): Promise<TransitionStage> {
  const { transitions, purchaseBehaviour } = context.loaded.campaign;
  const { smoothing } = transitions;
  const reads = { ingest: ingested.key, segment: segmented.key };
  return context.stages.run("transitions", reads, { smoothing, purchaseBehaviour }, async () => {
    const sequences = await openSequences(join(ingested.dir, INGEST_FILES.sequences));
    const { labels } = await loadSegments(context, segmented);
    const { behaviours, numUsers } = sequences;
    const segments = segmented.result.k;
    const counted = await countTransitions(sequences, {
      ...context.options,
      ...(segments > 0 ? { labels, segments } : {}),
    });
    const medians = await medianGaps(sequences, counted.all, context.options);
    const target = behaviours.indexOf(purchaseBehaviour);
    return {
      rows: numUsers,
      behaviours: [...behaviours],
      purchase: target,
      counts: [...counted.all.counts],
      all: summariseChain(counted.all, { target, smoothing }),
      medianGapSeconds: finiteOrNull(medians),
      segments: counted.segments.map((group) => summariseChain(group, { target, smoothing })),
    };
  });
}
