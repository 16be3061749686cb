/** Item profiles as a matrix of items x features in a file. */
import { invalidArgument } from "../../errors.js";
import { checkMatrix, type Matrix } from "../../store/matrix.js";
import { MatrixWriter } from "../../store/matrix-writer.js";
import { arrayOf, integerBetween, numberBetween, textOf } from "../../util/arguments.js";
import { knownOptions } from "../../util/known-options.js";
import { ROWS_PER_YIELD, yieldToEventLoop } from "../../util/yield.js";
import { type ContentColumns, type ContentField, contentFields } from "./content-fields.js";
import { ProfileBuilder, type ProfileOptions } from "./profile-builder.js";

/** An item and its values, as text, by column. */
export type ItemContent = Record<string, string | number | null | undefined> & { id: string };

export interface ItemProfilesOptions extends ProfileOptions, ContentColumns {
  /** Profiles of the items of this matrix, in its order; others are left out. Default: of all items given. */
  matrix?: Matrix | undefined;
}

const PROFILE_OPTIONS = {
  seed: true,
  hashBits: true,
  bins: true,
  weights: true,
  categories: true,
  tags: true,
  text: true,
  attributes: true,
  matrix: true,
};
const FIELD_WEIGHTS = { category: true, tags: true, text: true, attribute: true };

export interface ItemProfilesSummary {
  numItems: number;
  numFeatures: number;
  nnz: number;
  /** Items of the matrix without any value, whose score is 0. */
  numWithout: number;
  /** Items given that the matrix does not hold. */
  numUnknown: number;
}

/** Collects items and writes their profiles. */
export class ItemProfiles {
  readonly #fields: readonly ContentField[];
  readonly #options: ItemProfilesOptions;
  readonly #values = new Map<string, readonly (string | null | undefined)[]>();

  /** Errors: ERR_COUPONCAST_INVALID_ARGUMENT (no column named, options out of range). */
  constructor(options: ItemProfilesOptions) {
    this.#options = knownOptions("writeItemProfiles", options, PROFILE_OPTIONS);
    for (const kind of ["categories", "tags", "text", "attributes"] as const)
      for (const column of arrayOf(kind, options[kind] ?? [])) textOf(kind, column);
    if (options.matrix !== undefined) checkMatrix("matrix", options.matrix);
    this.#fields = contentFields(options);
    if (this.#fields.length === 0) {
      throw invalidArgument("expected at least one column of categories, tags, text or attributes", {
        hint: "Profiles are made from columns of the items table.",
      });
    }
    integerBetween("hashBits", options.hashBits ?? 18, 1, 24);
    integerBetween("bins", options.bins ?? 8, 2, 1000);
    integerBetween("seed", options.seed ?? 1, 0, 2 ** 32 - 1);
    const weights = knownOptions("weights", options.weights ?? {}, FIELD_WEIGHTS);
    for (const [kind, weight] of Object.entries(weights)) numberBetween(`weights.${kind}`, weight ?? 1, 0, 1e6);
  }

  /** The columns to hand to `add`, in this order. */
  get columns(): string[] {
    return this.#fields.map(({ column }) => column);
  }

  /** An item, and its value in each column. Errors: ERR_COUPONCAST_INVALID_ARGUMENT (an id twice). */
  add(id: string, values: readonly (string | null | undefined)[]): void {
    if (this.#values.has(id)) throw invalidArgument(`expected each item once but received ${JSON.stringify(id)} twice`);
    this.#values.set(id, values);
  }

  /** Writes the file, whole or not at all. Errors: ERR_COUPONCAST_IO, _INVALID_ARGUMENT. */
  async write(path: string, metadata: Record<string, string> = {}): Promise<ItemProfilesSummary> {
    const ids = await this.#ids();
    const builder = new ProfileBuilder(this.#fields, this.#options);
    let numGiven = 0;
    for (const [row, id] of ids.entries()) {
      if (row % ROWS_PER_YIELD === 0) await yieldToEventLoop();
      const values = this.#values.get(id);
      if (values !== undefined) numGiven++;
      builder.add(values ?? []);
    }
    const { featureIds, rows, cols, values } = builder.finish();
    const bytes = (texts: readonly string[]) => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const shape = { numUsers: ids.length, numItems: featureIds.length, nnz: values.length };
    const writer = MatrixWriter.create(
      path,
      { ...shape, userIdBytes: bytes(ids), itemIdBytes: bytes(featureIds) },
      { ...metadata, kind: "item-profiles", fields: JSON.stringify(this.#fields) },
    );
    try {
      await writer.appendUserIds(ids);
      await writer.appendItemIds(featureIds);
      await writer.appendCells(rows, cols, values);
      await writer.commit();
    } finally {
      await writer.abort();
    }
    return {
      numItems: ids.length,
      numFeatures: featureIds.length,
      nnz: values.length,
      numWithout: ids.length - new Set(rows).size,
      numUnknown: this.#values.size - numGiven,
    };
  }

  async #ids(): Promise<string[]> {
    const { matrix } = this.#options;
    if (matrix !== undefined) {
      const ids: string[] = [];
      for (let begin = 0; begin < matrix.numItems; begin += ROWS_PER_YIELD) {
        ids.push(...matrix.ids("items", begin, Math.min(begin + ROWS_PER_YIELD, matrix.numItems)));
        await yieldToEventLoop();
      }
      return ids;
    }
    const encoded = [...this.#values.keys()].map((id) => ({ id, bytes: Buffer.from(id) }));
    return encoded.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ id }) => id);
  }
}

/**
 * Writes the profiles of items: hashed TF-IDF of categories, tags and words, soft bins of numbers; definitions at
 * ProfileBuilder, docs/recommending.md. The file is a matrix of items x features with rows of length 1, so that
 * `similarUsers` of it finds items of similar content. Memory: about 100 bytes a feature of an item.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _IO.
 */
export async function writeItemProfiles(
  path: string,
  items: Iterable<ItemContent> | AsyncIterable<ItemContent>,
  options: ItemProfilesOptions,
): Promise<ItemProfilesSummary> {
  const profiles = new ItemProfiles(options);
  const { columns } = profiles;
  for await (const item of items) {
    if (typeof item?.id !== "string" || item.id === "") throw invalidArgument("expected an id of each item");
    profiles.add(
      item.id,
      columns.map((column) => (item[column] === null || item[column] === undefined ? null : String(item[column]))),
    );
  }
  return profiles.write(path);
}
