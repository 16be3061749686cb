import { wilsonInterval } from "../../evaluate/interval.js";
import { percentTick } from "../format.js";
import type { ChartOption, ChartSize } from "./svg-chart.js";
import { MUTED, SPEND, SURFACE, VALUE, xValueAxis, yValueAxis } from "./theme.js";

export interface CalibrationBin {
  meanPredicted: number;
  observedRate: number;
  numOffers: number;
  /** 95 % interval of the observed rate; default: Wilson's for a share. */
  interval?: { low: number; high: number };
}

/**
 * Observed against predicted rate with 95 % intervals; the dashed diagonal is a model that is right on average. `before`: of the
 * same offers, as they were predicted before a correction.
 */
export function calibrationChart(
  bins: readonly CalibrationBin[],
  names = { predicted: "Predicted P(redeem)", observed: "Observed share redeemed" },
  before: readonly CalibrationBin[] = [],
): ChartSize & { option: ChartOption } {
  const intervals = bins.map((bin) => ({
    ...bin,
    ...(bin.interval ?? wilsonInterval(bin.observedRate, bin.numOffers)),
  }));
  const isPositive = intervals.every((b) => b.low >= 0 && b.meanPredicted >= 0);
  const top = Math.max(
    0,
    ...intervals.map((b) => Math.max(b.meanPredicted, b.high)),
    ...before.map((b) => Math.max(b.meanPredicted, b.observedRate)),
  );
  const most = Math.max(1, ...bins.map((b) => b.numOffers));
  const base = { type: "line", silent: true, showSymbol: false };
  return {
    width: 360,
    height: 340,
    option: {
      grid: { left: 58, right: 22, top: 38, bottom: 54, outerBoundsMode: "none" },
      xAxis: xValueAxis({
        name: names.predicted,
        format: percentTick,
        splitNumber: 3,
        ...(isPositive ? { min: 0 } : {}),
      }),
      yAxis: yValueAxis({
        name: names.observed,
        format: percentTick,
        splitNumber: 4,
        ...(isPositive ? { min: 0 } : {}),
      }),
      series: [
        {
          ...base,
          data: [
            [0, 0],
            [top, top],
          ],
          lineStyle: { color: MUTED, width: 1.5, type: "dashed" },
        },
        ...intervals.map((b) => ({
          ...base,
          data: [
            [b.meanPredicted, b.low],
            [b.meanPredicted, b.high],
          ],
          lineStyle: { color: VALUE, width: 2, opacity: 0.5 },
        })),
        {
          type: "scatter",
          silent: true,
          data: before.map((b) => [b.meanPredicted, b.observedRate]),
          symbol: "diamond",
          symbolSize: 8,
          itemStyle: { color: SPEND, borderColor: SURFACE, borderWidth: 1, opacity: 1 },
          z: 3,
        },
        {
          type: "scatter",
          silent: true,
          data: bins.map((b) => [b.meanPredicted, b.observedRate]),
          symbolSize: (_value: unknown, { dataIndex }: { dataIndex: number }) =>
            8 + 8 * Math.sqrt((bins[dataIndex]?.numOffers ?? 0) / most),
          itemStyle: { color: VALUE, borderColor: SURFACE, borderWidth: 1.5, opacity: 1 },
          z: 4,
        },
      ],
    },
  };
}
