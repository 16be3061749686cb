import { describe, expect, it } from "vitest";
import { normaliseSvg } from "../../src/report/chart/svg-chart.js";
import { renderReport } from "../../src/report/render-report.js";
import type { ReportData } from "../../src/report/report-data.js";
import { expectedRoi } from "../../src/report/view.js";
import { HOSTILE, hostileData } from "./hostile-data.js";
import { sampleData } from "./sample-data.js";

const svgCount = (page: string) => page.match(/<svg /g)?.length ?? 0;
const plain = (page: string) => page.replaceAll("\u00a0", " ");

/** Nothing decided, nothing learnt, nothing read. */
function emptyData(): ReportData {
  const data = sampleData({ numCoupons: 0, numSegments: 0, numPoints: 0, numExamples: 0 });
  return {
    ...data,
    taste: { behaviours: [], priorWeight: 5, fit: null },
    headline: {
      ...data.headline,
      budgetMinor: 0,
      expectedSpendMinor: 0,
      expectedValueMinor: 0,
      upperBoundMinor: 0,
      budgetMultiplier: null,
      numUsers: 0,
      numAssignedUsers: 0,
      numWithheldUsers: 0,
      numHeldOutUsers: 0,
      numAssignments: 0,
    },
    cleaning: { rowsRead: 0, rejected: [], rowsAccepted: 0, numCells: 0, numUsers: 0, numItems: 0 },
    scores: null,
    transitions: null,
    frontier: [],
    response: { kind: "prior", priorRate: 0.02, numRedemptions: 0, minRedemptions: 50 },
    withheld: [],
    examples: { assigned: [], withheld: [] },
    provenance: { seed: 1, versions: [], inputs: [], settings: [] },
  };
}

/** Tags are balanced and nothing of JavaScript's "no value" words leaked into the page. */
function expectSound(page: string): void {
  const body = page.slice(page.indexOf("<body>"));
  expect(body).not.toMatch(/NaN|undefined|Infinity|\[object/);
  for (const tag of ["section", "table", "tr", "td", "details", "figure", "svg", "g", "text", "p", "dl", "ul", "bdi"]) {
    const opened = page.match(new RegExp(`<${tag}[ >]`, "g"))?.length ?? 0;
    const closed = page.match(new RegExp(`</${tag}>`, "g"))?.length ?? 0;
    expect(`${tag} ${closed}`).toBe(`${tag} ${opened}`);
  }
  const ids = [...page.matchAll(/ id="([^"]*)"/g)].map((m) => m[1]);
  expect(new Set(ids).size).toBe(ids.length);
}

describe("renderReport", () => {
  it("shows the headline numbers, the words of the gap and every section", async () => {
    const data = sampleData({ numPoints: 200 });
    const page = plain(await renderReport(data));
    expectSound(page);
    expect(page).toContain("at most 0.029 % below the best possible");
    expect(page).toContain("<strong>34,745 of 90,965 shoppers get a coupon.</strong>");
    for (const id of "decision budget segments transitions scores response withheld examples cleaning provenance".split(
      " ",
    )) {
      expect(page).toContain(`id="${id}"`);
      expect(page).toContain(`href="#${id}"`);
    }
    for (const coupon of data.coupons) expect(page).toContain(coupon.id);
    for (const input of data.provenance.inputs) expect(page).toContain(input.digest);
    // 9 charts drawn for wide and narrow, 2 for both.
    expect(svgCount(page)).toBe(20);
    expect(page.match(/role="img" aria-label="[^"]{30,}"/g)).toHaveLength(20);
  });

  it("shows what is bought together, when rules were looked for, whatever items are called", async () => {
    const data = sampleData({ numPoints: 200 });
    const best = Array.from({ length: 30 }, (_, i) => ({
      antecedent: [HOSTILE[i % HOSTILE.length]!, `item ${i}`],
      consequent: [HOSTILE[(i * 7) % HOSTILE.length]!],
      count: 400 - i,
      support: (400 - i) / 41_370,
      confidence: 0.6 - i / 100,
      lift: 3 - i / 20,
    }));
    const numbers = {
      numBaskets: 41_370,
      minCount: 83,
      numItemsets: 1430,
      numRules: 212,
      numUsers: 3100,
      numAssigned: 870,
    };
    const page = plain(await renderReport({ ...data, rules: { by: "order", ...numbers, best } }));
    expectSound(page);
    expect(page).toContain('id="rule-graph"');
    expect(page).toContain("Of 41,370 orders, at least 83 hold each of 1,430 sets");
    expect(page).toContain("60.0 %");
    const none = plain(await renderReport({ ...data, rules: { by: "user", ...numbers, best: [] } }));
    expect(none).toContain("No rule is strong enough");
  });

  it("shows where dense places end when segments are such", async () => {
    const data = sampleData({ numPoints: 200 });
    const curve = Array.from({ length: 256 }, (_, i) => ({ share: (i + 1) / 256, distance: (i / 128) ** 4 }));
    const density = { metric: "euclidean" as const, eps: 1.25, minSamples: 8, numNoise: 321, numActive: 90_000, curve };
    const page = plain(await renderReport({ ...data, segments: { ...data.segments, density } }));
    expectSound(page);
    expect(page).toContain('id="k-distance"');
    expect(page).toContain("321 of 90,000 shoppers with data (0.36 %)");
    expect(svgCount(page)).toBe(22);
  });

  it("says what segments are made of", async () => {
    const data = sampleData({ numPoints: 200 });
    const of = async (byItems: boolean) =>
      plain(await renderReport({ ...data, segments: { ...data.segments, byItems, numUnsegmentedUsers: 7 } }));
    const page = await of(true);
    expectSound(page);
    expect(page).toContain("have to do with the same items");
    expect(page).toContain("7 shoppers have no recorded behaviour with an item");
    expect(await of(false)).toContain("Shoppers with alike behaviour form a segment.");
  });

  it("shows what behaviours say about taste, only where that was learnt", async () => {
    const data = sampleData();
    const page = plain(await renderReport(data));
    expect(page).toContain("What behaviours say about taste");
    expect(page).toContain("20,000 later looks: the error of guessing them went from 0.6120");
    expect(page).toMatch(/view.*?<td[^>]*>1<\/td>.*?<td[^>]*>0\.41<\/td>/s);
    const without = await renderReport({ ...data, taste: { ...data.taste, fit: null } });
    expect(plain(without)).not.toContain("say about taste");
  });

  it("shows why there are so many segments when the data chose", async () => {
    const data = sampleData({ numPoints: 200 });
    const qualities = [2, 3, 4, 5].map((k) => ({
      k,
      inertia: 1e5 / k,
      sampleSilhouette: k === 3 ? 0.4 : 0.2,
      calinskiHarabasz: k === 5 ? null : 1000 / k,
    }));
    const choice = { k: 3, criterion: "silhouette" as const, qualities, sampleSize: 2000 };
    const page = plain(await renderReport({ ...data, segments: { ...data.segments, choice } }));
    expectSound(page);
    expect(page).toContain('id="choice-of-k"');
    expect(page).toContain("3 segments have the highest");
    expect(svgCount(page)).toBe(22);
  });

  it("is one file without scripts or anything to load", async () => {
    const page = await renderReport(sampleData());
    expect(page).toMatch(/Content-Security-Policy" content="default-src &#39;none&#39;;/);
    expect(page).not.toMatch(/<script|<iframe|<object|<embed|<form|<base|@import|javascript:/i);
    expect([...page.matchAll(/(?:src|href)="([^"]*)"/g)].filter((m) => !/^(#|data:,$)/.test(m[1] ?? ""))).toEqual([]);
    expect(page.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|url\((?!#)/);
  });

  it("gives the same bytes each time, also after other reports and for data read back from JSON", async () => {
    const first = await renderReport(sampleData());
    await renderReport(sampleData({ seed: 3, numSegments: 9, numCoupons: 30 }));
    const [again, both] = await Promise.all([renderReport(sampleData()), renderReport(sampleData())]);
    expect(again).toBe(first);
    expect(both).toBe(first);
    expect(await renderReport(JSON.parse(JSON.stringify(sampleData())))).toBe(first);
  });

  it("changes when the data changes", async () => {
    expect(await renderReport(sampleData({ seed: 8, numPoints: 100 }))).not.toBe(
      await renderReport(sampleData({ seed: 7, numPoints: 100 })),
    );
  });

  it("does not change its data", async () => {
    const data = sampleData({ numPoints: 200 });
    const before = JSON.stringify(data);
    await renderReport(data);
    expect(JSON.stringify(data)).toBe(before);
  });

  it("holds each colour of viridis that it names, for light and dark pages", async () => {
    const page = await renderReport(sampleData());
    for (let i = 0; i < 6; i++) {
      expect(page.match(new RegExp(`--seg-${i}:#[0-9a-f]{6};`, "g"))).toHaveLength(2);
      expect(page).toContain(`fill="var(--seg-${i})"`);
    }
  });

  it("draws every sampled point", async () => {
    const data = sampleData({ numPoints: 777 });
    const page = await renderReport(data);
    const chart = page.slice(page.indexOf('id="score-scatter"'));
    const paths = [
      ...chart.slice(0, chart.indexOf("</svg>")).matchAll(/<path d="([^"]*)"[^>]*fill="var\(--(?:seg|muted)/g),
    ];
    expect(paths.reduce((sum, m) => sum + (m[1]?.match(/M/g)?.length ?? 0), 0)).toBe(777);
  });
});

describe("hostile data", () => {
  it("cannot leave its place", async () => {
    const page = await renderReport(hostileData());
    expectSound(page);
    expect(page).not.toMatch(/<script|<img|<iframe|<svg onload|<style>body/i);
    expect(page.match(/<style>/g)).toHaveLength(1);
    // No attribute of an element but the report's own.
    const attributes = new Set(
      [...page.matchAll(/<[a-z][^<>]*>/gi)].flatMap((m) => m[0].match(/ [a-z-]+(?==")/gi) ?? []),
    );
    expect([...attributes].filter((a) => / on/i.test(a))).toEqual([]);
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
    expect(page).not.toMatch(/\p{Surrogate}/u);
  });

  it("stays small with ids of ten thousand characters", async () => {
    const data = sampleData({ numPoints: 200 });
    for (const coupon of data.coupons) coupon.id = coupon.id.padEnd(10_000, "x");
    for (const user of data.examples.assigned) user.userId = user.userId.padEnd(10_000, "y");
    const page = await renderReport(data);
    expect(page).not.toMatch(/x{600}|y{600}/);
    expect(page.length).toBeLessThan((await renderReport(sampleData({ numPoints: 200 }))).length * 1.2);
  });

  it("survives a hostile string in every single place", async () => {
    for (const text of HOSTILE) {
      const data = sampleData({ numPoints: 10 });
      data.headline.campaignName = text;
      data.coupons[0]!.id = text;
      data.segments.segments[0]!.name = text;
      data.scores!.xLabel = text;
      data.cleaning.rejected[0]!.reason = text;
      data.withheld[0]!.code = text;
      expectSound((await renderReport(data)).replace(/stacked|half a pair/g, ""));
    }
  });
});

describe("edge cases", () => {
  it("nothing at all: says so, draws no empty frame", async () => {
    const page = plain(await renderReport(emptyData()));
    expectSound(page);
    expect(svgCount(page)).toBe(0);
    expect(page).toContain("No shopper gets a coupon.");
    expect(page).toContain("The catalogue holds no coupon.");
    expect(page).toContain("The shoppers were not divided into segments.");
    expect(page).toContain("No rows of behaviour were read.");
    expect(page).toContain("An assumption, not a measurement.");
  });

  it("no coupon assigned", async () => {
    const data = sampleData({ numPoints: 200 });
    Object.assign(data.headline, {
      numAssignedUsers: 0,
      numAssignments: 0,
      expectedSpendMinor: 0,
      expectedValueMinor: 0,
    });
    for (const c of data.coupons) Object.assign(c, { numAssigned: 0, expectedSpendMinor: 0, meanPRedeem: null });
    for (const s of data.segments.segments) Object.assign(s, { numAssignedUsers: 0, expectedSpendMinor: 0 });
    const page = await renderReport(data);
    expectSound(page);
    expect(page).toContain("No coupon was handed out");
    expect(page).not.toContain('id="spend-by-coupon"');
  });

  it("no segments, users in none", async () => {
    const data = sampleData({ numSegments: 0, numPoints: 200 });
    data.segments.segments = [];
    const page = await renderReport(data);
    expectSound(page);
    expect(page).toContain("no segment");
  });

  it("zero budget", async () => {
    const data = sampleData({ numPoints: 200 });
    data.headline.budgetMinor = 0;
    data.headline.expectedSpendMinor = 0;
    const page = await renderReport(data);
    expectSound(page);
    expect(page).toContain("<strong>No budget.</strong>");
  });

  it("a model that is worse than the base rate is called so", async () => {
    const data = sampleData({ numPoints: 200 });
    if (data.response.kind === "model") data.response.heldOutLogLoss = 0.3;
    expect(await renderReport(data)).toContain("should not be trusted");
  });

  it("counts that do not add up are not hidden", async () => {
    const data = sampleData({ numPoints: 200 });
    expect(await renderReport(data)).not.toContain("The counts do not add up.");
    data.cleaning.rowsAccepted -= 5;
    expect(await renderReport(data)).toContain("The counts do not add up.");
  });

  it("1000 coupons: all in the table, the chart says what it leaves out", async () => {
    const data = sampleData({ numCoupons: 1000, numPoints: 200 });
    const page = await renderReport(data);
    expectSound(page);
    for (const { id } of data.coupons) expect(page).toContain(`>${id}</bdi>`);
    expect(page).toContain("The other 985 coupons, by spend");
    expect(page).toContain("Drawn are the 15 coupons with the most spend; the other 984 spend");
  });

  it("50 segments: a colour scale, and all names behind it", async () => {
    const data = sampleData({ numSegments: 50 });
    const page = await renderReport(data);
    expectSound(page);
    expect(page).toContain('class="viridis"');
    expect(page).toContain("--seg-49:");
  });

  it("numbers that are not finite become dashes", async () => {
    const data = sampleData({ numPoints: 200 });
    data.coupons[0]!.meanPRedeem = Number.NaN;
    data.segments.segments[0]!.means[0] = Number.POSITIVE_INFINITY;
    data.scores!.points[0]!.x = Number.NaN;
    expectSound(await renderReport(data));
  });
});

describe("expectedRoi", () => {
  const h = { expectedValueMinor: 300, expectedSpendMinor: 200 };
  it("deducts the discount once", () => {
    expect(expectedRoi({ ...h, valueBasis: "before-discount" })).toBe(0.5);
    expect(expectedRoi({ ...h, valueBasis: "after-discount" })).toBe(1.5);
    expect(expectedRoi({ ...h, expectedSpendMinor: 0, valueBasis: "before-discount" })).toBeNull();
  });
});

describe("normaliseSvg", () => {
  it("takes out what counts up and keeps what is drawn", () => {
    const svg = `<svg width="4" height="2" viewBox="0 0 4 2">
<rect width="4" height="2" x="0" y="0" fill="none"></rect>
<defs><clipPath id="zr17-c3"><path d="M0 0"></path></clipPath></defs>
<g clip-path="url(#zr17-c3)" class="zr17-cls-4" ecmeta_silent="true"><path d="M1 1" fill="var(--x)"></path></g>
<style ><![CDATA[ .zr17-cls-4:hover {} ]]></style>
</svg>`;
    const out = normaliseSvg(svg, "a-w", `"quoted"`, { width: 4, height: 2 });
    expect(out).not.toMatch(/zr17|<style|ecmeta|<rect/);
    expect(out).toContain('id="a-w-c3"');
    expect(out).toContain('clip-path="url(#a-w-c3)"');
    expect(out).toContain('<path d="M1 1" fill="var(--x)">');
    expect(out).toContain('aria-label="&quot;quoted&quot;"');
  });
});
