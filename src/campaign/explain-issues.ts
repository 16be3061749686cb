import type { z } from "zod";
import { didYouMean } from "../util/nearest-name.js";
import type { Finding } from "./document.js";
import { showPath, showValue } from "./issue-list.js";
import {
  describeSchema,
  fieldNames,
  meantOption,
  recordKeySchema,
  schemaAt,
  suggestValue,
  takes,
  unionOptions,
} from "./schema-walk.js";

function at(root: unknown, path: readonly PropertyKey[]): { present: boolean; value: unknown } {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) {
      return { present: false, value: undefined };
    }
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return { present: true, value };
}

/** YAML reads 84879 as a number and "84879" as text: the commonest slip with ids. */
function quoteHint(schema: z.core.$ZodType, value: unknown): string {
  if ((typeof value === "number" || typeof value === "boolean") && takes(schema, "string")) {
    return ` (text needs quotes: ${JSON.stringify(String(value))})`;
  }
  if (typeof value === "string" && value.trim() !== "" && takes(schema, "number") && Number.isFinite(Number(value))) {
    return ` (a number has no quotes: ${value.trim().slice(0, 30)})`;
  }
  if (value === null) return " (the field is empty)";
  return "";
}

/** "expected ... but received ..." for the value at a path. */
function expectation(schema: z.core.$ZodType, root: unknown, path: readonly PropertyKey[]): string {
  const { present, value } = at(root, path);
  if (!present) return `expected ${describeSchema(schema)} but the field is missing`;
  const text = `expected ${describeSchema(schema)} but received ${showValue(value)}`;
  if (path.length === 0 && value === null) return `${text} (the file is empty)`;
  return text + quoteHint(schema, value) + suggestValue(schema, value);
}

function unknownField(schema: z.core.$ZodType | undefined, key: string): string {
  const known = schema === undefined ? [] : fieldNames(schema);
  return `unknown field${didYouMean(key, known)}${known.length === 0 ? "" : ` (allowed: ${known.join(", ")})`}`;
}

/**
 * Turns zod's issues about `value` into sentences that say what was expected and what came, list what is allowed and
 * suggest the nearest name. Of a union only the branch that the writer meant is talked about.
 */
export function explainIssues(
  schema: z.core.$ZodType,
  value: unknown,
  issues: readonly z.core.$ZodIssue[],
  prefix: readonly PropertyKey[] = [],
): Finding[] {
  const told = new Set<string>();
  return issues.flatMap((issue): Finding[] => {
    const path = [...prefix, ...issue.path];
    const target = schemaAt(schema, path, value);
    switch (issue.code) {
      case "custom":
        return [{ path, message: () => issue.message }];
      case "unrecognized_keys":
        return issue.keys
          .filter((key) => key !== "__proto__") // unsafeFindings has told already
          .map((key) => ({ path: [...path, key], message: () => unknownField(target, key) }));
      case "invalid_union": {
        const union = schemaAt(schema, path, value, true) ?? schema;
        const options = unionOptions(union);
        const index = options === undefined ? undefined : meantOption(options, at(value, path).value);
        const inBranch = index === undefined ? undefined : issue.errors[index];
        if (inBranch !== undefined && inBranch.length > 0) return explainIssues(schema, value, inBranch, path);
        return [{ path, message: () => expectation(union, value, path) }];
      }
      case "invalid_key": {
        // The path ends with the key itself, which breaks the record's rule for keys.
        const record = schemaAt(schema, path.slice(0, -1), value);
        const keys = record === undefined ? undefined : recordKeySchema(record);
        const rule = keys === undefined ? "a valid name" : describeSchema(keys);
        return [{ path, message: () => `expected ${rule} as the name but received ${showValue(path.at(-1))}` }];
      }
      default:
        // "No integer" and "too large" about the same field are the same sentence.
        if (told.has(showPath(path))) return [];
        told.add(showPath(path));
        if (target === undefined) return [{ path, message: () => issue.message }];
        return [{ path, message: () => expectation(target, value, path) }];
    }
  });
}
