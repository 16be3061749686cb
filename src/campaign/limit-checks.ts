import { didYouMean } from "../util/nearest-name.js";
import type { Finding } from "./document.js";
import { isFields } from "./exactly-one-of.js";
import { showValue } from "./issue-list.js";

/** Coupons that limits name and the catalogue does not have, and segments beyond segments.k. */
export function limitFindings(campaign: unknown, couponIds: ReadonlySet<string>): Finding[] {
  if (!isFields(campaign)) return [];
  const fields = (value: unknown) => (isFields(value) ? value : {});
  const named = (path: Finding["path"], id: string): Finding[] =>
    couponIds.has(id)
      ? []
      : [
          {
            path,
            message: () =>
              `expected the id of a coupon (${[...couponIds].slice(0, 10).map(showValue).join(", ")}${couponIds.size > 10 ? ", ..." : ""})` +
              ` but received ${showValue(id)}${didYouMean(id, couponIds)}`,
          },
        ];
  const budget = fields(campaign.budget);
  const perCoupon = Object.keys(fields(budget.perCouponMinor));
  const k = fields(campaign.segments).k;
  const listed = (path: string[], list: unknown): Finding[] =>
    (Array.isArray(list) ? list : []).flatMap((entry, e) => {
      const { coupons, segments } = fields(entry);
      const ids = Array.isArray(coupons) ? coupons : [];
      const numbers = Array.isArray(segments) ? segments : [];
      return [
        ...ids.flatMap((id, i) => (typeof id === "string" ? named([...path, e, "coupons", i], id) : [])),
        ...numbers.flatMap((s, i) =>
          typeof s === "number" && typeof k === "number" && s >= k
            ? [
                {
                  path: [...path, e, "segments", i],
                  message: () => `expected a segment below segments.k (${k}) but received ${s}`,
                },
              ]
            : [],
        ),
      ];
    });
  return [
    ...perCoupon.flatMap((id) => named(["budget", "perCouponMinor", id], id)),
    ...listed(["budget", "scopes"], budget.scopes),
    ...listed(["fairness"], campaign.fairness),
    ...listed(["caps", "groups"], fields(campaign.caps).groups),
  ];
}
