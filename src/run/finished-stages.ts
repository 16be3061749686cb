import type { AffinityStage } from "./affinity-stage.js";
import type { AllocateStage } from "./allocate-stage.js";
import type { CandidatesStage } from "./candidates-stage.js";
import type { DriftStage } from "./drift-stage.js";
import type { EvaluateStage } from "./evaluate-stage.js";
import type { ModelStage } from "./model-stage.js";
import type { IngestStage, SegmentStage } from "./profile-stages.js";
import type { ProfileTableStage } from "./profile-table-stage.js";
import type { QualityStage } from "./quality-stage.js";
import type { RuleStage } from "./rule-stage.js";
import type { StatesStage } from "./states-stage.js";
import type { TransitionStage } from "./transition-stage.js";

/** The stages that outputs are made from. */
export interface FinishedStages {
  ingested: IngestStage;
  segmented: SegmentStage;
  transitioned: TransitionStage;
  /** None without a baseline. */
  drift: DriftStage | undefined;
  profiled: ProfileTableStage;
  /** None without `scoring.evaluate`. */
  quality: QualityStage | undefined;
  /** None for user-knn, which has no item model. */
  model: ModelStage | undefined;
  affinity: AffinityStage;
  /** None without `rules` in the campaign. */
  rules: RuleStage | undefined;
  states: StatesStage;
  candidates: CandidatesStage;
  allocated: AllocateStage;
  /** None unless the campaign names an earlier one. */
  evaluated: EvaluateStage | undefined;
}
