/** Candidates of the library's callers in the form of the kernels. */
import { invalidArgument } from "../errors.js";
import type { ArgValue } from "../executor/call.js";
import { type Executor, shards, shared } from "../executor/executor.js";
import { addon } from "../native/addon.js";
import { fieldsOf, numberBetween } from "../util/arguments.js";
import { copyYielding } from "../util/yield.js";
import { checkLimits } from "./check-limits.js";
import type { Limits } from "./limits.js";
import type { CandidateTable } from "./problem.js";

/** Candidates of all users in rows of one width; money in minor units (fractions allowed: expected values). */
export interface Candidates {
  /** Places a user. */
  width: number;
  /** [users] used places. */
  counts: Int32Array;
  /** [users * width] coupon of each candidate, ascending within a user. */
  coupons: Int32Array;
  /** [users * width] expected incremental margin in minor units, >= 0, kept to 1/1000 of a unit. */
  valueMinor: Float64Array;
  /** [users * width] expected cost in minor units, >= 0, rounded up to 1/1000 of a unit. */
  costMinor: Float64Array;
  /** [users * width] what it costs when it is redeemed, minor units, >= 0, rounded up; for budgets of face cost. */
  faceMinor?: Float64Array | undefined;
  /** [users * width] standard error of the value, minor units, >= 0; for riskAversion. */
  sigmaMinor?: Float64Array | undefined;
}

/** Candidates in a file of tensors counts I32 [users], coupons I32, value and cost I64 [users, width], and maybe face. */
export interface CandidateFile {
  file: string;
}

const SHARD_USERS = 16_384;
const MAX_CANDIDATE_MILLI = 1e11;

async function inSharedMemory<T extends Int32Array | Float64Array>(array: T): Promise<T> {
  if (array.buffer instanceof SharedArrayBuffer) return array;
  const copy = (array instanceof Int32Array ? shared.i32(array.length) : shared.f64(array.length)) as T;
  return copyYielding(copy as never, array as never) as Promise<T>;
}

function checkShape(candidates: Candidates): void {
  const { width, counts, coupons, valueMinor, costMinor, faceMinor, sigmaMinor } = candidates;
  const money = [valueMinor, costMinor, ...[faceMinor, sigmaMinor].filter((column) => column !== undefined)];
  const isTyped =
    counts instanceof Int32Array &&
    coupons instanceof Int32Array &&
    money.every((column) => column instanceof Float64Array);
  if (!isTyped)
    throw invalidArgument("expected counts and coupons as Int32Array, valueMinor and costMinor as Float64Array");
  const places = counts.length * width;
  if (!Number.isInteger(width) || width < 1 || [coupons, ...money].some(({ length }) => length !== places)) {
    throw invalidArgument(
      `expected coupons, valueMinor and costMinor of ${counts.length} users x width ${width} elements each`,
    );
  }
}

/** @internal Money becomes thousandths, on the worker threads. */
export async function tableOf(
  executor: Executor,
  candidates: Candidates,
  riskAversion: number | undefined,
): Promise<CandidateTable> {
  checkShape(candidates);
  const { width, valueMinor, costMinor, faceMinor, sigmaMinor } = candidates;
  const kappa = numberBetween("riskAversion", riskAversion ?? 0, 0, 1000);
  if (kappa > 0 && sigmaMinor === undefined) throw invalidArgument("riskAversion needs sigmaMinor of the candidates");
  const counts = await inSharedMemory(candidates.counts);
  const numUsers = counts.length;
  const column = async (name: string, from: Float64Array, settings: Record<string, ArgValue>) => {
    const milli = shared.i64(from.length);
    const amount = await inSharedMemory(from);
    await executor.map(
      shards(numUsers, SHARD_USERS).map(({ begin, end }) => ({
        kernel: "toMilli",
        args: { counts, width, name, amount, kappa: 0, up: true, least: 0, ...settings, begin, end, milli },
      })),
    );
    return milli;
  };
  const sigma = kappa > 0 ? await inSharedMemory(sigmaMinor!) : undefined;
  return {
    numUsers,
    width,
    counts,
    coupons: await inSharedMemory(candidates.coupons),
    value: await column("valueMinor", valueMinor, {
      up: false,
      sigma,
      kappa,
      least: kappa > 0 ? -MAX_CANDIDATE_MILLI : 0,
    }),
    cost: await column("costMinor", costMinor, {}),
    ...(faceMinor === undefined ? {} : { face: await column("faceMinor", faceMinor, {}) }),
  };
}

/** @internal */
function tableOfFile({ file: path }: CandidateFile): CandidateTable {
  const file = addon().openTensors({ path });
  try {
    const { tensors } = addon().tensorsInfo({ file });
    const shape = tensors.coupons?.shape;
    if (shape?.length !== 2)
      throw invalidArgument(`${path}: expected a tensor coupons of users x width`, { file: path });
    const ref = (tensor: string) => ({ $file: path, tensor });
    return {
      numUsers: shape[0]!,
      width: shape[1]!,
      counts: ref("counts"),
      coupons: ref("coupons"),
      value: ref("value"),
      cost: ref("cost"),
      ...(tensors.face === undefined ? {} : { face: ref("face") }),
    };
  } finally {
    addon().closeHandle({ handle: file });
  }
}

/** @internal Candidates in the kernels' form, of limits that are of their shape. */
export async function candidateTable(
  executor: Executor,
  candidates: Candidates | CandidateFile,
  limits: Limits,
): Promise<CandidateTable> {
  checkLimits(limits);
  return "file" in fieldsOf("candidates", candidates)
    ? tableOfFile(candidates as CandidateFile)
    : tableOf(executor, candidates as Candidates, limits.riskAversion);
}
