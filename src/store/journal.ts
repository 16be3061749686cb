/** Tensors of the journal: what each event of the sequences file beside it was, in the same order. */
export const JOURNAL_TENSORS = {
  /** What a purchase cost, minor units; 0 otherwise. */
  values: "F64",
  items: "I32",
  /** 1: the first line of an order. */
  orders: "U8",
} as const;
