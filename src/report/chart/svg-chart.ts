/**
 * One chart as an inline SVG, drawn by ECharts without a browser. Colours are CSS variables of the page, so a chart
 * follows the colour scheme; the bytes depend on the option alone.
 */
import type { EChartsCoreOption } from "echarts/core";
import { escapeHtml, type Html, trusted, visibleText } from "../html.js";

export interface ChartSize {
  /** Size of the drawing in px; it scales to the width of its place in the page. */
  width: number;
  height: number;
}

export type { EChartsCoreOption as ChartOption };

type Engine = typeof import("echarts/core");

let engine: Promise<Engine> | undefined;

/** Loads ECharts, only the parts that the report draws with, and only when the first chart is drawn. */
function loadEngine(): Promise<Engine> {
  engine ??= Promise.all([
    import("echarts/core"),
    import("echarts/charts"),
    import("echarts/components"),
    import("echarts/renderers"),
  ]).then(
    ([core, { BarChart, GraphChart, LineChart, SankeyChart, ScatterChart }, { GridComponent }, { SVGRenderer }]) => {
      core.use([BarChart, GraphChart, LineChart, SankeyChart, ScatterChart, GridComponent, SVGRenderer]);
      return core;
    },
  );
  return engine;
}

/**
 * Draws one chart.
 * @param key unique in the page; ids inside the SVG start with it.
 * @param label what the chart shows, for those who cannot see it.
 */
export async function renderChart(
  key: string,
  label: string,
  size: ChartSize,
  option: EChartsCoreOption,
): Promise<Html> {
  const echarts = await loadEngine();
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
  try {
    chart.setOption({ ...option, animation: false, backgroundColor: "transparent" });
    return trusted(normaliseSvg(visibleText(chart.renderToSVGString({ useViewBox: true })), key, label, size));
  } finally {
    chart.dispose();
  }
}

/**
 * Takes out of ECharts' SVG what differs from one rendering to the next or serves interaction only: ids and classes
 * made from process-wide counters, hover styles, meta attributes. Text of the data cannot match any of it: ECharts
 * writes it with quotes and angle brackets escaped.
 */
export function normaliseSvg(svg: string, key: string, label: string, size: ChartSize): string {
  const body = svg
    .replace(/^<svg[^>]*>/, "")
    .replace(/<style[^>]*>[\s\S]*?<\/style>/g, "")
    .replace(/<rect [^>]*fill="(?:none|transparent)"[^>]*><\/rect>/, "")
    .replace(/ (?:class|ecmeta_\w+|pointer-events|xml:space)="[^"]*"/g, "")
    .replace(/ id="zr\d+-/g, ` id="${key}-`)
    .replace(/="url\(#zr\d+-/g, `="url(#${key}-`)
    .replace(/(font-family:)[^;"]*/g, "$1inherit")
    .replace(/\n\s*/g, "\n");
  const head = `<svg class="chart" role="img" aria-label="${escapeHtml(label)}" viewBox="0 0 ${size.width} ${size.height}"`;
  return `${head} xmlns="http://www.w3.org/2000/svg">${body}`;
}
