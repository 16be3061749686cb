/** Vectors of als that `recommend` keeps in a file, or has from one. */
import { resolve } from "node:path";
import { CouponcastError } from "../errors.js";
import { type AlsVectors, als } from "../score/als.js";
import { foldInMatrix } from "../score/als-model.js";
import { readAlsModel, writeAlsModel } from "../score/als-model-file.js";
import type { AlsMethodOptions } from "../score/factor-methods.js";
import type { Matrix } from "../store/matrix.js";
import type { OutputFile } from "../table/output-file.js";
import type { Session } from "./command.js";
import { counted } from "./text-layout.js";

export interface AlsFiles {
  /** That --save-model wrote. */
  model?: string;
  saveModel?: string;
}

/** Refuses files of models where no method has one. */
export function checkAlsFiles({ model, saveModel }: AlsFiles, usesAls: boolean): void {
  if (usesAls || (model ?? saveModel) === undefined) return;
  const field = model === undefined ? "--save-model" : "--model";
  throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", `${field} is of als, which no method here is`, {
    field,
    hint: "Add --method als, or als to the --parts of a blend.",
  });
}

/** undefined where no file is asked for. */
export async function alsVectors(
  session: Session,
  matrix: Matrix,
  fit: AlsMethodOptions,
  model: string | undefined,
  output: OutputFile | undefined,
): Promise<AlsVectors | undefined> {
  const run = session.run();
  if (model !== undefined) {
    const { numNewItems, ...vectors } = await foldInMatrix(await readAlsModel(resolve(model), run), matrix, run);
    if (numNewItems > 0)
      session.note(
        `note: ${model}: ${counted(numNewItems, "item")} of the matrix not in the model: als gives them to nobody`,
      );
    return vectors;
  }
  if (output === undefined) return undefined;
  const { model: _, ...ofFit } = fit;
  const fitted = await als(matrix, { ...ofFit, ...run });
  await writeAlsModel(output.path, fitted, matrix);
  return fitted;
}
