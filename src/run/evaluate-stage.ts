/** Stage evaluate: an earlier campaign against its holdout, for this run's report. */
import { join, resolve } from "node:path";
import type { EvaluationOptions } from "../campaign/schema/evaluation.js";
import { type CampaignEvaluation, evaluateCampaign } from "../evaluate/evaluate-campaign.js";
import { type RunSummary, readRunSummary } from "../evaluate/run-summary.js";
import { type ResolvedSource, resolveSource, type SourceSpec } from "../source/source.js";
import { TableReader } from "../table/read-table.js";
import { inputDigests, type RunContext } from "./context.js";
import type { FinishedStage } from "./stage-runner.js";

interface EvaluateResult {
  rows: number;
  run: RunSummary;
  evaluation: CampaignEvaluation;
}
export type EvaluateStage = FinishedStage<EvaluateResult>;

/** The role of all its inputs in the manifest. */
export const EVALUATION_ROLE = "evaluation";

const RESULT_TABLES = ["assignments", "withheld", "segments"] as const;

/** What the evaluation reads, by name; the first ones are tables of the earlier run. */
export function evaluationSources(evaluation: EvaluationOptions): [name: string, field: string, source: SourceSpec][] {
  const { result, orders, redemptions, survey } = evaluation;
  const given = Object.entries({ orders, redemptions, survey }).flatMap(([name, source]) =>
    source === undefined ? [] : [[name, `evaluation.${name}`, source] as [string, string, SourceSpec]],
  );
  return [
    ...RESULT_TABLES.map((name): [string, string, SourceSpec] => [
      name,
      "evaluation.result",
      { files: join(result, `${name}.parquet`) },
    ]),
    ...given,
  ];
}

/** undefined where the campaign asks for no evaluation. */
export async function evaluateStage(context: RunContext): Promise<EvaluateStage | undefined> {
  const { campaign, baseDir } = context.loaded;
  const { evaluation: options, seed } = campaign;
  if (options === undefined) return undefined;
  const run = await readRunSummary(resolve(baseDir, options.result));
  const reads = inputDigests(context, [EVALUATION_ROLE]);
  return context.stages.run("evaluate", reads, { options, seed, run }, async (dir) => {
    const sources = new Map<string, ResolvedSource>();
    for (const [name, field, source] of evaluationSources(options))
      sources.set(name, await resolveSource(source, { baseDir, input: name, field }));
    const reader = await TableReader.open([...sources.values()], {
      scratch: dir,
      threads: context.options.threads,
      memoryLimitMb: campaign.ingest.memoryLimitMb,
      signal: context.options.signal,
    });
    try {
      const load = async (name: string) =>
        reader.load(sources.get(name)!, name, !["orders", "redemptions", "survey"].includes(name));
      const optional = async (name: string) => (sources.has(name) ? load(name) : undefined);
      const tables = {
        assignments: await load("assignments"),
        withheld: await load("withheld"),
        segments: await load("segments"),
        orders: await load("orders"),
        redemptions: await optional("redemptions"),
        survey: await optional("survey"),
      };
      const { confidence, replicates } = options;
      const columns = campaignColumns(options, run.marginRate);
      const evaluation = await evaluateCampaign(reader, tables, {
        ...context.options,
        columns,
        confidence,
        replicates,
        seed,
      });
      return { rows: evaluation.numUsers, run, evaluation };
    } finally {
      reader.close();
    }
  });
}

function campaignColumns({ orders, redemptions, survey }: EvaluationOptions, marginRate: number) {
  const named = (column: string, source: string, name: string) => ({
    column,
    setting: `evaluation.${source}.columns.${name}`,
  });
  const optional = (column: string | undefined, source: string, name: string) =>
    column === undefined ? undefined : named(column, source, name);
  return {
    users: {
      orders: named(orders.columns.user, "orders", "user"),
      redemptions: named(redemptions?.columns.user ?? "user_id", "redemptions", "user"),
      survey: named(survey?.columns.user ?? "user_id", "survey", "user"),
    },
    sales: named(orders.columns.sales, "orders", "sales"),
    margin: optional(orders.columns.margin, "orders", "margin"),
    marginRate,
    discount: optional(redemptions?.columns.discount, "redemptions", "discount"),
  };
}
