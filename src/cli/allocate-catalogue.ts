import { invalidArgument } from "../errors.js";
import type { InputTable } from "../table/read-table.js";

/** A row of the table of coupons. */
interface CatalogueEntry {
  stock: number | undefined;
  budgetMinor: number | undefined;
  exclusiveGroup: string | undefined;
  campaign: string | undefined;
  channel: string | undefined;
}
export type Catalogue = ReadonlyMap<string, CatalogueEntry>;

/** Limits of each coupon from a table: coupon_id, and stock, budget_minor, exclusive_group, campaign, channel where it has them. */
export async function readCatalogue(table: InputTable): Promise<Catalogue> {
  const option = "--coupons";
  const id = await table.id("coupon_id", option);
  const whole = (name: string) => (table.has(name) ? table.number(name, option, { min: 0, whole: true }) : "NULL");
  const stock = await whole("stock");
  const budget = await whole("budget_minor");
  const text = (name: string) => (table.has(name) ? table.text(name, option) : "NULL");
  const rows = await table.db.rows(
    `SELECT ${id} AS id, ${stock} AS stock, ${budget} AS budget, ${text("exclusive_group")} AS grp,
       ${text("campaign")} AS campaign, ${text("channel")} AS channel FROM ${table.table}`,
  );
  const catalogue = new Map<string, CatalogueEntry>();
  for (const row of rows) {
    const key = String(row.id);
    if (catalogue.has(key)) {
      throw invalidArgument(`${table.loaded.label}: the coupon ${JSON.stringify(key)} stands there twice`, {
        file: table.loaded.label,
        field: option,
      });
    }
    const number = (value: unknown) => (value === null ? undefined : Number(value));
    const name = (value: unknown) => (value === null ? undefined : String(value));
    catalogue.set(key, {
      stock: number(row.stock),
      budgetMinor: number(row.budget),
      exclusiveGroup: name(row.grp),
      campaign: name(row.campaign),
      channel: name(row.channel),
    });
  }
  return catalogue;
}
