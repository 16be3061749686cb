import { CouponcastError } from "../errors.js";

/** Fields of a campaign file, and what stands for them on the command line of `ingest`. */
const OPTION_BY_FIELD: [field: string, option: string][] = [
  ["inputs.events.columns.behaviour.constant", "--behaviour-constant"],
  ["inputs.events.columns.id", "--event-id"],
  ["inputs.events.columns.", "--"],
  ["inputs.events.time.format", "--time-format"],
  ["inputs.events.time.timeZone", "--time-zone"],
  ["inputs.events.price.", "--price-"],
  ["inputs.events.format", "--format"],
  ["inputs.events.delimiter", "--delimiter"],
  ["inputs.events.files", "FILES"],
  ["inputs.events", "FILES"],
  ["inputs.users.columns.id", "the id of --users"],
  ["inputs.users.columns.", "--users: "],
  ["inputs.users.files", "--users"],
  ["inputs.users", "--users"],
  ["inputs.items.columns.id", "the id of --items"],
  ["inputs.items.columns.", "--items: "],
  ["inputs.items.files", "--items"],
  ["inputs.items", "--items"],
  ["ingest.maxRejectedShare", "--max-rejected-share"],
  ["maxRejectedShare", "--max-rejected-share"],
  ["ingest.memoryLimitMb", "--memory"],
  ["ingest.windowDays", "--window-days"],
  ["baskets.behaviours", "--baskets-of"],
  ["purchaseBehaviour", "--purchase-behaviour"],
  ["give it a weight under behaviours", "give it a weight with --weights"],
];

/** A text about fields of a campaign file, in the words of the command line. */
export function inOptionWords(text: string): string {
  return OPTION_BY_FIELD.reduce((words, [field, option]) => words.replaceAll(field, option), text);
}

/** Columns of these tables have no option. */
const UNNAMEABLE = /set inputs\.(users|items)\.columns\.\w+ to (the column's name|it)/;

/** The same for an error. */
export function errorInOptionWords(error: CouponcastError): CouponcastError {
  const { code, message, hint, file, line, field } = error;
  const words = (text: string | undefined) => (text === undefined ? undefined : inOptionWords(text));
  return new CouponcastError(code, inOptionWords(message), {
    cause: error,
    hint: words(hint?.replace(UNNAMEABLE, "rename the column, or use a campaign file, where columns can be mapped")),
    file,
    line,
    field: words(field),
  });
}
