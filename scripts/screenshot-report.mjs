#!/usr/bin/env node
// Takes a picture of a report:
//   node scripts/screenshot-report.mjs <report.html> <out.png> [width] [--dark] [--full] [--only=<id>]
// Needs Chromium (CHROMIUM_PATH, else the usual places of Debian and others). Without --full: the first screen and
// a half, which is what a README shows; with it: the whole page. --only=scores: that section (summary, decision,
// budget, segments, scores, response, withheld, examples, cleaning, provenance) or figure alone.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { findChromium, launchChromium } from "./chromium.mjs";

const flags = new Set(process.argv.slice(2).filter((a) => a.startsWith("--")));
const [report, out, widthText = "1280"] = process.argv.slice(2).filter((a) => !a.startsWith("--"));
const width = Number(widthText);

if (!report || !out || !Number.isInteger(width) || width < 200) {
  console.error(
    "usage: screenshot-report.mjs <report.html> <out.png> [width in px, from 200] [--dark] [--full] [--only=<id>]",
  );
  process.exit(2);
}
if (!existsSync(report)) {
  console.error(`no such report: ${report}`);
  process.exit(5);
}

const executablePath = findChromium();
if (!executablePath) {
  console.error("no Chromium found; install it (apt-get install chromium) or set CHROMIUM_PATH");
  process.exit(10);
}

/** An id for an attribute selector. */
const quoted = (id) => id.replace(/["\\]/g, "\\$&");

const browser = await launchChromium(executablePath);
try {
  const page = await browser.newPage({
    viewport: { width, height: Math.round(width < 700 ? width * 2.1 : width * 1.2) },
    deviceScaleFactor: width < 700 ? 2 : 1.5,
    colorScheme: flags.has("--dark") ? "dark" : "light",
  });
  await page.goto(pathToFileURL(resolve(report)).href);
  const only = [...flags].find((flag) => flag.startsWith("--only="))?.slice("--only=".length);
  if (only === undefined) await page.screenshot({ path: out, fullPage: flags.has("--full") });
  else await page.locator(`[id="${quoted(only)}"]`).screenshot({ path: out });
} finally {
  await browser.close();
}
