/**
 * Every command with every kind of broken file: it ends with a documented code and one error that a person can read,
 * and leaves nothing behind. A seeded sample of the pairs; COUPONCAST_HOSTILE_PAIRS=all (`npm run fuzz:cli`, which
 * takes vitest's options, such as -t 'a bomb') for all, COUPONCAST_HOSTILE_SEED for others.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { Random } from "../../src/util/random.js";
import { DAMAGES, type Damage } from "./hostile/damage.js";
import { campaignText, nameOf, READERS, type Reader, writeInputs } from "./hostile/inputs.js";
import { type CliResult, scratchFolder, startCli } from "./run-cli.js";

const SEED = Number(process.env.COUPONCAST_HOSTILE_SEED ?? 1);
const PAIRS = process.env.COUPONCAST_HOSTILE_PAIRS ?? "60";
const LONGEST_MS = 60_000;
/** As `couponcast --help` lists them, but for success, internal errors and signals. */
const CODES = [2, 3, 4, 5, 6, 7, 8];
const inputs = join(scratchFolder(), "inputs");
const isRoot = process.getuid?.() === 0;

interface Case {
  reader: Reader;
  damage: Damage;
  number: number;
  name: string;
}

function cases(): Case[] {
  const all: Case[] = [];
  for (const reader of READERS) {
    for (const damage of DAMAGES) {
      if (damage.kinds?.includes(reader.kind) === false || (isRoot && damage.name === "not to be read")) continue;
      const name = `${reader.args.join(" ")}, ${reader.file}: ${damage.name}`;
      all.push({ reader, damage, number: all.length, name });
    }
  }
  if (PAIRS === "all") return all;
  const random = new Random(SEED);
  const shuffled = all.map((pair) => ({ pair, key: random.next() })).sort((a, b) => a.key - b.key);
  return shuffled.slice(0, Number(PAIRS)).map(({ pair }) => pair);
}

/** What is wrong with how the command took it. */
async function problemsOf({ reader, damage, number }: Case): Promise<string[]> {
  const folder = join(inputs, "..", `case-${number}`);
  const scratch = join(folder, "scratch");
  mkdirSync(join(folder, "out"), { recursive: true });
  mkdirSync(scratch);
  const broken = join(folder, nameOf(reader));
  damage.write(broken, readFileSync(join(inputs, reader.file)), new Random(SEED, number));
  const campaign = join(folder, "case.yaml");
  if (reader.campaign !== undefined) writeFileSync(campaign, campaignText(inputs, reader, broken));
  const args = reader.args.map((arg) =>
    arg.replace("BROKEN", broken).replace("CAMPAIGN", campaign).replace("OUT", join(folder, "out")),
  );
  const { process: child, ended } = startCli(args, { cwd: inputs, env: { TMPDIR: scratch } });
  const timer = setTimeout(() => child.kill("SIGKILL"), LONGEST_MS);
  const result = await ended;
  clearTimeout(timer);
  const problems = [...outcomeProblems(result), ...leftovers(folder, result)];
  rmSync(folder, { recursive: true, force: true });
  return problems;
}

function outcomeProblems({ code, stdout, stderr }: CliResult): string[] {
  if (code === null) return [`no exit code, after ${stderr.slice(0, 500) || "nothing"}`];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what drives a terminal may not get out
  const problems = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(stderr + stdout) ? ["control characters"] : [];
  if (/\n\s+at .*[:(]\d+|node:internal/.test(stderr)) problems.push("a stack");
  if (stderr.length > 20_000) problems.push(`${stderr.length} characters of error`);
  if (code === 0) return problems;
  if (!CODES.includes(code)) problems.push(`exit code ${code}`);
  if (stdout !== "") problems.push("output of a command that failed");
  if (stderr.split("\n").filter((line) => line.startsWith("couponcast: ")).length !== 1) problems.push("not one error");
  return problems.length === 0 ? [] : [...problems, stderr.slice(0, 1000)];
}

/**
 * Files that a command left: none in the scratch folder; outputs only where it succeeded, or where the error sends its
 * reader to them (rejected rows); a run may keep its stages.
 */
function leftovers(folder: string, { code, stderr }: CliResult): string[] {
  const isMeant = (name: string) => code === 0 || name === ".run.couponcast" || stderr.includes(name);
  const outputs = readdirSync(join(folder, "out")).filter((name) => !isMeant(name));
  return [...outputs, ...readdirSync(join(folder, "scratch"))].map((name) => `left ${name}`);
}

beforeAll(() => writeInputs(inputs), 300_000);
afterAll(() => rmSync("/tmp/couponcast-escaped", { force: true }));

for (const hostile of cases()) {
  it.concurrent(hostile.name, { timeout: 2 * LONGEST_MS }, async ({ expect }) => {
    expect(await problemsOf(hostile)).toEqual([]);
  });
}
