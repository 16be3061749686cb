import { type Html, html, visibleText } from "./html.js";

/** Characters as people see them, so that an emoji or an accent is never cut in half. */
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Scripts and pictures whose characters are about twice as wide as a Latin letter. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|\p{Extended_Pictographic}|[\u{20000}-\u{3fffd}]/u;

/**
 * The text in at most `max` columns (a wide character is two), the middle replaced by an ellipsis: ids often differ at
 * their end. Runs of white space become one space. Cost: linear in `max`, not in the length of the text.
 */
export function truncateMiddle(text: string, max: number): string {
  // A visible character can be many code units; beyond this even a hostile id is only sampled at its two ends.
  const window = max * 16;
  const long = text.length > window * 2;
  const head = characters(long ? text.slice(0, window) : text);
  if (!long && columnsOf(head) <= max) return head.join("");
  const tail = long ? characters(text.slice(-window)) : head;
  const keepTail = Math.floor((max - 1) / 3);
  const end = fitting(tail.toReversed(), keepTail).reverse().join("");
  return `${fitting(head, max - 1 - keepTail).join("")}…${end}`;
}

function characters(text: string): string[] {
  const tidy = visibleText(text).replace(/\s+/g, " ").trim();
  return Array.from(graphemes.segment(tidy), (s) => boundedCharacter(s.segment));
}

/** A "character" of a hundred stacked accents is one grapheme too; it would paint over its neighbours. */
function boundedCharacter(grapheme: string): string {
  return grapheme.length > 32 ? Array.from(grapheme).slice(0, 2).join("") : grapheme;
}

function columns(character: string): number {
  return WIDE.test(character) ? 2 : 1;
}

function columnsOf(all: readonly string[]): number {
  return all.reduce((sum, character) => sum + columns(character), 0);
}

/** As many of the first characters as fit. */
function fitting(all: readonly string[], max: number): string[] {
  let used = 0;
  const end = all.findIndex((character) => {
    used += columns(character);
    return used > max;
  });
  return all.slice(0, end < 0 ? all.length : end);
}

/** The longest id that a tooltip repeats in full. */
const TITLE_MAX = 512;

/**
 * An id of the data for a table cell: isolated from the text direction around it, cut in the middle when long, with
 * the whole id (its first 512 characters) as the tooltip.
 */
export function idHtml(id: string, max = 28): Html {
  const shown = truncateMiddle(id, max);
  if (shown === "") return html`<bdi class="id muted">(empty)</bdi>`;
  if (shown === id) return html`<bdi class="${/^[!-~]{1,22}$/.test(id) ? "id whole" : "id"}">${shown}</bdi>`;
  const title = id.length > TITLE_MAX ? `${id.slice(0, TITLE_MAX)}… (${id.length} characters)` : id;
  return html`<bdi class="id" title="${title}">${shown}</bdi>`;
}

/** `no_consent`, `first-order` -> `no consent`, `first order`. */
export function codeInWords(code: string): string {
  return code.replace(/[_-]+/g, " ").trim();
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return count === 1 ? one : many;
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
