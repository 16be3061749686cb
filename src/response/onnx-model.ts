import { CouponcastError, invalidArgument } from "../errors.js";

/** What is used of onnxruntime-node, which only those who bring an ONNX file need to install. */
interface Runtime {
  InferenceSession: { create(path: string, options: object): Promise<Session> };
  Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => object;
}
interface Session {
  inputNames: readonly string[];
  outputNames: readonly string[];
  run(feeds: Record<string, object>): Promise<Record<string, { data: unknown; dims: readonly number[] }>>;
  release(): Promise<void>;
}

export interface OnnxOutputs {
  /** Default: the last output that the model has. */
  redeem?: string | undefined;
  uplift?: string | undefined;
}

async function runtime(): Promise<Runtime> {
  // A name that the compiler does not follow: the package may be absent.
  const name: string = "onnxruntime-node";
  try {
    const loaded = await import(name);
    return (loaded.default ?? loaded) as Runtime;
  } catch (cause) {
    throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", "response.onnx needs the package onnxruntime-node", {
      cause,
      field: "response.onnx",
      hint: "Install it beside couponcast: npm install onnxruntime-node",
    });
  }
}

/** A model of chances in an ONNX file: one input float32 [rows, features], outputs [rows], [rows, 1] or [rows, 2] (the last column counts). */
export class OnnxModel {
  private constructor(
    readonly path: string,
    private readonly ort: Runtime,
    private readonly session: Session,
    private readonly outputs: { redeem: string; uplift: string | undefined },
  ) {}

  /** One thread, so that sums, and so the bytes, are the same each time. Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CORRUPT_FILE. */
  static async open(path: string, { redeem, uplift }: OnnxOutputs): Promise<OnnxModel> {
    const ort = await runtime();
    const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1, interOpNumThreads: 1 }).catch(
      (cause: unknown) => {
        throw new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${path}: ${(cause as Error).message}`, {
          file: path,
          cause,
        });
      },
    );
    const names = session.outputNames;
    for (const name of [redeem, uplift]) {
      if (name !== undefined && !names.includes(name))
        throw invalidArgument(`${path}: expected an output among ${names.join(", ")} but received ${name}`, {
          file: path,
        });
    }
    if (session.inputNames.length !== 1)
      throw invalidArgument(`${path}: expected one input but the model has ${session.inputNames.join(", ")}`, {
        file: path,
        hint: "Features go in as one float32 tensor of rows x features.",
      });
    return new OnnxModel(path, ort, session, { redeem: redeem ?? names.at(-1)!, uplift });
  }

  get hasUplift(): boolean {
    return this.outputs.uplift !== undefined;
  }

  /** Chances of rows. Errors: ERR_COUPONCAST_INVALID_ARGUMENT where the shape does not fit or a number is no chance. */
  async predict(features: Float32Array, rows: number): Promise<{ redeem: Float64Array; uplift?: Float64Array }> {
    const input = new this.ort.Tensor("float32", features, [rows, features.length / rows]);
    let results: Awaited<ReturnType<Session["run"]>>;
    try {
      results = await this.session.run({ [this.session.inputNames[0]!]: input });
    } catch (cause) {
      throw invalidArgument(`${this.path}: ${(cause as Error).message}`, {
        file: this.path,
        cause,
        hint: `The model was given ${features.length / rows} features a row.`,
      });
    }
    const redeem = this.#chances(this.outputs.redeem, results, rows);
    const { uplift } = this.outputs;
    return uplift === undefined ? { redeem } : { redeem, uplift: this.#chances(uplift, results, rows) };
  }

  #chances(name: string, results: Awaited<ReturnType<Session["run"]>>, rows: number): Float64Array {
    const { data, dims } = results[name]!;
    const columns = dims.length === 1 ? 1 : dims[1];
    const fits = dims[0] === rows && dims.length <= 2 && (columns === 1 || columns === 2);
    if (!fits || !(data instanceof Float32Array || data instanceof Float64Array))
      throw invalidArgument(
        `${this.path}: expected the output ${name} as ${rows} x 1 or ${rows} x 2 floats but received ${dims.join(" x ")}`,
        { file: this.path },
      );
    const chances = Float64Array.from({ length: rows }, (_, i) => data[i * columns + columns - 1]!);
    const wrong = chances.findIndex((p) => !(p >= 0 && p <= 1));
    if (wrong >= 0)
      throw invalidArgument(
        `${this.path}: expected chances from 0 to 1 in the output ${name} but received ${chances[wrong]}`,
        { file: this.path },
      );
    return chances;
  }

  close(): Promise<void> {
    return this.session.release();
  }
}
