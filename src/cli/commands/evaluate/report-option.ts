/** The page that every evaluation can write. */
import { stat, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Session } from "../../command.js";
import { byteSize } from "../../text-layout.js";
import { withOutputs } from "../../with-outputs.js";

export const addReport = (command: Command) =>
  command.option("--report <file>", "also write a page with charts: .html");

/** Writes the page, if one was asked for. */
export async function writeReport(
  session: Session,
  path: string | undefined,
  input: string,
  render: () => Promise<string>,
): Promise<{ path: string; lines: string[] } | undefined> {
  if (path === undefined) return undefined;
  const bytes = await withOutputs(session, [{ path, endings: [".html"] }], [resolve(input)], async (output) => {
    await writeFile(output.path, await render());
    return (await stat(output.path)).size;
  });
  return { path: resolve(path), lines: ["", `${path} (${byteSize(bytes)})`] };
}
