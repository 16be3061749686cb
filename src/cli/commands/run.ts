import { resolve } from "node:path";
import type { Command } from "commander";
import { CouponcastError } from "../../errors.js";
import { addCommand, addCommonOptions, type CommonOptions, required, type Session, setAction } from "../command.js";
import { runSummary } from "../run-summary.js";
import { duration } from "../text-layout.js";

interface RunOptions extends CommonOptions {
  out: string;
  force?: boolean;
}

const NAME_WIDTH = 14;

export function addRun(program: Command): void {
  const command = addCommand(program, {
    name: "run",
    summary: "the whole distribution run of a campaign file",
    description: `Reads a campaign file (YAML or JSON) and decides which user gets which coupon.

Writes into DIR, all files or none: assignments.parquet, withheld.parquet, segments.parquet, rejected.parquet,
run.json and report.html. A run that was stopped at any moment continues where it was when it is started again; one
whose inputs and settings have not changed is up to date and does nothing. Finished stages are kept in the hidden
folder .DIR.couponcast beside DIR; it may be deleted when no run is going on.`,
    examples: [
      ["hand out the coupons of a campaign", "run campaign.yaml --out results/2025-07"],
      [
        "again, with a changed budget: only the stages that it touches are run",
        "run campaign.yaml --out results/2025-07 --force",
      ],
      ["for a nightly job", "run campaign.yaml --out /srv/coupons/tonight --threads 8 --json > tonight.json"],
    ],
  })
    .argument("<campaign>", "campaign file, YAML or JSON")
    .addOption(required("-o, --out <dir>", "folder of the outputs; it appears whole, at the end"))
    .option("--force", "replace what another run left in DIR; write it anew even if it is up to date");
  addCommonOptions(command);
  setAction<RunOptions>(command, async (session, [campaign], { out, force }) => {
    const { runCampaign } = await import("../../run/run-campaign.js");
    const { manifest, upToDate } = await runCampaign(campaign!, {
      ...session.run(),
      out,
      force,
      onStage: stageLines(session),
    }).catch((thrown) => {
      throw withResumeHint(thrown);
    });
    // Sets the summary off from the stages; where nobody watches there are none.
    if (!upToDate) session.progress.line("");
    return { json: { out: resolve(out), upToDate, run: manifest }, lines: runSummary(manifest, out, upToDate) };
  });
}

/** One line for each stage that has ended. */
function stageLines({ progress }: Session): (name: string, state: "start" | "reused" | "done") => void {
  let started = 0;
  return (name, state) => {
    if (state === "start") started = performance.now();
    else {
      const took = state === "reused" ? "reused" : duration((performance.now() - started) / 1000);
      progress.line(`${name.padEnd(NAME_WIDTH)} ${took}`);
    }
  };
}

function withResumeHint(thrown: unknown): unknown {
  if (!(thrown instanceof CouponcastError) || thrown.code !== "ERR_COUPONCAST_CANCELLED") return thrown;
  return new CouponcastError(thrown.code, thrown.message, {
    cause: thrown,
    hint: "The same command continues after the last finished stage.",
  });
}
