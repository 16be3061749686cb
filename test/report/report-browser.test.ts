import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, launchChromium } from "../../scripts/chromium.mjs";
import { renderReport } from "../../src/report/render-report.js";
import type { ReportData } from "../../src/report/report-data.js";
import { hostileData } from "./hostile-data.js";
import { sampleData } from "./sample-data.js";

/** The report in a real Chromium, at the width of a desk and of a phone. */

const CHROMIUM = findChromium();

const WIDTHS = [1280, 800, 390, 320];

const REPORTS: Record<string, () => ReportData> = {
  "the sample": () => sampleData(),
  "hostile data": hostileData,
  "1000 coupons and 50 segments": () => sampleData({ numCoupons: 1000, numSegments: 50 }),
};

let browser: Browser;
let folder: string;

beforeAll(async () => {
  if (CHROMIUM === undefined) throw new Error("no Chromium: apt-get install chromium, or set CHROMIUM_PATH");
  folder = mkdtempSync(join(tmpdir(), "couponcast-report-"));
  browser = await launchChromium(CHROMIUM);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

interface Opened {
  page: Page;
  /** Console errors and warnings, uncaught errors, alerts, requests for anything but the file. */
  complaints: string[];
}

async function open(path: string, width: number, colorScheme: "light" | "dark" = "light"): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const complaints: string[] = [];
  const url = pathToFileURL(path).href;
  page.on("console", (m) => {
    if (m.type() === "error" || m.type() === "warning") complaints.push(`console: ${m.text()}`);
  });
  page.on("pageerror", (e) => complaints.push(`error: ${e.message}`));
  page.on("dialog", (d) => {
    complaints.push(`dialog: ${d.message()}`);
    void d.dismiss();
  });
  page.on("request", (r) => {
    if (r.url() !== url && r.url() !== "data:,") complaints.push(`request: ${r.url()}`);
  });
  await page.goto(url);
  return { page, complaints };
}

for (const [name, make] of Object.entries(REPORTS)) {
  describe(`${name} in a browser`, () => {
    let path: string;
    beforeAll(async () => {
      path = join(folder, `${name.replaceAll(" ", "-")}.html`);
      writeFileSync(path, await renderReport(make()));
    });

    it.each(WIDTHS)("%d px: quiet, no sideways scroll, every chart and its text readable", async (width) => {
      const { page, complaints } = await open(path, width);
      // Everything unfolded: the tables behind the charts must fit too.
      await page.evaluate(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`);
      const seen = (await page.evaluate(MEASURE)) as Measured;
      expect(seen.scrollWidth).toBeLessThanOrEqual(seen.innerWidth);
      expect(seen.charts.length).toBe(11);
      for (const chart of seen.charts) {
        expect(chart, chart.id).toMatchObject({ drawings: 1 });
        expect(chart.width, chart.id).toBeGreaterThan(200);
        expect(chart.height, chart.id).toBeGreaterThan(100);
        expect(chart.right, chart.id).toBeLessThanOrEqual(seen.innerWidth);
        // 320 px is the narrowest of phones; there the text may shrink a little.
        expect(chart.smallestText, chart.id).toBeGreaterThanOrEqual(width >= 390 ? 11 : 9);
        expect(chart.outside, chart.id).toEqual([]);
      }
      expect(complaints).toEqual([]);
      await page.close();
    });
  });
}

it("has no alert, request or broken layout when one moves over and focuses everything of hostile data", async () => {
  const path = join(folder, "hover.html");
  writeFileSync(path, await renderReport(hostileData()));
  const { page, complaints } = await open(path, 1280);
  for (let i = 0; i < 60; i++) await page.keyboard.press("Tab");
  for (const cell of (await page.locator("bdi").all()).slice(0, 30)) await cell.hover({ force: true, timeout: 5_000 });
  expect(complaints).toEqual([]);
  await page.close();
}, 60_000);

it("follows the colour scheme, with readable contrast in both", async () => {
  const path = join(folder, "scheme.html");
  writeFileSync(path, await renderReport(sampleData()));
  const backgrounds = new Set<string>();
  for (const scheme of ["light", "dark"] as const) {
    const { page } = await open(path, 1280, scheme);
    const { background, worst } = (await page.evaluate(CONTRAST)) as { background: string; worst: number };
    backgrounds.add(background);
    // WCAG AA for text.
    expect(worst, scheme).toBeGreaterThanOrEqual(4.5);
    await page.close();
  }
  expect(backgrounds.size).toBe(2);
});

it("fits on paper", async () => {
  const path = join(folder, "print.html");
  writeFileSync(path, await renderReport(sampleData()));
  const { page } = await open(path, 1280);
  await page.emulateMedia({ media: "print" });
  expect(await page.locator("nav").isVisible()).toBe(false);
  expect(await page.locator("#spend-by-coupon .wide-only svg").isVisible()).toBe(true);
  expect((await page.pdf({ format: "A4" })).length).toBeGreaterThan(20_000);
  await page.close();
});

interface Measured {
  innerWidth: number;
  scrollWidth: number;
  charts: {
    id: string;
    drawings: number;
    width: number;
    height: number;
    right: number;
    smallestText: number;
    outside: string[];
  }[];
}

// Runs in the page, so it is text: this project is compiled without the types of a browser.
const MEASURE = `(() => {
  const charts = [...document.querySelectorAll("figure")].filter((f) => f.querySelector("svg")).map((figure) => {
    const drawn = [...figure.querySelectorAll("svg")].filter((s) => s.getBoundingClientRect().width > 0);
    const box = drawn[0]?.getBoundingClientRect() ?? { width: 0, height: 0, right: 0, left: 0 };
    const scale = box.width / (drawn[0]?.viewBox.baseVal.width ?? 1);
    const texts = [...(drawn[0]?.querySelectorAll("text") ?? [])];
    const sizes = texts.map((t) => Number.parseFloat(getComputedStyle(t).fontSize) * scale);
    const outside = texts.filter((t) => {
      const b = t.getBoundingClientRect();
      return b.width > 0 && (b.left < -0.5 || b.right > innerWidth + 0.5);
    }).map((t) => t.textContent);
    return { id: figure.id, drawings: drawn.length, width: box.width, height: box.height, right: box.right,
      smallestText: Math.min(...sizes), outside };
  });
  return { innerWidth, scrollWidth: document.documentElement.scrollWidth, charts };
})()`;

const CONTRAST = `(() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (a, b) => {
    const [hi, lo] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (hi + 0.05) / (lo + 0.05);
  };
  const surface = parse(getComputedStyle(document.querySelector("section")).backgroundColor);
  const page = parse(getComputedStyle(document.body).backgroundColor);
  const texts = document.querySelectorAll("p, h1, h2, h3, dt, dd, li, th, td, figcaption, summary, .sub, .muted, nav a, .chart text");
  const ratios = [...texts].map((e) => {
    const style = getComputedStyle(e);
    return contrast(parse(e.closest("svg") ? style.fill : style.color), e.closest("nav") ? page : surface);
  });
  return { background: getComputedStyle(document.body).backgroundColor, worst: Math.min(...ratios) };
})()`;
