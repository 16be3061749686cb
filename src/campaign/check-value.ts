import type { z } from "zod";
import { type Finding, unsafeFindings } from "./document.js";
import { explainIssues } from "./explain-issues.js";

/** A value that passed its schema, or what is wrong with it. */
export interface CheckedValue<T> {
  value: T | undefined;
  findings: Finding[];
}

/**
 * Checks a plain value from a file: what is never allowed, then the schema. A value that is nested without end is
 * not shown to the schema.
 */
export function checkValue<T extends z.core.$ZodType>(schema: T, raw: unknown): CheckedValue<z.core.output<T>> {
  const unsafe = unsafeFindings(raw);
  if (unsafe.tooDeep) return { value: undefined, findings: unsafe.findings };
  const parsed = (schema as unknown as z.ZodType<z.core.output<T>>).safeParse(raw);
  if (!parsed.success) {
    return { value: undefined, findings: [...unsafe.findings, ...explainIssues(schema, raw, parsed.error.issues)] };
  }
  return { value: unsafe.findings.length === 0 ? parsed.data : undefined, findings: unsafe.findings };
}
