/** Progress is for people who watch: on a terminal only, and gone when the command has ended. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { cli, MAIN, scratchFolder } from "./run-cli.js";
import { makeShop } from "./shop.js";

const folder = scratchFolder();
let similar: string[];

beforeAll(async () => {
  const { matrix } = await makeShop(folder);
  similar = ["similar", matrix, "--axis", "users", "-k", "20", "-o", join(folder, "out.csv")];
});

const ESC = "\u001b";
const TOKEN = new RegExp(`${ESC}(\\[[\\d;?]*[A-Za-z]|[78])|[\\s\\S]`, "gu");
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** What a command writes to a terminal of its own. */
function onTerminal(args: readonly string[], env: Record<string, string> = {}): { code: number | null; text: string } {
  const command = [process.execPath, fileURLToPath(MAIN), ...args].map(quoted).join(" ");
  const { NO_COLOR: _, ...inherited } = process.env;
  const { status, stdout } = spawnSync("script", ["-qec", command, "/dev/null"], {
    env: { ...inherited, TERM: "xterm", ...env },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { code: status, text: stdout };
}

/** The lines that stay on a screen: enough of a terminal for what a progress bar asks of it. */
function screen(text: string): string[] {
  const lines = [""];
  let row = 0;
  let col = 0;
  let saved = [0, 0];
  const put = (character: string) => {
    lines[row] = lines[row]!.padEnd(col).slice(0, col) + character + lines[row]!.slice(col + 1);
    col++;
  };
  for (const [token, sequence] of text.matchAll(TOKEN)) {
    if (sequence === "7") saved = [row, col];
    else if (sequence === "8") [row, col] = saved as [number, number];
    else if (sequence?.endsWith("G")) col = Number(sequence.slice(1, -1) || 1) - 1;
    else if (sequence === "[2K") lines[row] = "";
    else if (sequence === "[0K" || sequence === "[K") lines[row] = lines[row]!.slice(0, col);
    else if (sequence !== undefined) continue;
    else if (token === "\r") col = 0;
    else if (token === "\n") {
      row++;
      lines[row] ??= "";
    } else put(token);
  }
  return lines.filter((line) => line.trim() !== "").map((line) => line.trimEnd());
}

describe("without a terminal", () => {
  it("there is none, and no control character", async () => {
    const { code, stdout, stderr } = await cli(similar);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^600 users, [^\n]+\n[^\n]+out\.csv [^\n]+\n$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it("--quiet prints nothing at all", async () => {
    expect(await cli([...similar, "--quiet"])).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});

// Where the system has no pseudo-terminals (a bare chroot, say) there is nothing to try.
const hasTerminals = spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0;

describe.runIf(hasTerminals)("on a terminal", () => {
  it("a bar appears, and the screen is clean at the end", () => {
    const { code, text } = onTerminal(similar);
    expect(code).toBe(0);
    expect(text).toMatch(/similar users +[█░]{24} +\d+ %/u);
    const lines = screen(text);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^600 users, /);
    expect(lines[1]).toMatch(/out\.csv/);
    // The cursor is shown again after it was last hidden.
    expect(text.lastIndexOf(`${ESC}[?25h`)).toBeGreaterThan(text.lastIndexOf(`${ESC}[?25l`));
  });

  it("--quiet and --json show no bar", () => {
    expect(onTerminal([...similar, "--quiet"])).toEqual({ code: 0, text: "" });
    const { text } = onTerminal([...similar, "--json"]);
    expect(text).not.toContain(ESC);
    expect(JSON.parse(text)).toMatchObject({ axis: "users" });
  });

  it("that cannot move its cursor shows no bar", () => {
    const { code, text } = onTerminal(similar, { TERM: "dumb" });
    expect(code).toBe(0);
    expect(text).toMatch(/^600 users, /);
    expect(text).not.toContain(ESC);
  });

  it("errors are coloured, but not with NO_COLOR", () => {
    const wrong = ["inspect", join(folder, "none.safetensors")];
    const coloured = onTerminal(wrong);
    expect(coloured.code).toBe(5);
    expect(coloured.text).toContain(`${ESC}[31mcouponcast:${ESC}[39m `);
    const plain = onTerminal(wrong, { NO_COLOR: "1" });
    expect(plain.code).toBe(5);
    expect(plain.text).not.toContain(ESC);
    expect(plain.text).toMatch(/^couponcast: /);
  });
});
