/** What the guides show is run word for word, but for the size of their shops: commands, programs and campaign keys. */
import { execFile } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, describe, it } from "vitest";
import { parse, stringify } from "yaml";
import { loadCampaign } from "../../src/campaign/load-campaign.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "couponcast-docs-"));
const base = join(scratch, "base");
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Block {
  language: string;
  code: string;
}

const PAGES = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** Everything that can run, in order. What is for the repository itself is left to its own tests. */
function blocksOf(page: string): Block[] {
  const text = readFileSync(join(root, page), "utf8");
  const all = [...text.matchAll(/^```(sh|js|ts|yaml)\n([\s\S]*?)^```/gm)];
  return all
    .map(([, language, code]) => ({ language: language!, code: code! }))
    .filter(({ code }) => !/^npm /m.test(code));
}

/** A large shop, or one that models are fitted to again and again, becomes one that takes seconds. */
function smaller(code: string): string {
  const isLong = /--users \d{5,}|couponcast (compare|simulate)/.test(code);
  const size = "--users 600 --items 80 --events 12000 --coupons 12";
  return isLong ? code.replace(/--users \d+ --items \d+ --events \d+ --coupons \d+/g, size) : code;
}

async function shell(code: string, cwd: string): Promise<void> {
  if (code.includes("couponcast synth")) rmSync(join(cwd, "shop"), { recursive: true, force: true });
  const env = { ...process.env, PATH: `${join(scratch, "bin")}:${process.env.PATH}` };
  await promisify(execFile)("bash", ["-euo", "pipefail", "-c", smaller(code)], { cwd, env });
}

/** Runs it as a module that has the package installed. */
async function program({ language, code }: Block, cwd: string): Promise<void> {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const plain = language === "ts" ? ts.transpileModule(code, { compilerOptions }).outputText : code;
  writeFileSync(join(cwd, "program.mjs"), plain);
  await promisify(execFile)(process.execPath, ["program.mjs"], { cwd });
}

/** The shop's campaign with these keys instead of its own. */
async function campaign(code: string, cwd: string): Promise<void> {
  const keys = parse(code);
  const shop = parse(readFileSync(join(cwd, "shop/campaign.yaml"), "utf8"));
  const path = join(cwd, "shop/changed.yaml");
  writeFileSync(path, stringify({ ...shop, ...keys, inputs: { ...shop.inputs, ...keys.inputs } }));
  await loadCampaign(path);
}

function script(name: string, text: string): void {
  const path = join(scratch, "bin", name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
}

/** Files that pages speak of and do not make. */
beforeAll(async () => {
  mkdirSync(join(scratch, "bin"));
  mkdirSync(join(base, "node_modules"), { recursive: true });
  symlinkSync(root, join(base, "node_modules/couponcast"));
  script("couponcast", `exec '${process.execPath}' '${root}dist/cli/main.js' "$@" --quiet`);
  script("npx", 'exec "$@"');
  await shell(
    `couponcast synth --users 20000 --items 80 --events 12000 --coupons 12 --seed 1 -o shop
couponcast ingest 'shop/events/*.csv' --price price_minor --order order_id -o matrix.safetensors \
  --features features.parquet --sequences sequences.safetensors --baskets baskets.safetensors
cp matrix.safetensors before.safetensors
cp matrix.safetensors after.safetensors
couponcast run shop/campaign.yaml --out result`,
    base,
  );
  const table = (name: string, header: string, line: (i: number) => string) =>
    writeFileSync(join(base, name), `${header}\n${Array.from({ length: 50 }, (_, i) => `${line(i)}\n`).join("")}`);
  const user = (i: number) => `U${String(i).padStart(3, "0")}`;
  table("orders.csv", "user_id,sales_minor", (i) => `${user(i)},${1000 + i}`);
  writeFileSync(join(base, "redeemed.csv"), "user_id,coupon_id\n");
  table("mine.csv", "user_id,coupon_id", (i) => `${user(i)},C0${i % 8}`);
  table("log.csv", "click,p,p_new", (i) => `${i % 2},0.5,${0.25 + (i % 3) / 4}`);
  table("test.csv", "uplift,treated,converted", (i) => `${i / 50},${i % 2},${(i >> 1) % 2}`);
}, 120_000);

describe.each(PAGES)("%s", (page) => {
  it.concurrent("does what it shows", async ({ expect }) => {
    const folder = join(scratch, page.replace("/", "-"));
    cpSync(base, folder, { recursive: true });
    for (const block of blocksOf(page)) {
      const problem = await (block.language === "sh"
        ? shell(block.code, folder)
        : block.language === "yaml"
          ? campaign(block.code, folder)
          : program(block, folder)
      ).catch((thrown) => thrown);
      expect(problem?.stderr ?? problem?.message, block.code).toBeUndefined();
    }
  }, 180_000);
});
