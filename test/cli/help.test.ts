import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { COMMANDS, GROUPS, SINGLE } from "./names.js";
import { cli } from "./run-cli.js";

/** Splits a line of the examples as a shell would: white space, and quotes of both kinds. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? m[2] ?? m[3]!);
}

describe("help", () => {
  it("lists every command", async () => {
    const { code, stdout, stderr } = await cli(["--help"]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    for (const command of [...SINGLE, ...Object.keys(GROUPS)])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    expect(stdout).toContain("Examples:");
    expect(stdout).toContain("Exit codes:");
  });

  it.each(COMMANDS)("%s --help has a description, the common options and examples that parse", async (command) => {
    const { code, stdout, stderr } = await cli([...command.split(" "), "--help"]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toMatch(new RegExp(`^Usage: couponcast ${command} `));
    for (const option of ["--threads <count>", "--json", "--quiet", "--debug"]) expect(stdout).toContain(option);
    const examples = [...stdout.matchAll(/^ {2}\$ couponcast (.*)$/gm)].map((match) => match[1]!);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      // A mistake in the example would be told before the unknown option at its end.
      const args = words(example.replace(/ [|>] .*$/, ""));
      const result = await cli([...args, "--no-such-option-at-all"]);
      expect(result.stderr.split("\n")[0]).toBe("couponcast: unknown option '--no-such-option-at-all'");
      expect(result.code).toBe(2);
    }
  });

  it("help prints what --help prints, of commands and of commands of commands", async () => {
    expect(await cli(["help"])).toEqual(await cli(["--help"]));
    expect(await cli(["help", "similar"])).toEqual(await cli(["similar", "--help"]));
    expect(await cli(["help", "evaluate", "campaign"])).toEqual(await cli(["evaluate", "campaign", "--help"]));
  });

  it("help of a command that does not exist names it and the nearest one", async () => {
    const hint = async (...args: string[]) => {
      const { code, stdout, stderr } = await cli(["help", ...args]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      return stderr;
    };
    expect(await hint("nothing")).toBe("couponcast: unknown command 'nothing'\nhint: see couponcast --help\n");
    expect(await hint("simlar")).toContain("hint: did you mean similar? See couponcast --help");
    expect(await hint("evaluate", "campain")).toContain("hint: did you mean campaign? See couponcast evaluate --help");
  });

  it("prints the version of the package", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(await cli(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("without a command prints the help to the error stream and fails", async () => {
    const { code, stdout, stderr } = await cli([]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("Usage: couponcast");
  });
});
