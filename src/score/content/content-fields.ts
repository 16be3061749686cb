/** The fields of a table of items that their profiles are made from. */

/** How a field's text becomes features. */
export type FieldKind = "category" | "tags" | "text" | "attribute";

export interface ContentField {
  kind: FieldKind;
  /** Column of the table. */
  column: string;
}

/** Columns by kind, as a campaign names them. */
export interface ContentColumns {
  categories?: readonly string[] | undefined;
  tags?: readonly string[] | undefined;
  text?: readonly string[] | undefined;
  attributes?: readonly string[] | undefined;
}

export function contentFields({ categories, tags, text, attributes }: ContentColumns): ContentField[] {
  const of = (kind: FieldKind, columns: readonly string[] | undefined) =>
    (columns ?? []).map((column) => ({ kind, column }));
  return [...of("category", categories), ...of("tags", tags), ...of("text", text), ...of("attribute", attributes)];
}

/**
 * The tokens of a value. category: the whole value; tags: what commas, semicolons and bars separate; text: runs of letters
 * and digits, two characters at least. All in lower case, normalised (NFKC), without white space around.
 */
export function tokensOf(kind: Exclude<FieldKind, "attribute">, value: string): string[] {
  const text = value.normalize("NFKC").toLowerCase();
  switch (kind) {
    case "category":
      return [text.trim()].filter((token) => token !== "");
    case "tags":
      return text
        .split(/[,;|]/)
        .map((tag) => tag.replace(/^[\s[\]"']+|[\s[\]"']+$/g, ""))
        .filter((tag) => tag !== "");
    case "text":
      return text.match(/[\p{L}\p{N}]{2,}/gu) ?? [];
  }
}

/** FNV-1a over the UTF-16 units of the text, then the mixing of MurmurHash3: 32 bits, the same on every machine. */
export function hashToken(token: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < token.length; i++) {
    const unit = token.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
