/** Where rows come from: files (globs, .gz, .zst) or a Postgres query, resolved before the database is locked. */
import { stat } from "node:fs/promises";
import { relative, sep } from "node:path";
import { CouponcastError, invalidArgument } from "../errors.js";
import { resolveFiles } from "../util/glob.js";
import { nearestName } from "../util/nearest-name.js";
import { type Compression, compressionOf } from "./compressed.js";
import type { PostgresQuery } from "./postgres.js";
import type { Relation, SourceColumn } from "./relation.js";

type TextFormat = "csv" | "jsonl";
type SourceFormat = TextFormat | "parquet";

/** What the sources of a campaign (events, users, items, redemptions) have in common. */
export interface SourceSpec {
  files?: string | string[] | undefined;
  format?: SourceFormat | undefined;
  delimiter?: string | undefined;
  postgres?: PostgresQuery | undefined;
}

export interface SourceFile {
  /** Absolute. */
  path: string;
  /** Relative to the campaign, with forward slashes: what people see, the same on every machine. */
  label: string;
  format: SourceFormat;
  compression: Compression;
  bytes: number;
}

export interface ResolvedSource {
  /** events, users, items or redemptions. */
  input: string;
  /** Where it stands in the campaign file, for messages. */
  field: string;
  files: SourceFile[];
  delimiter: string | undefined;
  postgres: PostgresQuery | undefined;
}

const FORMAT_BY_ENDING: [RegExp, SourceFormat][] = [
  [/\.(csv|tsv|txt)$/, "csv"],
  [/\.(jsonl|ndjson)$/, "jsonl"],
  [/\.(parquet|pq)$/, "parquet"],
];

/** Resolves globs and formats. Errors: IO for a file that is missing, INVALID_ARGUMENT for an unknown ending. */
export async function resolveSource(
  spec: SourceSpec,
  context: { baseDir: string; input: string; field: string },
): Promise<ResolvedSource> {
  const { baseDir, input, field } = context;
  const patterns = spec.files === undefined ? [] : [spec.files].flat();
  const paths = new Set<string>();
  for (const pattern of patterns) {
    for (const path of await resolveFiles(pattern, baseDir, `${field}.files`)) paths.add(path);
  }
  const files: SourceFile[] = [];
  for (const path of paths) {
    const compression = compressionOf(path);
    const format = spec.format ?? formatOf(path);
    if (format === undefined) {
      throw invalidArgument(
        `expected a file ending in .csv, .tsv, .jsonl, .ndjson or .parquet (also .gz, .zst): ${path}`,
        {
          file: path,
          field: `${field}.files`,
          hint: "or set format: csv, jsonl or parquet",
        },
      );
    }
    if (format === "parquet" && compression !== "none") {
      throw invalidArgument(`a Parquet file is compressed inside: ${path} cannot be read through ${compression}`, {
        file: path,
        field: `${field}.files`,
        hint: "decompress it first",
      });
    }
    files.push({
      path,
      label: relative(baseDir, path).split(sep).join("/"),
      format,
      compression,
      bytes: (await stat(path)).size,
    });
  }
  return { input, field, files, delimiter: spec.delimiter, postgres: spec.postgres };
}

function formatOf(path: string): SourceFormat | undefined {
  const name = path.toLowerCase().replace(/\.(gz|gzip|zst|zstd)$/, "");
  return FORMAT_BY_ENDING.find(([ending]) => ending.test(name))?.[1];
}

/** The column with exactly this name, or undefined. Errors: INVALID_ARGUMENT when two columns have the name. */
export function findColumn(
  relation: Pick<Relation, "columns" | "label">,
  name: string,
  field: string,
): SourceColumn | undefined {
  const found = relation.columns.filter((column) => column.name === name);
  if (found.length > 1) {
    throw invalidArgument(`${relation.label} has ${found.length} columns named ${JSON.stringify(name)}`, {
      file: relation.label,
      field,
      hint: "rename one of them",
    });
  }
  return found[0];
}

/**
 * The column with exactly this name. Errors: INVALID_ARGUMENT that lists what there is and suggests the nearest.
 *
 * @param remedy what to do about it, where nobody can choose the name
 */
export function requireColumn(
  relation: Pick<Relation, "columns" | "label">,
  name: string,
  field: string,
  remedy?: string,
): SourceColumn {
  const column = findColumn(relation, name, field);
  if (column !== undefined) return column;
  const names = relation.columns.map((c) => c.name);
  const near = nearestName(name, names);
  const shown = names.slice(0, 50).map((n) => JSON.stringify(n.slice(0, 100)));
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : "";
  throw new CouponcastError(
    "ERR_COUPONCAST_INVALID_ARGUMENT",
    `${relation.label}: expected a column ${JSON.stringify(name)}, found ${shown.join(", ") || "none"}${more}`,
    {
      file: relation.label,
      field,
      hint:
        near === undefined
          ? (remedy ?? `set ${field} to the column's name`)
          : `did you mean ${JSON.stringify(near)}? ${remedy ?? `set ${field} to it`}`,
    },
  );
}
