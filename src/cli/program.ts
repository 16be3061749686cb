import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { usageErrorText } from "./command.js";
import { addAllocate } from "./commands/allocate.js";
import { addAssign } from "./commands/assign.js";
import { addCompare } from "./commands/compare.js";
import { addContent } from "./commands/content.js";
import { addDrift } from "./commands/drift.js";
import { addEvaluate } from "./commands/evaluate.js";
import { addIngest } from "./commands/ingest.js";
import { addInspect } from "./commands/inspect.js";
import { addMine } from "./commands/mine.js";
import { addProfile } from "./commands/profile.js";
import { addRecommend } from "./commands/recommend.js";
import { addRfm } from "./commands/rfm.js";
import { addRun } from "./commands/run.js";
import { addSegment } from "./commands/segment.js";
import { addSimilar } from "./commands/similar.js";
import { addSimulate } from "./commands/simulate.js";
import { addSynth } from "./commands/synth.js";
import { addTransitions } from "./commands/transitions.js";
import { addHelp } from "./help-command.js";
import { printError, readableError } from "./print-error.js";
import { ignoreClosedPipes } from "./terminal.js";

const USAGE_ERROR = 2;

function version(): string {
  const path = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

function buildProgram(): Command {
  const program = new Command("couponcast")
    .description("Decides who gets which coupon: behaviour logs in, an explained, budgeted coupon assignment out.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
    .configureOutput({ outputError: (message, out) => out(usageErrorText(message, "couponcast --help")) })
    .exitOverride()
    .showSuggestionAfterError(true)
    .addHelpText(
      "after",
      `
Exit codes: 0 done, 2 wrong arguments or input, 3 corrupt file, 4 file of another version, 5 input/output,
6 out of memory, 7 out of range, 8 infeasible, 10 platform without a core, 70 internal, 130 interrupted (Ctrl-C),
143 terminated.

Examples:
  # try it: a generated shop, then a whole distribution run
  $ couponcast synth --users 2000 --items 200 --events 40000 --coupons 12 --seed 1 -o shop
  $ couponcast run shop/campaign.yaml --out result
`,
    );
  addRun(program);
  addIngest(program);
  addInspect(program);
  addSimilar(program);
  addContent(program);
  addRecommend(program);
  addCompare(program);
  addSegment(program);
  addAssign(program);
  addDrift(program);
  addRfm(program);
  addTransitions(program);
  addProfile(program);
  addMine(program);
  addAllocate(program);
  addEvaluate(program);
  addSynth(program);
  addSimulate(program);
  for (const command of [program, ...program.commands]) if (command.commands.length > 0) addHelp(command);
  return program;
}

/** Runs the command line. Sets process.exitCode and lets the process end by itself, so that all output gets out. */
export async function main(argv: readonly string[]): Promise<void> {
  ignoreClosedPipes();
  const debug = argv.includes("--debug");
  process.on("uncaughtException", (thrown) => {
    const error = readableError(thrown);
    printError(error, debug).finally(() => process.exit(error.exitCode));
  });
  try {
    await buildProgram().parseAsync(argv);
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      // Help and version were asked for; everything else that commander throws is a mistake in the call.
      process.exitCode = thrown.exitCode === 0 ? 0 : USAGE_ERROR;
      return;
    }
    const error = readableError(thrown);
    await printError(error, debug);
    process.exitCode = error.exitCode;
  }
}
