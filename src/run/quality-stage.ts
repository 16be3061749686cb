/** Stage quality: how well the campaign's scoring method ranks what users dealt with first in the last days. */
import { invalidArgument } from "../errors.js";
import type { ComparedMethod, TimeComparison } from "../evaluate/compare.js";
import type { BlendPart } from "../score/methods.js";
import { type Comparable, compareLoaded } from "./compare-campaign.js";
import { inputDigests, type RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";
import type { FinishedStage } from "./stage-runner.js";

/** Without times: the same bytes each time. */
export type ScoringQuality = Omit<TimeComparison, "methods"> & { methods: Omit<ComparedMethod, "seconds">[] };
export type ChosenPart = Pick<BlendPart, "weight" | "curve">;
export type QualityStage = FinishedStage<ScoringQuality & { rows: number }>;

/** None where the campaign does not ask for it. */
export async function qualityStage(context: RunContext, ingested: IngestStage): Promise<QualityStage | undefined> {
  const { campaign } = context.loaded;
  const { scoring, inputs, ingest } = campaign;
  if (scoring.evaluate === undefined) return undefined;
  const { heldOutDays, n, chooseWeights } = scoring.evaluate;
  const parts = scoring.method === "blend" ? scoring.parts.map(({ method }) => method) : [];
  const methods: Comparable[] = [...new Set<Comparable>(["popular", scoring.method, ...parts])];
  const reads = { ingest: ingested.key, ...inputDigests(context, ["items"]) };
  const settings = { scoring, items: inputs.items, memoryLimitMb: ingest.memoryLimitMb };
  return context.stages.run("quality", reads, settings, async (dir) => {
    const options = { ...context.options, heldOutDays, n, methods, given: !chooseWeights, tempDir: dir };
    const found = await compareLoaded(context.loaded, options).catch((thrown) => {
      throw invalidArgument(`scoring.evaluate: ${(thrown as Error).message}`, {
        field: "scoring.evaluate",
        hint: "Hold out more days, or leave scoring.evaluate out.",
        cause: thrown,
      });
    });
    return { ...found, methods: found.methods.map(({ name, quality }) => ({ name, quality })), rows: found.numUsers };
  });
}

/** Weights of the blend's parts that the stage chose, and curves of a blend by score; undefined: those given. */
export function chosenParts({ loaded }: RunContext, stage: QualityStage | undefined): ChosenPart[] | undefined {
  if (loaded.campaign.scoring.evaluate?.chooseWeights !== true) return undefined;
  return stage?.result.blend?.map(({ weight, curve }) => ({ weight, ...(curve && { curve }) }));
}
