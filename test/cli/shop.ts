import { join } from "node:path";
import { cliJson } from "./run-cli.js";

/** A small shop, made by the command line itself. */
export async function synthShop(folder: string): Promise<string> {
  const shop = join(folder, "shop");
  const size = ["--users", "600", "--items", "80", "--events", "12000", "--coupons", "8", "--seed", "5"];
  await cliJson(["synth", ...size, "-o", shop]);
  return shop;
}

/** The same with its matrix and features. */
export async function makeShop(folder: string): Promise<{ shop: string; matrix: string; features: string }> {
  const shop = await synthShop(folder);
  const matrix = join(folder, "matrix.safetensors");
  const features = join(folder, "features.parquet");
  const mapping = ["--quantity", "quantity", "--price", "price_minor", "--order", "order_id"];
  const tables = ["--users", join(shop, "users.csv"), "--items", join(shop, "items.csv")];
  await cliJson(["ingest", join(shop, "events/*.csv"), "-o", matrix, ...mapping, ...tables, "--features", features]);
  return { shop, matrix, features };
}
