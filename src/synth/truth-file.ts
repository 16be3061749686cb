import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { FORMAT_VERSION } from "./model.js";
import type { SynthPlan } from "./options.js";
import type { TruthLayout } from "./truth-rows.js";

export const TRUTH_FILE = "truth.safetensors";

/** Creates the truth file. Rows: users by id; columns: coupons in catalogue order; all F32. */
export function createTruth(path: string, plan: SynthPlan): { writer: TensorFileWriter; layout: TruthLayout } {
  const shape = [plan.users, plan.coupons];
  const writer = TensorFileWriter.create(
    path,
    [
      { name: "p_without", dtype: "F32", shape },
      { name: "p_with", dtype: "F32", shape },
      { name: "p_redeem", dtype: "F32", shape },
      { name: "order_value_minor", dtype: "F32", shape: [plan.users] },
    ],
    {
      kind: "truth",
      kind_version: FORMAT_VERSION,
      seed: String(plan.seed),
      users: String(plan.users),
      coupons: String(plan.coupons),
      rows: "users in ascending byte order of user_id",
      cols: "coupons in the order of coupons.json",
      notice: "Planted ground truth. Only evaluation may read this file; no other stage of a run may.",
    },
  );
  const layout = {
    fd: writer.fd,
    without: writer.byteOffset("p_without"),
    with: writer.byteOffset("p_with"),
    redeem: writer.byteOffset("p_redeem"),
    orderValue: writer.byteOffset("order_value_minor"),
  };
  return { writer, layout };
}
