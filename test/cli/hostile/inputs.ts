/** Valid files of every kind, and the commands that read them: each with the file that gets broken. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { cli } from "../run-cli.js";
import type { Kind } from "./damage.js";

export interface Reader {
  /** Arguments; BROKEN stands for the broken file, OUT for a folder. All other files are relative to the inputs. */
  args: readonly string[];
  /** The file whose copy gets broken. */
  file: string;
  kind: Kind;
  /** A campaign to write beside the broken file, as CAMPAIGN in the arguments: a change of the shop's. */
  campaign?: (text: string) => string;
}

/** A command line as one text: no argument holds a space. */
function reader(file: string, line: string, campaign?: Reader["campaign"]): Reader {
  return { args: line.split(" "), file, kind: kindOf(file), ...(campaign === undefined ? {} : { campaign }) };
}

function kindOf(file: string): Kind {
  if (/\.(csv|jsonl)$/.test(file)) return "table";
  if (file.endsWith(".json")) return "json";
  if (file.endsWith(".yaml")) return "yaml";
  return file.endsWith(".txt") ? "list" : "binary";
}

/** The shop's campaign with one of its files replaced by the broken one. */
const replaced = (from: string) => (text: string) => text.replace(from, "BROKEN");
const added = (lines: string) => (text: string) => `${text}\n${lines}\n`;
const RUN = "run CAMPAIGN --out OUT/run";

export const READERS: readonly Reader[] = [
  reader("matrix.safetensors", "inspect BROKEN"),
  reader("matrix.safetensors", "inspect BROKEN --verify"),
  reader("matrix.safetensors", "similar BROKEN --axis items -k 3 -o OUT/x.csv"),
  reader("matrix.safetensors", "similar BROKEN --axis users -k 3 -o OUT/x.safetensors"),
  reader("profiles.safetensors", "similar BROKEN --axis users -k 3 -o OUT/x.parquet"),
  reader("matrix.safetensors", "recommend BROKEN -o OUT/x.csv"),
  reader("matrix.safetensors", "recommend BROKEN --method als --factors 8 --iterations 2 -o OUT/x.jsonl"),
  reader("matrix.safetensors", "recommend BROKEN --method ease -o OUT/x.csv"),
  reader("als.safetensors", "recommend matrix.safetensors --method als --model BROKEN -o OUT/x.csv"),
  reader("matrix.safetensors", "recommend BROKEN --method als --model als.safetensors -o OUT/x.parquet"),
  reader("als.safetensors", "similar BROKEN --axis items -k 3 -o OUT/x.csv"),
  reader("segments.csv", "recommend matrix.safetensors --segments BROKEN -o OUT/x.csv"),
  reader("list.txt", "recommend matrix.safetensors --allow BROKEN -o OUT/x.csv"),
  reader("profiles.safetensors", "recommend matrix.safetensors --method content --profiles BROKEN -o OUT/x.csv"),
  reader("shop/items.csv", "content BROKEN --category category --attributes price_minor -o OUT/x.safetensors"),
  reader("matrix.safetensors", "content shop/items.csv --matrix BROKEN --category category -o OUT/x.safetensors"),
  reader("features.parquet", "segment BROKEN -k 3 -o OUT/x.csv --model OUT/m.safetensors"),
  reader("features.csv", "segment BROKEN -k 3 -o OUT/x.csv"),
  reader("features.jsonl", "segment BROKEN -k 3 --mini-batch 100 -o OUT/x.parquet"),
  reader("features.csv", "segment BROKEN --method dbscan --min-samples 5 -o OUT/x.csv"),
  reader("matrix.safetensors", "segment BROKEN -k 4 -o OUT/x.csv"),
  reader("matrix.safetensors", "segment BROKEN --method dbscan --metric cosine --eps 0.4 -o OUT/x.csv"),
  reader("features.csv", "assign BROKEN --model model.safetensors -o OUT/x.csv"),
  reader("model.safetensors", "assign features.parquet --model BROKEN -o OUT/x.csv"),
  reader("matrix.safetensors", "assign BROKEN --model tastes.safetensors -o OUT/x.csv"),
  reader("tastes.safetensors", "assign matrix.safetensors --model BROKEN -o OUT/x.csv"),
  reader("segments.csv", "drift segments.csv BROKEN"),
  reader("features.csv", "rfm BROKEN -o OUT/x.csv"),
  reader("sequences.safetensors", "transitions BROKEN -o OUT/x.csv --next OUT/n.parquet"),
  reader("segments.csv", "transitions sequences.safetensors --segments BROKEN -o OUT/x.csv"),
  reader("segments.csv", "profile BROKEN -o OUT/x.csv --users OUT/u.parquet"),
  reader("baskets.safetensors", "mine BROKEN --min-count 3 --min-confidence 0.1 --rules OUT/x.csv"),
  reader("matrix.safetensors", "mine BROKEN --min-count 30 --max-length 2 --itemsets OUT/x.csv"),
  reader("candidates.csv", "allocate BROKEN --budget 1000 -o OUT/x.csv"),
  reader("candidates.csv", "allocate BROKEN --budget 1000 --explore-epsilon 0.1 --frontier 3 -o OUT/x.csv"),
  reader("limits.csv", "allocate candidates.csv --budget 1000 --coupons BROKEN -o OUT/x.csv"),
  reader("shop/events/part-00000.csv", "ingest BROKEN -o OUT/x.safetensors --rejected OUT/r.csv"),
  reader("shop/events/part-00000.csv", "ingest BROKEN -o OUT/x.safetensors --max-rejected-share 1"),
  reader("parquet/events/part-00000.parquet", "ingest BROKEN -o OUT/x.safetensors --features OUT/f.csv"),
  reader("events.csv.gz", "ingest BROKEN -o OUT/x.safetensors"),
  reader("shop/users.csv", "ingest shop/events/part-00000.csv --users BROKEN -o OUT/x.safetensors"),
  reader("shop/items.csv", "ingest shop/events/part-00000.csv --items BROKEN -o OUT/x.safetensors"),
  reader("shop/campaign.yaml", "run BROKEN --out OUT/run"),
  reader("shop/campaign.yaml", "compare BROKEN --methods item-knn"),
  reader("shop/events/part-00000.csv", RUN, replaced("events/*.csv")),
  reader("shop/users.csv", RUN, replaced("users.csv")),
  reader("shop/coupons.json", RUN, replaced("coupons.json")),
  reader("shop/redemptions.csv", RUN, replaced("redemptions.csv")),
  reader("model.safetensors", RUN, (text) => text.replace("k: 6", "model: BROKEN")),
  reader("run/response.safetensors", RUN, added("response: { model: BROKEN }")),
  reader("run/run.json", RUN, added("evaluation: { result: BROKEN/.., orders: { files: orders.csv } }")),
  reader("run/run.json", "evaluate campaign BROKEN/.. --orders orders.csv"),
  reader("orders.csv", "evaluate campaign run --orders BROKEN --report OUT/x.html"),
  reader("orders.csv", "evaluate campaign run --orders orders.csv --redemptions BROKEN"),
  reader("log.csv", "evaluate policy BROKEN --target 0.5 --report OUT/x.html"),
  reader("test.csv", "evaluate uplift BROKEN --report OUT/x.html"),
  reader("shop/truth.safetensors", "simulate shop/campaign.yaml --run OUT/run --truth BROKEN --no-ablations"),
];

/** Writes all files that READERS name into `folder`. */
export async function writeInputs(folder: string): Promise<void> {
  const run = async (line: string) => {
    const { code, stderr } = await cli(line.split(" "), { cwd: folder });
    if (code !== 0) throw new Error(`${line}: ${stderr}`);
  };
  mkdirSync(folder, { recursive: true });
  await run("synth --users 300 --items 40 --events 4000 --coupons 8 --seed 3 -o shop");
  await Promise.all([
    run("synth --users 300 --items 40 --events 4000 --coupons 8 --seed 3 --format parquet -o parquet"),
    run(
      "ingest shop/events/part-00000.csv -o matrix.safetensors --price price_minor --order order_id " +
        "--features features.parquet --sequences sequences.safetensors --baskets baskets.safetensors",
    ),
    run("ingest shop/events/part-00000.csv -o other.safetensors --features features.csv"),
    run("ingest shop/events/part-00000.csv -o again.safetensors --features features.jsonl"),
  ]);
  const events = readFileSync(join(folder, "shop/events/part-00000.csv"));
  writeFileSync(join(folder, "events.csv.gz"), gzipSync(events));
  await Promise.all([
    run("run shop/campaign.yaml --out run"),
    run("segment features.parquet -k 3 -o segments.csv --model model.safetensors").then(() =>
      run("content shop/items.csv --matrix matrix.safetensors --category category -o profiles.safetensors"),
    ),
    run("segment matrix.safetensors -k 3 -o tastes.csv --model tastes.safetensors"),
    run("recommend matrix.safetensors --method als --factors 8 --save-model als.safetensors -o als.csv"),
  ]);
  const write = (name: string, header: string, line: (i: number) => string) =>
    writeFileSync(join(folder, name), `${header}\n${Array.from({ length: 40 }, (_, i) => `${line(i)}\n`).join("")}`);
  const user = (i: number) => `U${String(i).padStart(3, "0")}`;
  write(
    "candidates.csv",
    "user_id,coupon_id,value_minor,cost_minor",
    (i) => `${user(i)},C${i % 4},${90 + i},${40 + i}`,
  );
  write("limits.csv", "coupon_id,stock,budget_minor", (i) => `C${i},${i},${100 * i}`);
  write("orders.csv", "user_id,sales_minor,coupon_id", (i) => `${user(i)},${1000 + i},C${i % 4}`);
  write("log.csv", "reward,propensity", (i) => `${i % 2},0.5`);
  write("test.csv", "score,treated,outcome", (i) => `${i / 40},${i % 2},${(i >> 1) % 2}`);
  write("list.txt", "I001", (i) => `I${String(i).padStart(2, "0")}`);
}

/** The campaign of a case: the shop's, with absolute paths but for the broken file. */
export function campaignText(folder: string, reader: Reader, broken: string): string {
  const text = readFileSync(join(folder, "shop/campaign.yaml"), "utf8");
  const changed = reader.campaign!(text).replaceAll(/files: (?!BROKEN)(\S+)/g, (_, name: string) =>
    name === "orders.csv" ? `files: ${join(folder, name)}` : `files: ${join(folder, "shop", name)}`,
  );
  return changed.replaceAll("BROKEN", broken);
}

/** A name that keeps the endings. */
export function nameOf(reader: Reader): string {
  return basename(reader.file);
}
