import { MAX_RULE_COMPARISONS, MAX_RULE_DEPTH } from "./coupon-schema.js";
import type { Finding } from "./document.js";
import { isFields } from "./exactly-one-of.js";
import { parseInstant } from "./instant.js";
import { showValue } from "./issue-list.js";
import { instantFinding, usableZone, zoneFinding } from "./time-checks.js";

/** Depth of and / or / not, and number of comparisons, of a raw rule; stops one step beyond the limits. */
function measureRule(rule: unknown, depth: number, size: { depth: number; comparisons: number }): void {
  size.depth = Math.max(size.depth, depth);
  if (depth > MAX_RULE_DEPTH || size.comparisons > MAX_RULE_COMPARISONS || !isFields(rule)) return;
  let isGroup = false;
  for (const children of [rule.and, rule.or, rule.not]) {
    if (children === undefined) continue;
    isGroup = true;
    if (Array.isArray(children)) for (const child of children) measureRule(child, depth + 1, size);
    else measureRule(children, depth + 1, size);
  }
  if (!isGroup) size.comparisons++;
}

/** Too deep or too large a rule. Runs before the schema, which would recurse into it. */
export function ruleFindings(coupon: unknown, path: readonly PropertyKey[]): Finding[] {
  if (!isFields(coupon) || coupon.eligibility === undefined) return [];
  const size = { depth: 0, comparisons: 0 };
  measureRule(coupon.eligibility, 0, size);
  const at = [...path, "eligibility"];
  if (size.depth > MAX_RULE_DEPTH) {
    return [{ path: at, message: () => `expected at most ${MAX_RULE_DEPTH} levels of and, or, not` }];
  }
  if (size.comparisons > MAX_RULE_COMPARISONS) {
    return [{ path: at, message: () => `expected at most ${MAX_RULE_COMPARISONS} comparisons in one rule` }];
  }
  return [];
}

/** Time zone and window of one raw coupon. */
export function couponFindings(coupon: unknown, campaignTimeZone: string, path: readonly PropertyKey[]): Finding[] {
  if (!isFields(coupon)) return [];
  const zone = usableZone(coupon.timeZone, campaignTimeZone);
  const findings = [
    ...zoneFinding(coupon.timeZone, [...path, "timeZone"]),
    ...instantFinding(coupon.validFrom, zone, [...path, "validFrom"]),
    ...instantFinding(coupon.validUntil, zone, [...path, "validUntil"]),
  ];
  const { validFrom, validUntil } = coupon;
  if (typeof validFrom === "string" && typeof validUntil === "string") {
    const from = parseInstant(validFrom, zone);
    const until = parseInstant(validUntil, zone);
    if (from !== undefined && until !== undefined && from >= until) {
      findings.push({
        path: [...path, "validUntil"],
        message: () =>
          `expected a time after validFrom (${showValue(validFrom)}, zone ${zone}) but received ${showValue(validUntil)}`,
      });
    }
  }
  return findings;
}
