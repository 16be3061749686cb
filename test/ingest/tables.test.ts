import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { redemptionsSourceSchema } from "../../src/campaign/schema/sources.js";
import { readRedemptions } from "../../src/ingest/redemptions.js";
import { parquet, query, request, run, scratch, write, writeWithDuckDb } from "./harness.js";

const EVENTS = "user_id,item_id,behaviour,time\nu1,i1,purchase,2024-01-01\nu2,i2,browse,2024-01-02\n";

describe("users", () => {
  it("joins them to the matrix rows, one row a user, types found from all values", async () => {
    const folder = scratch();
    write(folder, "e.csv", EVENTS);
    write(
      folder,
      "u.csv",
      [
        'user_id,consent,channel,store,tier,birthday,age,zip,score,vip,it\'s "x"',
        "u1,true,Online,s1,gold,1990-02-29,30,01234,1.5,true,a",
        "u0,1,nowhere,,none,12-31,41,99999,2,false,b",
        "u3,no,both,s2,,2000-13-01,22,10000,-1e3,true,",
        "u3,yes,both,s2,,2000-12-01,22,10000,3,true,",
        ",yes,,,,,,,,,",
        `${"z".repeat(600)},yes,,,,,,,,,`,
        "u4,maybe",
      ].join("\n"),
    );
    const { result, outDir } = await run(request(folder, { files: "e.csv" }, { users: { files: "u.csv" } }));
    expect(result.rejectedUsers).toEqual({ duplicate: 1, id_too_long: 1, malformed_row: 1, missing_id: 1 });
    expect(result.numUsers).toBe(4);
    expect(result.rejected).toEqual({});
    expect(result.warnings).toEqual([
      "u.csv: 1 rows with a channel that cannot be read: read as both",
      "u.csv: 1 rows with a birthday that cannot be read: ignored",
    ]);
    const users = await parquet(outDir, "users.parquet");
    expect(users).toMatchObject([
      {
        row: 0,
        user_id: "u0",
        consent: true,
        channel: "both",
        store: null,
        tier: null,
        birth_month: 12,
        birth_day: 31,
      },
      {
        row: 1,
        user_id: "u1",
        consent: true,
        channel: "online",
        store: "s1",
        tier: "gold",
        birth_month: 2,
        birth_day: 29,
      },
      { row: 2, user_id: "u2", consent: false, channel: "both", store: null, tier: null, birth_month: null },
      { row: 3, user_id: "u3", consent: false, channel: "both", store: "s2", birth_month: null, birth_day: null },
    ]);
    expect(users[1]).toMatchObject({
      attr_age: "30",
      attr_zip: "01234",
      attr_score: 1.5,
      attr_vip: true,
      attr_tier: "gold",
      'attr_it\'s "x"': "a",
    });
    const types = await query("DESCRIBE SELECT * FROM read_parquet(?)", join(outDir, "users.parquet"));
    expect(Object.fromEntries(types.map((t) => [t.column_name, t.column_type]))).toMatchObject({
      row: "INTEGER",
      consent: "BOOLEAN",
      birth_month: "UTINYINT",
      attr_age: "BIGINT",
      attr_zip: "VARCHAR",
      attr_score: "DOUBLE",
      attr_vip: "BOOLEAN",
      attr_consent: "VARCHAR",
    });
    const rejected = await parquet(outDir, "rejected.parquet", "input, reason");
    expect(rejected).toHaveLength(4);
    expect(rejected.every((r) => r.input === "users")).toBe(true);
  });

  it("keeps the types of Parquet, and consents when no column says otherwise", async () => {
    const folder = scratch();
    write(folder, "e.csv", EVENTS);
    await writeWithDuckDb(
      "SELECT 'u1' AS user_id, DATE '1999-05-06' AS birthday, 7::SMALLINT AS n",
      join(folder, "u.parquet"),
      "FORMAT parquet",
    );
    const { outDir } = await run(request(folder, { files: "e.csv" }, { users: { files: "u.parquet" } }));
    expect(await parquet(outDir, "users.parquet")).toMatchObject([
      { user_id: "u1", consent: true, birth_month: 5, birth_day: 6, attr_birthday: "1999-05-06", attr_n: 7 },
      { user_id: "u2", consent: true, birth_month: null, attr_n: null },
    ]);
    const none = await run(request(folder, { files: "e.csv" }));
    expect(await parquet(none.outDir, "users.parquet")).toMatchObject([
      { user_id: "u1", consent: true, channel: "both", store: null, tier: null },
      { user_id: "u2", consent: true },
    ]);
  });

  it("refuses names that differ only in case, and files that disagree on their columns", async () => {
    const folder = scratch();
    write(folder, "e.csv", EVENTS);
    write(folder, "u.csv", "user_id,Tier,tier\nu1,a,b\n");
    const users = (files: string) => run(request(folder, { files: "e.csv" }, { users: { files } }));
    await expect(users("u.csv")).rejects.toMatchObject({ message: expect.stringContaining("differ at most in case") });
    write(folder, "v1.csv", "user_id,age\nu1,1\n");
    write(folder, "v2.csv", "age,user_id,extra\n1,u2,x\n");
    await expect(users("v?.csv")).rejects.toMatchObject({ message: `v2.csv has a column "extra", v1.csv has not` });
    await expect(
      run(request(folder, { files: "e.csv" }, { users: { files: "v1.csv", columns: { consent: "optin" } } })),
    ).rejects.toMatchObject({ field: "inputs.users.columns.consent" });
  });
});

describe("items", () => {
  it("prefers the catalogue's price and falls back to what was paid", async () => {
    const folder = scratch();
    write(
      folder,
      "e.csv",
      "user_id,item_id,behaviour,time,q,p\nu1,i1,purchase,2024-01-01,2,100\nu2,i1,purchase,2024-01-02,1,400\nu1,i2,purchase,2024-01-01,1,10\n",
    );
    write(
      folder,
      "i.jsonl",
      `{"item_id":"i2","category":"tea","price_minor":12.34,"margin_rate":0.4}\n{"item_id":"i3","margin_rate":"high"}\nnonsense\n`,
    );
    const { result, outDir } = await run(
      request(
        folder,
        { files: "e.csv", columns: { quantity: "q", price: "p" } },
        { items: { files: "i.jsonl", priceUnit: "major" } },
      ),
    );
    expect(await parquet(outDir, "items.parquet")).toEqual([
      { row: 0, item_id: "i1", category: null, price_minor: 200, margin_rate: null, purchases: "2", num_users: "2" },
      { row: 1, item_id: "i2", category: "tea", price_minor: 1234, margin_rate: 0.4, purchases: "1", num_users: "1" },
      { row: 2, item_id: "i3", category: null, price_minor: null, margin_rate: null, purchases: "0", num_users: "0" },
    ]);
    expect(result.rejectedItems).toEqual({ malformed_row: 1 });
    expect(result.warnings).toEqual(["i.jsonl: 1 rows with a margin rate that cannot be read: ignored"]);
  });
});

describe("redemptions", () => {
  it("gives one row for each user, coupon and offer, and counts the others", async () => {
    const folder = scratch();
    write(
      folder,
      "r.csv",
      "user_id,coupon_id,offered_at,redeemed\nu1,c1,2024-01-01 12:00,1\nu1,c1,2024-01-01 12:00,0\nu2,c1,2024-01-02,false\n,c1,2024-01-02,1\nu1,,2024-01-02,1\nu1,c1,soon,1\nu1,c1,2024-01-05,perhaps\nu1\n",
    );
    const table = await readRedemptions({
      source: redemptionsSourceSchema.parse({ files: "r.csv" }),
      timeZone: "Europe/Berlin",
      baseDir: folder,
      tempDir: scratch(),
      threads: 2,
      memoryLimitMb: 256,
    });
    try {
      expect(table.numRows).toBe(2);
      expect(table.rejected).toEqual({
        bad_redeemed: 1,
        duplicate: 1,
        malformed_row: 1,
        missing_coupon: 1,
        missing_user: 1,
        unparsable_time: 1,
      });
      const rows = await table.db.rows(
        "SELECT user_id, coupon_id, CAST(offered_at AS VARCHAR) AS at, redeemed FROM redemptions ORDER BY user_id",
      );
      expect(rows).toEqual([
        { user_id: "u1", coupon_id: "c1", at: "2024-01-01 11:00:00", redeemed: true },
        { user_id: "u2", coupon_id: "c1", at: "2024-01-01 23:00:00", redeemed: false },
      ]);
    } finally {
      table.db.close();
    }
  });
});
