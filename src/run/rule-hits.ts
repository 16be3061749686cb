/** The file of coupons that rules suggest for each user's latest basket. */
import { join } from "node:path";
import type { Executor } from "../executor/executor.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { loadTensors } from "../store/tensors.js";
import { forEachYielding } from "../util/yield.js";

/** By user, then coupon: the rule that suggests it. */
export interface Hits {
  users: number[];
  coupons: number[];
  rules: number[];
}

const HIT_TENSORS = { users: "I32", coupons: "I32", rules: "I32" } as const;
const hitsPath = (dir: string) => join(dir, "hits.safetensors");

/** A finished stage of rules. */
export interface RuleFolder {
  key: string;
  dir: string;
}

export async function writeHits(hits: Hits, dir: string): Promise<void> {
  const shape = [hits.users.length];
  const specs = Object.entries(HIT_TENSORS).map(([name, dtype]) => ({ name, dtype, shape }));
  const writer = TensorFileWriter.create(hitsPath(dir), specs, { kind: "rule-hits" });
  try {
    for (const name of Object.keys(HIT_TENSORS)) await writer.write(name, 0, Int32Array.from(hits[name as keyof Hits]));
    await writer.commit();
  } finally {
    await writer.abort();
  }
}

/** Arguments of the candidates' kernel. */
export function suggestionArgs({ dir }: RuleFolder) {
  const path = hitsPath(dir);
  return {
    suggestedUsers: { $file: path, tensor: "users" },
    suggestedCoupons: { $file: path, tensor: "coupons" },
  };
}

/** For each assignment the rule that suggests it, or -1. */
export async function rulesOf(
  executor: Executor,
  { dir }: RuleFolder,
  columns: { users: Int32Array; coupons: Int32Array },
): Promise<Int32Array> {
  const hits = await loadTensors(executor, hitsPath(dir), HIT_TENSORS);
  const [users, coupons, rules] = [hits.users as Int32Array, hits.coupons as Int32Array, hits.rules as Int32Array];
  const found = new Int32Array(columns.users.length).fill(-1);
  let first = 0;
  await forEachYielding(found.length, (i) => {
    const user = columns.users[i]!;
    // Both are by user; coupons of an assignment are not.
    while (first < users.length && users[first]! < user) first++;
    for (let hit = first; hit < users.length && users[hit] === user; hit++) {
      if (coupons[hit] === columns.coupons[i]) found[i] = rules[hit]!;
    }
  });
  return found;
}
