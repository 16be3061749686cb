/** The files that the examples of `couponcast <command> --help` name. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { query } from "../../ingest/harness.js";
import { cli } from "../run-cli.js";

/** Writes them into `folder`. */
export async function writeExampleFiles(folder: string): Promise<void> {
  const at = (name: string) => join(folder, name);
  const run = async (line: string) => {
    const { code, stderr } = await cli(line.split(" "), { cwd: folder });
    if (code !== 0) throw new Error(`${line}: ${stderr}`);
  };
  const write = (name: string, columns: string, count: number, line: (i: number) => string) =>
    writeFileSync(at(name), `${columns}\n${Array.from({ length: count }, (_, i) => `${line(i)}\n`).join("")}`);
  const parquet = (from: string, to: string, columns = "*") =>
    query(`COPY (SELECT ${columns} FROM '${at(from)}') TO '${at(to)}' (FORMAT parquet)`);
  const user = (i: number) => `U${String(i).padStart(3, "0")}`;

  mkdirSync(folder, { recursive: true });
  await run("synth --users 300 --items 40 --events 6000 --coupons 8 --seed 3 -o shop");
  cpSync(at("shop"), folder, { recursive: true });
  await run("run shop/campaign.yaml --out result");

  const events = readFileSync(at("shop/events/part-00000.csv"), "utf8").replace(/,I0*(\d+),/g, ",item$1,");
  writeFileSync(at("events.csv"), events);
  await parquet("events.csv", "events.parquet");
  const tills = Array.from({ length: 30 }, (_, i) => `k${i % 7},s${i % 4},${10 + (i % 9)}/03/2025 1${i % 10}:30\n`);
  mkdirSync(at("tills"));
  writeFileSync(at("tills/1.csv.gz"), gzipSync(`customer,sku,sold_at\n${tills.join("")}`));
  const item = (i: number) => `item${i},${["tea", "nuts"][i % 2]},good|${i % 3},a name ${i},some words ${i % 5}`;
  write("items.csv", "item_id,category,tags,name,description,price,size", 42, (i) => `${item(i)},${100 + i},${i % 6}`);
  await parquet("items.csv", "items.parquet");

  const made = "--order order_id --price price_minor --features features.parquet --sequences sequences.safetensors";
  await run(`ingest events.csv -o matrix.safetensors ${made} --baskets baskets.safetensors`);
  await Promise.all([
    run("segment features.parquet -k 6 -o segments.parquet --model segments.safetensors"),
    run("segment matrix.safetensors -k 20 -o tastes.parquet --model tastes.safetensors"),
    run("recommend matrix.safetensors --method als --factors 8 --save-model als.safetensors -o als.csv"),
    run("rfm features.parquet -o rfm.parquet"),
    run("transitions sequences.safetensors -o t.csv --next next.parquet"),
    run("content items.csv --matrix matrix.safetensors --category category -o profiles.safetensors"),
  ]);
  await query(
    `COPY (SELECT user_id, num_events AS weight FROM '${at("features.parquet")}') TO '${at("weights.csv")}' (HEADER)`,
  );
  writeFileSync(at("sold-out.txt"), "item1\nitem2\n");
  for (const month of ["march", "april"]) cpSync(at("segments.parquet"), at(`${month}/segments.parquet`));
  for (const name of ["old.csv", "new.csv"]) {
    await query(
      `COPY (SELECT user_id AS customer, *, 'r' || count_purchase % 3 AS rfm FROM '${at("features.parquet")}') TO '${at(name)}'`,
    );
  }
  const customer = (i: number) => `c${i},${20 + (i % 50)},${i % 9},${i * 30},${i % 200},${["Linz", "Graz"][i % 2]}`;
  write("customers.csv", "customer,age,orders,spend,days,city", 90, customer);

  const pair = (i: number) => `${user(i % 40)},${["TEN", "TWENTY", "FREE"][i % 3]},${90_000 + i},${60_000 + i}`;
  const account = (i: number) => `${["new", "old"][i % 2]},d${i % 20},k${i % 40}`;
  write("candidates.csv", "user_id,coupon_id,value_minor,cost_minor,tier,device,card", 120, (i) => {
    return `${pair(i)},${account(i % 40)}`;
  });
  await parquet("candidates.csv", "candidates.parquet");
  write("coupons.csv", "coupon_id,stock,budget_minor,exclusive_group", 3, (i) => {
    return `${["TEN", "TWENTY", "FREE"][i]},9,900,${["a", "a", ""][i]}`;
  });

  write("orders.csv", "user_id,sales_minor,margin_minor", 200, (i) => `${user(i)},${1000 + i},${300 + i}`);
  await parquet("orders.csv", "orders.parquet");
  await query(
    `COPY (SELECT user_id, coupon_id, 100 AS discount_minor FROM '${at("result/assignments.parquet")}' LIMIT 9) TO '${at("redeemed.csv")}'`,
  );
  write("survey.csv", "user_id,score", 60, (i) => `${user(i)},${i % 11}`);
  write("mine.csv", "user_id,coupon_id", 50, (i) => `${user(i)},C${i % 8}`);
  write("log.csv", "click,reward,propensity_score,propensity,p_new,q,q_new", 60, (i) => {
    return `${i % 2},${i % 2},0.5,0.5,${0.25 + (i % 3) / 4},0.4,0.5`;
  });
  await parquet("log.csv", "log.parquet");
  write("test.csv", "uplift,score,treated,converted,margin,discount", 80, (i) => {
    return `${i / 80},${i / 80},${i % 2},${(i >> 1) % 2},${i},${i % 2}`;
  });
  await parquet("test.csv", "test.parquet");
}
