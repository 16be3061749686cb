/** What all commands share: the common options, the session that their bodies get, and how a result is printed. */
import { setMaxListeners } from "node:events";
import { type Command, Option } from "commander";
import { CouponcastError } from "../errors.js";
import { Interrupts } from "./interrupts.js";
import { integer } from "./option-values.js";
import { printError, readableError } from "./print-error.js";
import { ProgressDisplay } from "./progress-display.js";
import { printable, red, write } from "./terminal.js";

export interface CommonOptions {
  threads?: number;
  json?: boolean;
  quiet?: boolean;
  debug?: boolean;
}

/** What the body of a command gets besides its own options. */
export interface Session {
  threads: number | undefined;
  signal: AbortSignal;
  progress: ProgressDisplay;
  /** A remark to a person, on the error stream; not with --quiet. */
  note(text: string): void;
  /** Throws when the user has asked to stop: call it before outputs are put into their place. */
  checkCancelled(): void;
  /** The options that every long call of the library takes. */
  run(): { threads: number | undefined; signal: AbortSignal; onProgress: ProgressDisplay["update"] };
}

/** What a command tells: one document for machines, lines for people. */
export interface Outcome {
  json: unknown;
  lines: string[];
}

export interface CommandText {
  name: string;
  /** One line, in the list of commands. */
  summary: string;
  /** Above the options. */
  description: string;
  /** Shell lines, each with what it does. */
  examples: readonly (readonly [what: string, shell: string])[];
}

/** Adds a command to the program, or to a group of commands, with the options that every command has. */
export function addCommand(program: Command, text: CommandText): Command {
  // Lines of one paragraph are one line to commander, which wraps to the width of the terminal.
  const description = text.description.replace(/(\S)\n(?=\S)/g, "$1 ");
  const command = program.command(text.name).summary(text.summary).description(description);
  const examples = text.examples.map(([what, shell]) => `  # ${what}\n  $ couponcast ${shell}\n`);
  command.addHelpText("after", `\nExamples:\n${examples.join("\n")}`);
  const path = program.parent === null ? text.name : `${program.name()} ${text.name}`;
  command.configureOutput({
    outputError: (message, out) => out(usageErrorText(message, `couponcast ${path} --help`)),
  });
  return command;
}

/** Adds a command that only has commands of its own. */
export function addGroup(program: Command, { name, summary, description }: Omit<CommandText, "examples">): Command {
  return program
    .command(name)
    .summary(summary)
    .description(description.replace(/(\S)\n(?=\S)/g, "$1 "))
    .configureOutput({
      outputError: (message, out) => out(usageErrorText(message, `couponcast ${name} --help`)),
    });
}

const REQUIRED = " (required)";

/**
 * An option that must be given. Checked when all else about the call was found right: commander's own check comes
 * first, and calls an option missing whose name was misspelt.
 */
export function required(flags: string, description: string, parse?: (text: string) => unknown): Option {
  const option = new Option(flags, description + REQUIRED);
  return parse === undefined ? option : option.argParser(parse);
}

function checkRequired(command: Command): void {
  for (const option of command.options) {
    if (!option.description.endsWith(REQUIRED) || command.getOptionValueSource(option.attributeName()) !== undefined)
      continue;
    command.error(`error: required option '${option.flags}' not specified`);
  }
}

/** The options of every command; called last, so that help lists them last. */
export function addCommonOptions(command: Command): Command {
  return command
    .option(
      "--threads <count>",
      "worker threads, 1 to 1024; results do not depend on it (default: all processors)",
      integer(1, 1024),
    )
    .option("--json", "print one JSON document on standard output, nothing else")
    .addOption(new Option("-q, --quiet", "no progress, no summary: errors only").conflicts("json"))
    .option("--debug", "print the stack of an error");
}

/** Commander's `error: unknown option '--outt'\n(Did you mean --out?)` in the words of all other errors. */
export function usageErrorText(message: string, help: string): string {
  const [first = "", ...rest] = message.trim().split("\n");
  const meant = rest.join(" ").match(/Did you mean (?:one of )?(.*)\?/)?.[1];
  const hint = meant === undefined ? `see ${help}` : `did you mean ${meant}? See ${help}`;
  const text = printable(`couponcast: ${first.replace(/^error: /, "")}\nhint: ${hint}\n`);
  return text.replace(/^couponcast:/, red("couponcast:", process.stderr));
}

/** Makes `body` the action of a command: gives it a session, prints what it returns, sets the exit code. */
export function setAction<Options extends CommonOptions>(
  command: Command,
  body: (session: Session, args: string[], options: Options) => Promise<Outcome>,
): void {
  command.action(async () => {
    checkRequired(command);
    const options = command.opts<Options>();
    const args = command.processedArgs.flat().filter((arg): arg is string => typeof arg === "string");
    process.exitCode = await runCommand(args, options, body);
  });
}

function cancelled(error: CouponcastError): CouponcastError {
  const { code, message, hint = "Nothing was written; start the command again to get its output." } = error;
  return new CouponcastError(code, message, { cause: error, hint });
}

async function runCommand<Options extends CommonOptions>(
  args: string[],
  options: Options,
  body: (session: Session, args: string[], options: Options) => Promise<Outcome>,
): Promise<number> {
  const { json = false, quiet = false, debug = false, threads } = options;
  const progress = new ProgressDisplay(!json && !quiet);
  const interrupts = new Interrupts(() => progress.line("stopping (press Ctrl-C again to end at once)"));
  const { signal } = interrupts;
  // Every batch of work listens: no leak.
  setMaxListeners(0, signal);
  const session: Session = {
    threads,
    signal,
    progress,
    note: (text) => {
      progress.stop();
      if (!quiet) process.stderr.write(`${printable(text)}\n`);
    },
    checkCancelled: () => {
      if (signal.aborted) throw new CouponcastError("ERR_COUPONCAST_CANCELLED", "cancelled");
    },
    run: () => ({ threads, signal, onProgress: progress.update }),
  };
  try {
    const { json: document, lines } = await body(session, args, options);
    progress.stop();
    if (json) await write(process.stdout, `${JSON.stringify(document, null, 2)}\n`);
    else if (!quiet) await write(process.stdout, lines.map((line) => `${printable(line)}\n`).join(""));
    return 0;
  } catch (thrown) {
    progress.stop();
    const error = readableError(thrown);
    const isCancelled = error.code === "ERR_COUPONCAST_CANCELLED";
    await printError(isCancelled ? cancelled(error) : error, debug);
    return isCancelled ? interrupts.exitCode : error.exitCode;
  } finally {
    // Loaded here, so that --help does not wait for it.
    const { closeExecutors } = await import("../executor/executor.js");
    await closeExecutors();
  }
}
