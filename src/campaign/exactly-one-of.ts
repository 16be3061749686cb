import type { z } from "zod";

/**
 * Makes a check run although other fields of the same object are wrong: a person wants all problems at once.
 * Such a check sees raw input, so it takes `unknown` and looks before it reads.
 */
export const alsoWhenInvalid = { when: (): boolean => true };

/** Whether a value is an object with fields (no array, no null). */
export function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A zod check: of these fields one and only one is given. */
export function exactlyOneOf(...fields: string[]): (value: unknown, ctx: z.core.$RefinementCtx) => void {
  return (value, ctx) => {
    if (!isFields(value)) return;
    const given = fields.filter((field) => value[field] !== undefined);
    if (given.length === 1) return;
    const came = given.length === 0 ? "none of them" : given.join(" and ");
    ctx.addIssue({
      code: "custom",
      path: [],
      message: `expected exactly one of ${fields.join(", ")} but received ${came}`,
    });
  };
}
