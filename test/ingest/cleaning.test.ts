import { describe, expect, it } from "vitest";
import { parquet, request, run, scratch, write } from "./harness.js";

const HEADER = "user_id,item_id,behaviour,time,qty,price,order,note";

/** Each line is there for one reason; the counts below are counted by hand. */
const DIRTY = [
  HEADER,
  "u1,i1,browse,2024-01-01T00:00:00Z,,,,ok",
  "u1,i1,purchase,2024-01-02T00:00:00Z,2,2.50,o1,ok",
  "u2,i2,search,2024-01-03 10:00:00+02:00,,,,ok: 08:00 UTC",
  'u2,"i,3",browse,2024-01-03,,,,"ok: comma in id"',
  "u9,i9,browse,2024-01-03,,,,test row", // own rule
  ",i1,browse,2024-01-01,,,,", // missing_user
  "   ,i1,browse,2024-01-01,,,,", // missing_user
  "u1,,browse,2024-01-01,,,,", // missing_item
  "u1,i1,browse,,,,,", // missing_time
  "u1,i1,browse,yesterday,,,,", // unparsable_time
  "u1,i1,browse,infinity,,,,", // unparsable_time
  "u1,i1,browse,2024-02-30,,,,", // unparsable_time
  "u1,i1,Browse,2024-01-01,,,,", // unknown_behaviour: case counts
  "u1,i1,,2024-01-01,,,,", // unknown_behaviour
  "u1,i1,purchase,2024-01-01,two,,,", // bad_quantity
  "u1,i1,purchase,2024-01-01,0,,,", // non_positive_quantity
  "u1,i1,purchase,2024-01-01,-1,9,,", // non_positive_quantity
  "u1,i1,purchase,2024-01-01,1,free,,", // bad_price
  'u1,i1,purchase,2024-01-01,1,"1,50",,', // bad_price
  "u1,i1,purchase,2024-01-01,1,999999999999,,", // bad_price: no line costs that
  "u1,i1,purchase,2024-01-01,1,-0.01,,", // negative_price
  "u1,i1,browse,2030-01-01,,,,", // future
  "u1,i1,browse,2020-01-01,,,,", // out_of_window
  `${"x".repeat(513)},i1,browse,2024-01-01,,,,`, // id_too_long
  "u1,i1,browse,2024-01-01", // malformed_row: too few columns
  "u1,i1,browse,2024-01-01,,,,,,x", // malformed_row: too many
  "u1,i1,browse,2024-01-01T00:00:00Z,,,,same as the first", // duplicate
  "u1,i1,browse,2024-01-01 01:00:00+01:00,,,,the same moment", // duplicate
].join("\n");

const EVENTS = {
  files: "dirty.csv",
  columns: { quantity: "qty", price: "price", order: "order" },
  price: { unit: "major" },
  reject: [{ reason: "test_row", column: "note", in: ["test row"] }],
};

const COUNTS = {
  bad_price: 3,
  unparsable_time: 3,
  duplicate: 2,
  malformed_row: 2,
  missing_user: 2,
  non_positive_quantity: 2,
  unknown_behaviour: 2,
  bad_quantity: 1,
  future: 1,
  id_too_long: 1,
  missing_item: 1,
  missing_time: 1,
  negative_price: 1,
  out_of_window: 1,
  test_row: 1,
};

describe("cleaning", () => {
  it("counts each rejected row under its first reason", async () => {
    const folder = scratch();
    write(folder, "dirty.csv", DIRTY);
    const { result, sink, outDir } = await run(
      request(folder, EVENTS, { asOf: "2024-06-01", options: { windowDays: 400 } }),
    );
    expect(result.rejected).toEqual(COUNTS);
    expect(Object.keys(result.rejected)).toEqual(Object.keys(COUNTS));
    expect(result.rowsAccepted).toBe(4);
    expect(result.rowsRead).toBe(DIRTY.split("\n").length - 1);
    expect(result.asOf).toBe("2024-06-01T00:00:00.000Z");
    expect(sink.users).toEqual(["u1", "u2"]);
    expect(sink.items).toEqual(["i,3", "i1", "i2"]);
    expect(sink.cell("u1", "i1")).toBe(6);
    expect(sink.cell("u2", "i,3")).toBe(1);
    expect(sink.cell("u2", "i2")).toBe(2);

    const rejected = await parquet(outDir, "rejected.parquet");
    expect(rejected).toHaveLength(24);
    const of = (reason: string) => rejected.filter((row) => row.reason === reason);
    expect(JSON.parse(String(of("test_row")[0]?.raw))).toMatchObject({ user_id: "u9", note: "test row" });
    expect(of("malformed_row").map((row) => JSON.parse(String(row.raw)).line)).toContain("u1,i1,browse,2024-01-01");
    expect(of("malformed_row").map((row) => Number(row.row))).toEqual([26, 27]);
    expect(rejected.every((row) => row.file === "dirty.csv" && row.input === "events")).toBe(true);
  });

  it("keeps the features of accepted events", async () => {
    const folder = scratch();
    write(folder, "dirty.csv", DIRTY);
    const { outDir } = await run(request(folder, EVENTS, { asOf: "2024-06-01", options: { windowDays: 400 } }));
    const [u1, u2] = await parquet(outDir, "features.parquet");
    expect(u1).toEqual({
      row: 0,
      user_id: "u1",
      count_browse: 1,
      count_search: 0,
      count_purchase: 1,
      num_events: 2,
      recency_days: 151,
      order_recency_days: 151,
      frequency: 1,
      monetary_minor: "500",
      order_value_minor: 500,
      mean_gap_days: 1,
      observed_days: 152,
    });
    expect(u2).toMatchObject({ num_events: 2, frequency: 0, monetary_minor: "0", order_value_minor: null });
    expect(u2?.mean_gap_days).toBeCloseTo(8 / 24, 12);
    expect(await parquet(outDir, "items.parquet")).toMatchObject([
      { item_id: "i,3", purchases: "0", num_users: "1", price_minor: null },
      { item_id: "i1", purchases: "1", num_users: "1", price_minor: 250 },
      { item_id: "i2", purchases: "0", num_users: "1", price_minor: null },
    ]);
  });

  it("takes asOf from the latest accepted event, and the window from it", async () => {
    const folder = scratch();
    write(
      folder,
      "e.csv",
      "user_id,item_id,behaviour,time\na,x,browse,2024-01-01\nb,x,browse,2024-01-11\nb,x,browse,2024-01-10\nc,x,nonsense,2025-01-01\n",
    );
    const { result } = await run(request(folder, { files: "e.csv" }, { options: { windowDays: 5 } }));
    expect(result.asOf).toBe("2024-01-11T00:00:00.000Z");
    expect(result.rejected).toEqual({ out_of_window: 1, unknown_behaviour: 1 });
    expect(result.numUsers).toBe(1);
  });

  it("compares event ids within a source, and the content where there is none", async () => {
    const folder = scratch();
    write(
      folder,
      "e.csv",
      [
        "id,user_id,item_id,behaviour,time",
        "1,b,x,browse,2024-01-02", // kept: the earlier of the two with id 1 is below
        "1,a,x,browse,2024-01-01",
        "2,a,x,browse,2024-01-01", // same content, another id: kept
        ",c,x,browse,2024-01-01",
        ",c,x,browse,2024-01-01", // duplicate by content
      ].join("\n"),
    );
    write(folder, "f.csv", "id,user_id,item_id,behaviour,time\n1,d,x,browse,2024-01-01\n");
    const source = (files: string) => ({ files, columns: { id: "id" } });
    const { result, sink } = await run(request(folder, [source("e.csv"), source("f.csv")]));
    expect(result.rejected).toEqual({ duplicate: 2 });
    expect(sink.users).toEqual(["a", "c", "d"]);
    expect(sink.cell("a", "x")).toBe(2);
  });

  it("stops when too many rows are rejected, names the worst reasons and keeps the rows", async () => {
    const folder = scratch();
    write(folder, "dirty.csv", DIRTY);
    const req = request(folder, EVENTS, { options: { maxRejectedShare: 0.5 } });
    await expect(run(req)).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: expect.stringMatching(/22 of 28 event rows were rejected \(78\.6 %\).*unparsable_time 3/),
      hint: expect.stringContaining("rejected.parquet"),
    });
    expect(await parquet(req.outDir, "rejected.parquet")).toHaveLength(22);
  });

  it("does not count the window against the limit", async () => {
    const folder = scratch();
    write(
      folder,
      "e.csv",
      "user_id,item_id,behaviour,time\na,x,browse,2024-01-01\na,x,browse,2024-01-02\nb,x,browse,2024-02-01\n",
    );
    const { result } = await run(
      request(folder, { files: "e.csv" }, { options: { windowDays: 1, maxRejectedShare: 0 } }),
    );
    expect(result.rejected).toEqual({ out_of_window: 2 });
  });

  it("fails when no event is accepted", async () => {
    const folder = scratch();
    write(folder, "e.csv", "user_id,item_id,behaviour,time\n,x,browse,2024-01-01\n");
    await expect(run(request(folder, { files: "e.csv" }))).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: "none of 1 event rows was accepted: missing_user 1",
    });
  });

  it.each([
    ["iso", "Europe/Berlin", "2024-07-01 12:00:00", "2024-07-01T10:00:00.000Z"],
    ["iso", "Europe/Berlin", "2024-07-01T12:00:00.123456Z", "2024-07-01T12:00:00.123456Z"],
    ["iso", "Europe/Berlin", "2024-07-01T12:00:00-0130", "2024-07-01T13:30:00.000Z"],
    ["iso", "America/New_York", "2024-01-01", "2024-01-01T05:00:00.000Z"],
    ["epoch-seconds", "Europe/Berlin", "1704067200.5", "2024-01-01T00:00:00.500Z"],
    ["epoch-millis", "UTC", "1704067200001", "2024-01-01T00:00:00.001Z"],
    ["%d/%m/%Y %H:%M", "UTC", "02/01/2024 03:04", "2024-01-02T03:04:00.000Z"],
    ["%d/%m/%Y %H:%M", "Europe/London", "02/07/2024 03:04", "2024-07-02T02:04:00.000Z"],
    ["%Y-%m-%d %H:%M %z", "Europe/London", "2024-07-02 03:04 +0500", "2024-07-01T22:04:00.000Z"],
  ])("reads times: %s in %s: %s", async (format, timeZone, text, expected) => {
    const folder = scratch();
    write(folder, "e.csv", `user_id,item_id,behaviour,time\na,x,browse,${text}\n`);
    const { result } = await run(request(folder, { files: "e.csv", time: { format, timeZone } }));
    expect(result.lastEvent).toBe(expected);
  });

  it("tests reject rules by text, number, prefix and absence", async () => {
    const folder = scratch();
    const lines = [
      "user_id,item_id,behaviour,time,flag",
      "a,x,browse,2024-01-01,1",
      "a,x,browse,2024-01-02,01.0",
      "a,x,browse,2024-01-03,",
      "a,x,browse,2024-01-04,Cancel",
      "a,x,browse,2024-01-05,it's",
      "a,x,browse,2024-01-06,fine",
    ];
    write(folder, "e.csv", lines.join("\n"));
    const reject = [
      { reason: "one", column: "flag", in: [1] },
      { reason: "none", column: "flag", isNull: true },
      { reason: "cancelled", column: "flag", startsWith: "C" },
      { reason: "quoted", column: "flag", in: ["it's"] },
    ];
    const { result } = await run(request(folder, { files: "e.csv", reject }));
    expect(result.rejected).toEqual({ one: 2, cancelled: 1, none: 1, quoted: 1 });
  });
});
