/** A coupon as a catalogue has it, not yet checked. */
export interface CouponRecord {
  value: unknown;
  line: number;
  /** finds the line of a field; may cost a second parse of the record, so it is asked for faults only, at once */
  lineOf?: (path: readonly PropertyKey[]) => number;
}

/** A part of a catalogue that is no record; reading goes on behind it where the format has lines. */
export interface BrokenRecord {
  line: number;
  problem: string;
}
