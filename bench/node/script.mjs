/** What a script of this folder is: options, a title, columns and rows; printed as a table and written as JSON. */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { requireBuild, SIZE_NAMES, table } from "../tools.mjs";

/** What a script has measured, as Markdown. */
export function shown({ title, columns, rows, below }) {
  const picture = below === undefined ? [] : [`\`\`\`\n${below}\n\`\`\``];
  return [title, table(columns, rows), ...picture].join("\n\n");
}

/**
 * Runs a script: `what` is printed by --help; `measure({ size, threads })` resolves to { title, columns, rows, raw,
 * below }, of which the rows are the cells of the table, `raw` the figures behind them and `below` a picture, if there is one.
 */
export async function script(name, what, measure) {
  const { values } = parseArgs({
    options: {
      size: { type: "string", default: "small" },
      threads: { type: "string", default: String(availableParallelism()) },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const threads = Number(values.threads);
  if (values.help || !SIZE_NAMES.includes(values.size) || !(Number.isInteger(threads) && threads >= 1)) {
    console.log(
      `node bench/node/${name} [--size ${SIZE_NAMES.join("|")}] [--threads n] [--json file] [--help]\n\n${what}`,
    );
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  requireBuild();
  const { closeExecutors } = await import("../../dist/index.js");
  const result = await measure({ size: values.size, threads });
  await closeExecutors();
  console.log(`${shown(result)}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
}
