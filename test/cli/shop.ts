import { join } from "node:path";
import { cliJson } from "./run-cli.js";

/** A small shop and its matrix and features, made by the command line itself. */
export async function makeShop(folder: string): Promise<{ shop: string; matrix: string; features: string }> {
  const shop = join(folder, "shop");
  const matrix = join(folder, "matrix.safetensors");
  const features = join(folder, "features.parquet");
  await cliJson([
    "synth",
    "--users",
    "600",
    "--items",
    "80",
    "--events",
    "12000",
    "--coupons",
    "8",
    "--seed",
    "5",
    "-o",
    shop,
  ]);
  const mapping = ["--quantity", "quantity", "--price", "price_minor", "--order", "order_id"];
  const tables = ["--users", join(shop, "users.csv"), "--items", join(shop, "items.csv")];
  await cliJson(["ingest", join(shop, "events/*.csv"), "-o", matrix, ...mapping, ...tables, "--features", features]);
  return { shop, matrix, features };
}

/** Rows of a CSV file without quotes, by column. */
export function parseCsv(text: string): Record<string, string>[] {
  const [header, ...lines] = text.trimEnd().split("\n");
  const names = header!.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((cell, c) => [names[c]!, cell])));
}
