import { commitOutputs, OutputFile } from "../table/output-file.js";
import type { Session } from "./command.js";

export const TABLE_ENDINGS = [".csv", ".parquet", ".jsonl"] as const;

interface WantedOutput {
  path: string;
  endings: readonly string[];
}

/**
 * Runs `body` with the outputs of a command, and puts them into their places when it succeeds: all, the first one
 * last. When it fails or is cancelled, nothing is left.
 *
 * @param inputs absolute paths that no output may be
 */
export async function withOutputs<T, const W extends readonly (WantedOutput | undefined)[]>(
  session: Session,
  wanted: W,
  inputs: readonly string[],
  body: (...outputs: { [K in keyof W]: undefined extends W[K] ? OutputFile | undefined : OutputFile }) => Promise<T>,
): Promise<T> {
  const created: OutputFile[] = [];
  try {
    const outputs: (OutputFile | undefined)[] = [];
    for (const want of wanted) {
      if (want === undefined) {
        outputs.push(undefined);
        continue;
      }
      const others = [...inputs, ...created.map(({ target }) => target)];
      const output = await OutputFile.create(want.path, want.endings, others);
      created.push(output);
      outputs.push(output);
    }
    const result = await body(...(outputs as never));
    session.checkCancelled();
    await commitOutputs(created);
    return result;
  } finally {
    for (const output of created) await output.discard();
  }
}
