/** The look that all charts share. Colours are variables of style.ts. */
export const INK = "var(--ink)";
export const MUTED = "var(--muted)";
const RULE = "var(--rule)";
export const SURFACE = "var(--surface)";
export const SPEND = "var(--spend)";
export const VALUE = "var(--value)";
export const BOUND = "var(--bound)";
export const ACCENT = "var(--accent)";

/** In the drawing's px; a drawing is never scaled below 0.86, so that text stays at 11 px or more. */
export const FONT_SIZE = 13;

export const segmentColour = (position: number) => (position < 0 ? MUTED : `var(--seg-${position})`);

const text = { color: MUTED, fontSize: FONT_SIZE };

interface AxisOptions {
  name: string;
  format: (x: number) => string;
  min?: number;
  max?: number;
  /** Fewer ticks where the labels are long or the chart narrow. */
  splitNumber?: number;
}

const valueAxis = ({ name, format, ...rest }: AxisOptions) => ({
  type: "value" as const,
  name,
  nameTextStyle: text,
  axisLabel: { ...text, formatter: format, hideOverlap: true },
  axisTick: { show: false },
  splitLine: { lineStyle: { color: RULE } },
  ...rest,
});

export const xValueAxis = (options: AxisOptions) => ({
  ...valueAxis(options),
  nameLocation: "middle" as const,
  nameGap: 32,
  axisLine: { show: false },
});

/** The name stands above the axis, reading left to right, where it needs no room at the side. */
export const yValueAxis = (options: AxisOptions) => ({
  ...valueAxis(options),
  nameLocation: "end" as const,
  nameGap: 14,
  nameTextStyle: { ...text, align: "left" as const, padding: [0, 0, 0, 0] },
  // Where x goes below 0, the name must not stand in the middle of the chart.
  axisLine: { show: false, onZero: false },
});

/** One line per row of a bar chart, top to bottom. */
export const yCategoryAxis = (labels: readonly string[], width: number) => ({
  type: "category" as const,
  inverse: true,
  data: [...labels],
  axisTick: { show: false },
  axisLine: { lineStyle: { color: RULE } },
  axisLabel: { ...text, color: INK, width, overflow: "truncate" as const, interval: 0 },
});

/** The same with the names above their bars, `barsHeight` px high: for screens too narrow for a column of names. */
export const yNamesAbove = (labels: readonly string[], barsHeight: number) => {
  const axis = yCategoryAxis(labels, 332);
  return {
    ...axis,
    axisLine: { show: false },
    axisLabel: {
      ...axis.axisLabel,
      inside: true,
      margin: 0,
      align: "left" as const,
      verticalAlign: "bottom" as const,
      padding: [0, 0, barsHeight / 2 + 3, 0],
    },
  };
};

export { text as chartText };
