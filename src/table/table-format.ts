import { extname } from "node:path";
import { invalidArgument } from "../errors.js";

const TABLE_FORMATS = { ".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl" } as const;
export type TableFormat = (typeof TABLE_FORMATS)[keyof typeof TABLE_FORMATS];

/** What a file's ending, in any case, says about its format. Errors: ERR_COUPONCAST_INVALID_ARGUMENT for any other. */
export function tableFormatOf(path: string): TableFormat {
  const ending = extname(path).toLowerCase();
  const format = (TABLE_FORMATS as Record<string, TableFormat | undefined>)[ending];
  if (format === undefined) throw unknownEnding(path, Object.keys(TABLE_FORMATS));
  return format;
}

/** The error for a path that ends in none of `endings`. */
export function unknownEnding(path: string, endings: readonly string[]) {
  const list = endings.length === 1 ? endings[0] : `${endings.slice(0, -1).join(", ")} or ${endings.at(-1)}`;
  return invalidArgument(`expected a file name that ends in ${list} but received ${JSON.stringify(path)}`, {
    file: path,
    hint: "The ending chooses the format.",
  });
}
