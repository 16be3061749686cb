/** Chances of all pairs that may be, from the campaign's ONNX file. */

import { CHANNELS, COUPON_KINDS, type Coupon } from "../campaign/coupon-schema.js";
import { invalidArgument } from "../errors.js";
import type { ArgValue } from "../executor/call.js";
import { type Executor, shared } from "../executor/executor.js";
import { type GivenChances, PAIR_FEATURE_NAMES, type UserTraits } from "../response/model.js";
import { USER_FEATURES } from "../response/moments.js";
import { traitNames } from "../response/names.js";
import { OnnxModel } from "../response/onnx-model.js";
import { SEASONS } from "../response/season.js";
import { didYouMean } from "../util/nearest-name.js";
import type { RunContext } from "./context.js";
import { noChances, writeChances } from "./prediction-stage.js";

const ROWS_PER_CALL = 8192;

export interface OnnxInputs {
  /** Of the pair features' kernel. */
  pairArgs: Record<string, ArgValue>;
  /** float32 [users * USER_FEATURES] as they are now */
  userFeatures: Float32Array;
  traits: UserTraits;
  /** Of now. */
  season: readonly number[];
  /** uint8 [users * coupons] 0: eligible */
  reasons: Uint8Array;
}

type Column = (user: number, coupon: number, pair: Float32Array, pairAt: number) => number;

/** How to fill each feature that there is, by name. */
function knownColumns({ userFeatures, traits, season }: OnnxInputs, coupons: readonly Coupon[]): Map<string, Column> {
  const known = new Map<string, Column>();
  const width = traits.attributes.length;
  const yes = (is: boolean) => (is ? 1 : 0);
  for (const [f, name] of PAIR_FEATURE_NAMES.entries()) known.set(`pair:${name}`, (_u, _c, pair, at) => pair[at + f]!);
  for (const [f, name] of USER_FEATURES.entries())
    known.set(`user:${name}`, (user) => userFeatures[user * USER_FEATURES.length + f]!);
  for (const [value, name] of traitNames(traits.attributes).entries())
    known.set(`trait:${name}`, (user) => yes(traits.values.subarray(user * width, (user + 1) * width).includes(value)));
  for (const [k, name] of SEASONS.entries()) known.set(`season:${name}`, () => season[k]!);
  for (const channel of CHANNELS)
    known.set(`channel:${channel}`, (_user, coupon) => yes(coupons[coupon]!.channel === channel));
  for (const kind of COUPON_KINDS) known.set(`kind:${kind}`, (_user, coupon) => yes(coupons[coupon]!.kind === kind));
  for (const [j, { id }] of coupons.entries()) known.set(`coupon:${id}`, (_user, coupon) => yes(coupon === j));
  return known;
}

function columnsOf(wanted: readonly string[], known: Map<string, Column>): Column[] {
  return wanted.map((name) => {
    const column = known.get(name);
    if (column !== undefined) return column;
    const names = [...known.keys()];
    throw invalidArgument(
      `response.onnx.features: expected features such as ${names.slice(0, 8).join(", ")} but received ${JSON.stringify(name)}${didYouMean(name, names)}`,
      { field: "response.onnx.features" },
    );
  });
}

async function pairFeatures(
  executor: Executor,
  pairArgs: Record<string, ArgValue>,
  users: Int32Array,
  coupons: Int32Array,
): Promise<Float32Array> {
  const outFeatures = shared.f32(users.length * PAIR_FEATURE_NAMES.length);
  await executor.run({ kernel: "pairFeatures", args: { ...pairArgs, users, coupons, outFeatures } });
  return outFeatures;
}

/** Asks the model for every eligible pair and writes the chances to the stage's folder. */
export async function onnxResponse(
  context: RunContext,
  path: string,
  inputs: OnnxInputs,
  dir: string,
): Promise<GivenChances> {
  const { executor } = context;
  const { campaign, coupons: catalogue } = context.loaded;
  const onnx = campaign.response.onnx!;
  const columns = columnsOf(onnx.features, knownColumns(inputs, catalogue));
  const numCoupons = catalogue.length;
  const numUsers = inputs.userFeatures.length / USER_FEATURES.length;
  const chances = noChances(numUsers, numCoupons);
  const model = await OnnxModel.open(path, { redeem: onnx.output, uplift: onnx.uplift });
  let count = 0;
  let sum = 0;
  try {
    const users = shared.i32(ROWS_PER_CALL);
    const coupons = shared.i32(ROWS_PER_CALL);
    let rows = 0;
    const flush = async (): Promise<void> => {
      if (rows === 0) return;
      const [u, c] = [users.subarray(0, rows), coupons.subarray(0, rows)];
      const pair = await pairFeatures(executor, inputs.pairArgs, u, c);
      const x = new Float32Array(rows * columns.length);
      for (let i = 0; i < rows; i++) {
        for (const [f, column] of columns.entries())
          x[i * columns.length + f] = column(u[i]!, c[i]!, pair, i * PAIR_FEATURE_NAMES.length);
      }
      const { redeem, uplift } = await model.predict(x, rows);
      for (let i = 0; i < rows; i++) {
        const at = u[i]! * numCoupons + c[i]!;
        chances.redeem[at] = redeem[i]!;
        if (uplift !== undefined) chances.anyway[at] = Math.max(0, redeem[i]! - uplift[i]!);
        sum += redeem[i]!;
      }
      count += rows;
      rows = 0;
      executor.checkCancelled();
    };
    for (let user = 0; user < numUsers; user++) {
      for (let coupon = 0; coupon < numCoupons; coupon++) {
        if (inputs.reasons[user * numCoupons + coupon] !== 0) continue;
        users[rows] = user;
        coupons[rows++] = coupon;
        if (rows < ROWS_PER_CALL) continue;
        await flush();
        executor.progress("ONNX model", user, numUsers);
      }
    }
    await flush();
  } finally {
    await model.close();
  }
  await writeChances(dir, chances, numUsers);
  return {
    from: `the ONNX model ${onnx.file}`,
    pairs: { count, meanPRedeem: count > 0 ? sum / count : 0 },
    numUnknown: 0,
    hasUplift: model.hasUplift,
  };
}
