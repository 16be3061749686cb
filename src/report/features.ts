import { mean as formatMean, type Money } from "./format.js";
import type { FeatureInfo } from "./segment-data.js";
import { capitalised, codeInWords, truncateMiddle } from "./text.js";

/** How a feature of features.parquet reads, and what it means to be far above or below the mean of all users. */
export interface FeatureWords {
  label: string;
  high: string;
  low: string;
  /** Features of one group say nearly the same, so a name takes one of them before it takes a second. */
  group: "buying" | "looking" | "time" | "basket" | "age" | "other";
}

const WORDS: Record<string, FeatureWords> = {
  count_browse: { label: "browse events", high: "keen browsers", low: "rare browsers", group: "looking" },
  count_view: { label: "view events", high: "keen browsers", low: "rare browsers", group: "looking" },
  count_search: { label: "search events", high: "keen searchers", low: "rare searchers", group: "looking" },
  count_purchase: { label: "purchase events", high: "keen buyers", low: "rare buyers", group: "buying" },
  num_events: { label: "events", high: "very active", low: "hardly active", group: "looking" },
  recency_days: { label: "days since last event", high: "long absent", low: "recently active", group: "time" },
  order_recency_days: {
    label: "days since last order",
    high: "long without order",
    low: "ordered lately",
    group: "time",
  },
  frequency: { label: "orders", high: "frequent buyers", low: "rare buyers", group: "buying" },
  monetary_minor: { label: "money spent", high: "big spenders", low: "small spenders", group: "buying" },
  order_value_minor: { label: "mean order value", high: "large baskets", low: "small baskets", group: "basket" },
  mean_gap_days: { label: "days between events", high: "long pauses", low: "short pauses", group: "time" },
  observed_days: { label: "days known", high: "long known", low: "new", group: "age" },
};

const COUNT_PREFIX = "count_";
const NEXT_PREFIX = "next_";

export function featureWords(feature: FeatureInfo): FeatureWords {
  const key = feature.key;
  const label = feature.label === undefined ? undefined : truncateMiddle(feature.label, 40);
  const known = Object.hasOwn(WORDS, key) ? WORDS[key] : undefined;
  if (known) return { ...known, label: label ?? known.label };
  if (key.startsWith(COUNT_PREFIX)) {
    const behaviour = truncateMiddle(codeInWords(key.slice(COUNT_PREFIX.length)), 24);
    return {
      label: label ?? `${behaviour} events`,
      high: `many ${behaviour} events`,
      low: `few ${behaviour} events`,
      group: "looking",
    };
  }
  if (key.startsWith(NEXT_PREFIX)) {
    const behaviour = truncateMiddle(codeInWords(key.slice(NEXT_PREFIX.length)), 24);
    const chance = label ?? `chance of ${behaviour} next`;
    return { label: chance, high: `likely ${behaviour} next`, low: `hardly any ${behaviour} next`, group: "other" };
  }
  const words = label ?? truncateMiddle(codeInWords(key), 40);
  return { label: words, high: `high ${words}`, low: `low ${words}`, group: "other" };
}

export function featureTitle(feature: FeatureInfo): string {
  return capitalised(featureWords(feature).label);
}

/** A mean of the feature, as money when its key ends in `_minor`. */
export function featureValue(feature: FeatureInfo, mean: number | null, money: Money): string {
  return feature.key.endsWith("_minor") ? money.amount(mean) : formatMean(mean);
}
