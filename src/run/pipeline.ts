import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { loadCampaign } from "../campaign/load-campaign.js";
import { duckDbVersion } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";
import { Executor, type RunOptions } from "../executor/executor.js";
import { coreVersion } from "../native/version.js";
import { renderReport } from "../report/render-report.js";
import { resolveSource, type SourceSpec } from "../source/source.js";
import { resolveFiles } from "../util/glob.js";
import { affinityStage } from "./affinity-stage.js";
import { allocateStage, checkLimits } from "./allocate-stage.js";
import { buildReport } from "./build-report.js";
import { candidatesStage } from "./candidates-stage.js";
import type { InputFile, RunContext } from "./context.js";
import { BASELINE_ROLE, baselineFile, driftStage } from "./drift-stage.js";
import { eligibilityStage } from "./eligibility-stage.js";
import { EVALUATION_ROLE, evaluateStage, evaluationSources } from "./evaluate-stage.js";
import { buildManifest, type RunManifest } from "./manifest.js";
import { modelStage } from "./model-stage.js";
import { outputStage } from "./output-stage.js";
import { ingestStage, SEGMENT_MODEL, segmentStage } from "./profile-stages.js";
import { profileTableStage } from "./profile-table-stage.js";
import { chosenParts, qualityStage } from "./quality-stage.js";
import { RESPONSE_ROLE, responseModelPath } from "./response-model.js";
import { responseStage } from "./response-stage.js";
import { ruleStage } from "./rule-stage.js";
import { SEGMENT_MODEL_ROLE, segmentModelPath } from "./segment-model-input.js";
import { type OnStage, StageRunner } from "./stage-runner.js";
import { statesStage } from "./states-stage.js";
import { transitionStage } from "./transition-stage.js";
import { DECISIONS_FILE, outputFiles, RESPONSE_FILE, SEGMENTS_FILE, Workspace } from "./workspace.js";

export interface PipelineOptions extends RunOptions {
  out: string;
  threads: number;
  force: boolean;
  onStage: OnStage;
}

export interface RunResult {
  manifest: RunManifest;
  /** True when `out` held exactly this run already and nothing was done. */
  upToDate: boolean;
}

/** Digest of every input file and of the queries; files are read once, on worker threads. */
export async function digestInputs(context: RunContext, nonce: string): Promise<InputFile[]> {
  const { campaign, baseDir } = context.loaded;
  const { events, users, items, redemptions, predictions } = campaign.inputs;
  const sources: [string, string, SourceSpec][] = [events]
    .flat()
    .map((source, i) => ["events", `inputs.events[${i}]`, source]);
  for (const [role, source] of Object.entries({ users, items, redemptions, predictions })) {
    if (source !== undefined) sources.push([role, `inputs.${role}`, source]);
  }
  const { evaluation } = campaign;
  for (const [, field, source] of evaluation === undefined ? [] : evaluationSources(evaluation))
    sources.push([EVALUATION_ROLE, field, source]);
  const inputs: InputFile[] = [];
  const paths: string[] = [];
  for (const [role, field, source] of sources) {
    const { files, postgres } = await resolveSource(source, { baseDir, input: role, field });
    for (const { path, label, bytes } of files) {
      paths.push(path);
      inputs.push({ role, path: label, bytes, xxh3: "" });
    }
    if (postgres !== undefined) {
      // Rows behind a query can change: it is read again by each run, but not by the continuation of a killed one.
      const xxh3 = createHash("sha256")
        .update(`${postgres.connectionEnv}\0${postgres.query}\0${nonce}`)
        .digest("hex")
        .slice(0, 16);
      inputs.push({ role, path: `postgres:${postgres.connectionEnv}`, bytes: 0, xxh3 });
    }
  }
  const baseline = baselineFile(context);
  if (baseline !== undefined) {
    const [file] = await resolveFiles(baseline, baseDir, "segments.baseline");
    paths.push(file!);
    const { size } = await stat(file!);
    inputs.push({ role: BASELINE_ROLE, path: `${campaign.segments.baseline}/segments.parquet`, bytes: size, xxh3: "" });
    const modelBefore = join(dirname(file!), SEGMENTS_FILE);
    const known = await stat(modelBefore).catch(() => undefined);
    if (known !== undefined) {
      paths.push(modelBefore);
      const path = `${campaign.segments.baseline}/${SEGMENTS_FILE}`;
      inputs.push({ role: BASELINE_ROLE, path, bytes: known.size, xxh3: "" });
    }
  }
  const segmentModel = segmentModelPath(context);
  if (segmentModel !== undefined) {
    const [file] = await resolveFiles(segmentModel, baseDir, "segments.model");
    paths.push(file!);
    const path = campaign.segments.model!;
    inputs.push({ role: SEGMENT_MODEL_ROLE, path, bytes: (await stat(file!)).size, xxh3: "" });
  }
  const { model: saved, onnx } = campaign.response;
  const model = responseModelPath(context);
  if (model !== undefined) {
    const [file] = await resolveFiles(model, baseDir, onnx === undefined ? "response.model" : "response.onnx.file");
    paths.push(file!);
    inputs.push({ role: RESPONSE_ROLE, path: saved ?? onnx!.file, bytes: (await stat(file!)).size, xxh3: "" });
  }
  const digests = await digestFiles(context.executor, paths, { name: "digests of the inputs" });
  let next = 0;
  for (const input of inputs) if (input.xxh3 === "") input.xxh3 = digests[next++]!;
  return inputs;
}

/** XXH3 of each file. */
export async function digestFiles(
  executor: Executor,
  paths: readonly string[],
  stage?: { name: string },
): Promise<string[]> {
  const digests = await executor.map(
    paths.map((path) => ({ kernel: "digestFile", args: { path } })),
    stage,
  );
  return digests.map(({ value }) => value as string);
}

/** From the events to who gets what. */
export async function runStages(context: RunContext) {
  checkLimits(context);
  const ingested = await ingestStage(context);
  const segmented = await segmentStage(context, ingested);
  const transitioned = await transitionStage(context, ingested, segmented);
  const drift = await driftStage(context, segmented);
  const quality = await qualityStage(context, ingested);
  const model = await modelStage(context, ingested, chosenParts(context, quality));
  const affinity = await affinityStage(context, ingested, model);
  const rules = await ruleStage(context, ingested, affinity);
  const eligibility = await eligibilityStage(context, ingested);
  const states = await statesStage(context, ingested, affinity, eligibility);
  const responded = await responseStage(context, ingested, affinity, eligibility, states);
  const candidates = await candidatesStage(context, ingested, affinity, eligibility, states, responded, rules);
  const allocated = await allocateStage(context, ingested, segmented, candidates);
  return {
    ingested,
    segmented,
    transitioned,
    drift,
    quality,
    model,
    affinity,
    rules,
    eligibility,
    states,
    responded,
    candidates,
    allocated,
  };
}

/** All stages, in order, on the calling thread and its workers; holds the thread for up to some seconds at a time. */
export async function runPipeline(path: string, options: PipelineOptions): Promise<RunResult> {
  const started = process.hrtime.bigint();
  const loaded = await loadCampaign(path);
  const workspace = await Workspace.open(options.out);
  try {
    const executor = new Executor(options);
    const version = coreVersion();
    const digest = (paths: readonly string[]) => digestFiles(executor, paths);
    const stages = new StageRunner(workspace, version, options.onStage, digest);
    const { threads, signal, onProgress } = options;
    const context: RunContext = { loaded, stages, executor, options: { threads, signal, onProgress }, inputs: [] };
    context.inputs = await digestInputs(context, await workspace.runNonce());
    const key = runKey(context, version);

    const published = (await workspace.publishedManifest()) as RunManifest | undefined;
    if (published?.key === key && !options.force) {
      await workspace.finishNonce();
      return { manifest: published, upToDate: true };
    }
    if (!options.force && (await workspace.isOccupied())) {
      throw invalidArgument(`${workspace.outDir} is not empty and holds no result of exactly this campaign`, {
        file: workspace.outDir,
        hint: "Use --force to replace the outputs of another run, or choose another --out.",
      });
    }

    const { eligibility, responded, ...scored } = await runStages(context);
    const evaluated = await evaluateStage(context);
    const { ingested, segmented, states } = scored;
    const profiled = await profileTableStage(context, ingested, segmented, states);
    const finished = { ...scored, evaluated, profiled };
    const output = await outputStage(context, finished);

    const versions = { couponcast: version, duckdb: await duckDbVersion(), node: process.versions.node };
    const manifest = buildManifest(context, finished, eligibility, responded, output.result, key, versions);
    const staging = join(workspace.root, "tmp-publish");
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging);
    const drawn = loaded.campaign.exploration === undefined ? [] : [DECISIONS_FILE];
    for (const name of [...outputFiles(scored.rules !== undefined), ...drawn]) {
      if (name.endsWith(".parquet")) await copyFile(join(output.dir, name), join(staging, name));
    }
    if (responded.result.model.parts.length > 0)
      await copyFile(join(responded.dir, RESPONSE_FILE), join(staging, RESPONSE_FILE));
    const segmentsModel = join(segmented.dir, SEGMENT_MODEL);
    if (existsSync(segmentsModel)) await copyFile(segmentsModel, join(staging, SEGMENTS_FILE));
    await writeFile(
      join(staging, "report.html"),
      await renderReport(buildReport(context, finished, responded, output.result, manifest)),
    );
    const totalSeconds = Number(process.hrtime.bigint() - started) / 1e9;
    const complete: RunManifest = { ...manifest, timings: { totalSeconds, stages: stages.measurements } };
    await writeFile(join(staging, "run.json"), `${JSON.stringify(complete, null, 2)}\n`);
    executor.checkCancelled();
    await workspace.publish(staging);
    await stages.removeUnused();
    return { manifest: complete, upToDate: false };
  } catch (thrown) {
    await workspace
      .removeTemporaries()
      .then(() => workspace.removeIfEmpty())
      .catch(() => {});
    throw thrown;
  } finally {
    workspace.close();
  }
}

/** What the outputs depend on: version, resolved campaign, coupons, digests of the inputs. */
function runKey({ loaded, inputs }: RunContext, version: string): string {
  const identity = JSON.stringify({ version, campaign: loaded.campaign, coupons: loaded.coupons, inputs });
  return createHash("sha256").update(identity).digest("hex").slice(0, 32);
}
