/**
 * Numbers as people read them. Everything goes through Intl with a fixed locale, so the bytes do not depend on the
 * machine's settings. What is not a finite number is a dash.
 */
export const DASH = "–";

/** The sign stays on the line of its number. */
const PERCENT = "\u00a0%";

/** Writes amounts of one currency; amounts come in minor units. */
export interface Money {
  /** €1,234.50; large amounts without the cents. */
  amount(minor: number | null): string;
  /** €1,234.50 with all its digits, for prices and means. */
  exact(minor: number | null): string;
  /** €1.2K, for axes. */
  compact(minor: number): string;
  /** One major unit: €1. */
  readonly unit: string;
  readonly currency: string;
  readonly minorPerMajor: number;
}

export function moneyFormat(currency: string): Money {
  const style = currencyStyle(currency);
  const full = new Intl.NumberFormat("en", style);
  const digits = full.resolvedOptions().maximumFractionDigits ?? 2;
  const whole = new Intl.NumberFormat("en", { ...style, minimumFractionDigits: 0, maximumFractionDigits: 0 });
  const short = new Intl.NumberFormat("en", {
    ...style,
    notation: "compact",
    minimumFractionDigits: 0,
    maximumFractionDigits: 2,
    maximumSignificantDigits: 3,
  });
  const minorPerMajor = 10 ** digits;
  const prefix = style.style === "currency" ? "" : `${currency} `;
  // From a thousand major units on, the fraction is noise to a reader.
  const pick = (major: number) => (Math.abs(major) >= 1000 ? whole : full);
  const write = (minor: number | null, format: (major: number) => string) =>
    minor === null || !Number.isFinite(minor) ? DASH : prefix + format(withoutMinusZero(minor / minorPerMajor));
  return {
    amount: (minor) => write(minor, (major) => pick(major).format(major)),
    exact: (minor) => write(minor, (major) => full.format(major)),
    compact: (minor) => write(minor, (major) => short.format(major)),
    unit: prefix + whole.format(1),
    currency,
    minorPerMajor,
  };
}

/** A campaign may name a currency that ISO 4217 does not know the shape of; its code is then written in front. */
function currencyStyle(currency: string): Intl.NumberFormatOptions {
  if (/^[A-Za-z]{3}$/.test(currency)) return { style: "currency", currency, currencyDisplay: "narrowSymbol" };
  return { style: "decimal", minimumFractionDigits: 2, maximumFractionDigits: 2 };
}

function withoutMinusZero(x: number): number {
  return x === 0 ? 0 : x;
}

const wholeNumber = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compactNumber = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const threeDigits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export function count(n: number | null): string {
  return n === null || !Number.isFinite(n) ? DASH : wholeNumber.format(withoutMinusZero(n));
}

export function compactCount(n: number): string {
  return Number.isFinite(n) ? compactNumber.format(withoutMinusZero(n)) : DASH;
}

/** A mean that stands in a column with others: one decimal, below 1 two, from 1000 on none. */
export function mean(x: number | null): string {
  if (x === null || !Number.isFinite(x)) return DASH;
  const size = Math.abs(x);
  if (size >= 999.95) return wholeNumber.format(x);
  return (size === 0 ? "0" : x.toFixed(size < 0.995 ? 2 : 1)).replace("-", "−");
}

export function fixed(x: number, digits: number): string {
  return Number.isFinite(x) ? withoutMinusZero(x).toFixed(digits).replace("-", "−") : DASH;
}

/** Three significant digits; large numbers whole. */
export function decimal(x: number | null): string {
  if (x === null || !Number.isFinite(x)) return DASH;
  return Math.abs(x) >= 1000 ? wholeNumber.format(x) : threeDigits.format(withoutMinusZero(x));
}

export function signed(x: number | null, digits = 1): string {
  if (x === null || !Number.isFinite(x)) return DASH;
  const text = Math.abs(x).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${x < 0 ? "−" : "+"}${text}`;
}

/** A rate 0..1 as percent: one decimal, below 1 % two digits. Only zero reads 0 %, and only everything 100 %. */
export function percent(rate: number | null): string {
  if (rate === null || !Number.isFinite(rate)) return DASH;
  const p = rate * 100;
  const size = Math.abs(p);
  if (size === 0) return `0${PERCENT}`;
  if (size < 0.01) return `${p < 0 ? "> −" : "< "}0.01${PERCENT}`;
  if (size === 100 || size >= 1000) return `${wholeNumber.format(p)}${PERCENT}`;
  // 99.96 % is not everything.
  if (size > 99.9 && size < 100) return `${(Math.trunc(p * 100) / 100).toFixed(2)}${PERCENT}`;
  return `${p.toFixed(size < 0.995 ? 2 : 1).replace("-", "−")}${PERCENT}`;
}

/** A share among a few, where a fraction of a percent tells nothing. */
export function percentWhole(rate: number): string {
  return rate > 0 && rate < 0.005 ? `< 1${PERCENT}` : `${wholeNumber.format(rate * 100)}${PERCENT}`;
}

/** A rate on an axis: as few digits as the tick needs. */
export function percentTick(rate: number): string {
  return `${threeDigits.format(withoutMinusZero(rate * 100))}${PERCENT}`;
}

/** part / whole, or null where there is no whole. */
export function share(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

/** How far the assignment can be from the best possible one, in words; null without an upper bound. */
export function gapInWords(valueMinor: number, upperBoundMinor: number | null): string | null {
  const gap = optimalityGap(valueMinor, upperBoundMinor);
  if (gap === null) return null;
  return gap === 0 ? "proven to be the best possible" : `at most ${gapPercent(gap)} below the best possible`;
}

/** A gap as percent with two digits, rounded up, so that never more is claimed than was proven. */
export function gapPercent(gap: number): string {
  const p = gap * 100;
  if (p === 0) return percent(0);
  if (p <= 0.001) return `0.001${PERCENT}`;
  const magnitude = Math.floor(Math.log10(p));
  const step = 10 ** (magnitude - 1);
  // The division leaves 3.0000000000000004 of what was 3; without the small slack that would round up to 3.1.
  const up = Math.min(100, Math.ceil(p / step - 1e-9) * step);
  return `${Number(up.toFixed(Math.max(0, 1 - magnitude)))}${PERCENT}`;
}

/** (bound - value) / bound; 0 when the value reaches the bound (or there is nothing to gain), null without a bound. */
export function optimalityGap(valueMinor: number, upperBoundMinor: number | null): number | null {
  if (upperBoundMinor === null || !Number.isFinite(upperBoundMinor)) return null;
  if (upperBoundMinor <= valueMinor || upperBoundMinor <= 0) return 0;
  return (upperBoundMinor - valueMinor) / upperBoundMinor;
}
