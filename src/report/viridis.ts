/**
 * The viridis colour map: perceptually uniform, readable with colour-blindness and in grey.
 * Every 17th of the 256 colours of matplotlib's table (S. van der Walt and N. Smith, 2015, CC0); between two of them
 * the colour is interpolated linearly, which is within 7 of 255 of the full table in each channel.
 */
export const VIRIDIS = [
  "#440154",
  "#481a6c",
  "#472f7d",
  "#414487",
  "#39568c",
  "#31688e",
  "#2a788e",
  "#23888e",
  "#1f988b",
  "#22a884",
  "#35b779",
  "#54c568",
  "#7ad151",
  "#a5db36",
  "#d2e21b",
  "#fde725",
] as const;

/** The colour at t in [0, 1] as #rrggbb; values outside are clamped. */
export function viridis(t: number): string {
  const position = Math.min(1, Math.max(0, Number.isFinite(t) ? t : 0)) * (VIRIDIS.length - 1);
  const below = Math.min(VIRIDIS.length - 2, Math.floor(position));
  const from = channels(VIRIDIS[below] ?? VIRIDIS[0]);
  const to = channels(VIRIDIS[below + 1] ?? VIRIDIS[0]);
  const mixed = from.map((c, i) => Math.round(c + ((to[i] ?? c) - c) * (position - below)));
  return `#${mixed.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
}

function channels(hex: string): number[] {
  return [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
}

/** The part of the map that stands out from a white page, and from a dark one: its other end would vanish. */
const RANGE = { light: [0, 0.93], dark: [0.28, 1] } as const;

/** `count` colours spread over the map, first to last. */
export function viridisSteps(count: number, scheme: keyof typeof RANGE): string[] {
  const [from, to] = RANGE[scheme];
  return Array.from({ length: count }, (_, i) => viridis(from + (to - from) * (count > 1 ? i / (count - 1) : 0.5)));
}
