import type { Rule } from "../campaign/coupon-schema.js";

/**
 * Whether a rule of the generated catalogue holds for a user's attributes. The catalogue compares text for equality
 * and membership only; any other comparison is false here.
 */
export function ruleHolds(rule: Rule, attributes: Readonly<Record<string, string>>): boolean {
  if ("and" in rule) return rule.and.every((r) => ruleHolds(r, attributes));
  if ("or" in rule) return rule.or.some((r) => ruleHolds(r, attributes));
  if ("not" in rule) return !ruleHolds(rule.not, attributes);
  const own = attributes[rule.attribute];
  if (own === undefined) return false;
  const { op, value } = rule;
  switch (op) {
    case "exists":
      return true;
    case "eq":
      return own === value;
    case "ne":
      return own !== value;
    case "in":
      return Array.isArray(value) && value.includes(own);
    case "not-in":
      return Array.isArray(value) && !value.includes(own);
    default:
      return false;
  }
}
