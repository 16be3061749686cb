/** Item profiles from the values of their fields: hashed TF-IDF of words, soft bins of numbers. */
import { type ContentField, hashToken, tokensOf } from "./content-fields.js";

export interface ProfileOptions {
  /** Of the hash; default 1. */
  seed?: number | undefined;
  /** Each field's tokens fall into 2^hashBits features; default 18. */
  hashBits?: number | undefined;
  /** Points that the numbers of an attribute are measured from, at most; default 8. */
  bins?: number | undefined;
  /** How much the fields of a kind count beside the others, at least 0; default 1 each. */
  weights?: Partial<Record<ContentField["kind"], number>> | undefined;
}

/** Cells of a matrix of items x features, ascending by row and column. */
export interface ProfileCells {
  /** Ascending in UTF-8 byte order. */
  featureIds: string[];
  rows: Int32Array;
  cols: Int32Array;
  values: Float32Array;
}

/** A field's cells before weights: features of the field, and how often each occurs. */
interface FieldCells {
  rows: number[];
  features: number[];
  counts: number[];
}

const EMPTY = (): FieldCells => ({ rows: [], features: [], counts: [] });

/**
 * Takes the items one by one and then gives their profiles.
 *
 * A token t of an item weighs sqrt(count) * idf, idf = 1 + ln((1 + N) / (1 + df)), N the number of items. A number lies
 * between two of up to `bins` quantiles of its field and weighs on both, by how near it is to each. Each field is scaled to
 * length 1 and its kind's weight, then the item to length 1: so a long text does not drown a category, and the cosine of two
 * items is the weighted mean of their fields' cosines where both have all fields. An item without values has no cells.
 */
export class ProfileBuilder {
  readonly #fields: readonly ContentField[];
  readonly #seed: number;
  readonly #mask: number;
  readonly #bins: number;
  readonly #weights: Partial<Record<ContentField["kind"], number>>;
  readonly #cells: FieldCells[];
  #items = 0;

  constructor(
    fields: readonly ContentField[],
    { seed = 1, hashBits = 18, bins = 8, weights = {} }: ProfileOptions = {},
  ) {
    this.#fields = fields;
    this.#seed = seed;
    this.#mask = 2 ** hashBits - 1;
    this.#bins = bins;
    this.#weights = weights;
    this.#cells = fields.map(EMPTY);
  }

  /** The next item: the value of each field, null or undefined where it has none. */
  add(values: readonly (string | null | undefined)[]): void {
    const row = this.#items++;
    for (const [f, { kind }] of this.#fields.entries()) {
      const value = values[f];
      if (value === null || value === undefined || value.trim() === "") continue;
      const cells = this.#cells[f]!;
      if (kind === "attribute") {
        const number = Number(value);
        if (Number.isFinite(number)) push(cells, row, number, 1);
        continue;
      }
      const counts = new Map<number, number>();
      for (const token of tokensOf(kind, value)) {
        const feature = hashToken(token, this.#seed) & this.#mask;
        counts.set(feature, (counts.get(feature) ?? 0) + 1);
      }
      for (const [feature, count] of counts) push(cells, row, feature, count);
    }
  }

  finish(): ProfileCells {
    const weighted = this.#fields.map(({ kind }, f) => {
      const cells = kind === "attribute" ? softBins(this.#cells[f]!, this.#bins) : tfIdf(this.#cells[f]!, this.#items);
      return scaleRows(cells, Math.sqrt(this.#weights[kind] ?? 1));
    });
    const columns = columnsOf(this.#fields, weighted);
    const order: { row: number; col: number; value: number }[] = [];
    for (const [f, { rows, features, counts }] of weighted.entries()) {
      for (let c = 0; c < rows.length; c++) {
        if (counts[c]! > 0) order.push({ row: rows[c]!, col: columns.of[f]!.get(features[c]!)!, value: counts[c]! });
      }
    }
    order.sort((a, b) => a.row - b.row || a.col - b.col);
    const rows = order.map(({ row }) => row);
    const unit = scaleRows({ rows, features: [], counts: order.map(({ value }) => value) }, 1).counts;
    return {
      featureIds: columns.ids,
      rows: Int32Array.from(rows),
      cols: Int32Array.from(order, ({ col }) => col),
      values: Float32Array.from(unit),
    };
  }
}

function push(cells: FieldCells, row: number, feature: number, count: number): void {
  cells.rows.push(row);
  cells.features.push(feature);
  cells.counts.push(count);
}

function tfIdf({ rows, features, counts }: FieldCells, items: number): FieldCells {
  const holders = new Map<number, number>();
  for (const feature of features) holders.set(feature, (holders.get(feature) ?? 0) + 1);
  const weights = counts.map(
    (count, c) => Math.sqrt(count) * (1 + Math.log((1 + items) / (1 + holders.get(features[c]!)!))),
  );
  return { rows, features, counts: weights };
}

/** `features` are the numbers themselves here. */
function softBins({ rows, features: numbers }: FieldCells, bins: number): FieldCells {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
  const knots = [
    ...new Set(Array.from({ length: sorted.length > 0 ? bins : 0 }, (_, b) => at(b / Math.max(1, bins - 1)))),
  ];
  const cells = EMPTY();
  for (const [c, number] of numbers.entries()) {
    let above = knots.findIndex((knot) => knot >= number);
    if (above < 0) above = knots.length - 1;
    const below = knots[above] === number ? above : Math.max(0, above - 1);
    const share = above === below ? 1 : (number - knots[below]!) / (knots[above]! - knots[below]!);
    if (below !== above && share < 1) push(cells, rows[c]!, below, 1 - share);
    if (share > 0) push(cells, rows[c]!, above, share);
  }
  return cells;
}

/** Rows, which come together, scaled to this length. */
function scaleRows({ rows, features, counts }: FieldCells, length: number): FieldCells {
  const scaled = [...counts];
  for (let begin = 0; begin < rows.length; ) {
    let end = begin;
    let square = 0;
    while (end < rows.length && rows[end] === rows[begin]) square += counts[end++]! ** 2;
    const scale = square > 0 ? length / Math.sqrt(square) : 0;
    for (let c = begin; c < end; c++) scaled[c] = counts[c]! * scale;
    begin = end;
  }
  return { rows, features, counts: scaled };
}

/** A column for each feature that occurs, in the byte order of ids such as `text:name#0003a1`. */
function columnsOf(fields: readonly ContentField[], cells: readonly FieldCells[]) {
  const named: { id: string; bytes: Buffer; field: number; feature: number }[] = [];
  for (const [field, { kind, column }] of fields.entries()) {
    for (const feature of new Set(cells[field]!.features)) {
      const id = `${kind}:${column}#${feature.toString(16).padStart(6, "0")}`;
      named.push({ id, bytes: Buffer.from(id), field, feature });
    }
  }
  named.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const of = fields.map(() => new Map<number, number>());
  for (const [column, { field, feature }] of named.entries()) of[field]!.set(feature, column);
  return { ids: named.map(({ id }) => id), of };
}
