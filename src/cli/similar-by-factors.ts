/** `similar` of a model of als: its items by the cosine of their vectors. */
import { resolve } from "node:path";
import { CouponcastError } from "../errors.js";
import { similarItemsByFactors } from "../score/als-model.js";
import { readAlsModel } from "../score/als-model-file.js";
import type { OutputFile } from "../table/output-file.js";
import type { Session } from "./command.js";
import { writeNeighbourTable } from "./neighbour-table.js";

interface FactorOptions {
  axis: "users" | "items";
  neighbours: number;
  similarity: string;
  includeSelf?: boolean;
  raw?: boolean;
}

/** Refuses what is not asked of vectors. */
export function checkFactorOptions({ axis, similarity, includeSelf }: FactorOptions): void {
  const given =
    axis === "users"
      ? "--axis users"
      : similarity !== "cosine"
        ? `--similarity ${similarity}`
        : includeSelf
          ? "--include-self"
          : undefined;
  if (given === undefined) return;
  throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", `${given} needs a behaviour matrix`, {
    field: given.split(" ")[0]!,
    hint: "Of a model of als, items are compared with others by the cosine of their vectors.",
  });
}

export async function similarByFactors(
  session: Session,
  path: string,
  { neighbours, raw }: FactorOptions,
  output: OutputFile,
): Promise<{ rows: number; written: number }> {
  const { items, ...model } = await readAlsModel(resolve(path), session.run());
  const { k, indices, scores } = await similarItemsByFactors(model, { ...session.run(), neighbours });
  const written = await writeNeighbourTable(session, output, {
    axis: "items",
    ids: batchesOf(items),
    rows: items.length,
    width: k,
    raw,
    find: ({ begin, end }) => ({
      indices: indices.subarray(begin * k, end * k),
      scores: scores.subarray(begin * k, end * k),
    }),
  });
  return { rows: items.length, written };
}

function* batchesOf(ids: readonly string[], size = 8192): Generator<string[]> {
  for (let begin = 0; begin < ids.length; begin += size) yield ids.slice(begin, begin + size);
}
