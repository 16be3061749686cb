/** The examples of every command's --help run as they are printed, but for the size of a shop and the root of the disk. */
import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, it } from "vitest";
import { writeExampleFiles } from "./examples/files.js";
import { COMMANDS } from "./names.js";
import { cli, MAIN, scratchFolder } from "./run-cli.js";

const scratch = scratchFolder();
const bin = join(scratch, "bin");
const base = join(scratch, "base");

function script(name: string, text: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(bin, name), 0o755);
}

beforeAll(async () => {
  mkdirSync(bin);
  script("couponcast", `exec '${process.execPath}' '${fileURLToPath(MAIN)}' "$@"`);
  // Of jq no more than a path of names and numbers, which must be there.
  const value = "process.argv[1].match(/\\w+/g).reduce((at, name) => at[name], JSON.parse(fs.readFileSync(0, 'utf8')))";
  script("jq", `exec '${process.execPath}' -e "if (${value} === undefined) process.exit(5)" "$1"`);
  await writeExampleFiles(base);
}, 120_000);

/** A large shop becomes a small one, and a shop of one line does not stand in the way of the next. */
const smaller = (line: string) =>
  line
    .replace("--users 1e6 --items 50_000 --events 50e6", "--users 1e3 --items 5_0 --events 5e3")
    .replace(/(?=couponcast synth)/, "rm -r shop; ");

describe.each(COMMANDS)("%s", (command) => {
  it.concurrent("does what its help shows", async ({ expect }) => {
    const folder = join(scratch, command.replace(" ", "-"));
    cpSync(base, folder, { recursive: true });
    const { stdout } = await cli([...command.split(" "), "--help"]);
    for (const [, line] of stdout.matchAll(/^ {2}\$ (.*)$/gm)) {
      const text = smaller(line!).replaceAll(" /srv/", ` ${folder}/srv/`);
      const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
      const problem = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", text], { cwd: folder, env }).catch(
        (thrown) => thrown,
      );
      expect(problem.code, `${line}\n${problem.stderr}`).toBeUndefined();
    }
  }, 120_000);
});
