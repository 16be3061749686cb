import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { campaignSchema } from "../../src/campaign/campaign-schema.js";
import { CouponcastError } from "../../src/errors.js";
import type { SynthOptions } from "../../src/synth/options.js";
import { type SynthResult, synthesize } from "../../src/synth/synthesize.js";
import { digests, mean, readCsv, readEvents, readTensors, type Tensors } from "./read-shop.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const root = mkdtempSync(join(tmpdir(), "couponcast-synth-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const AS_OF = "2025-03-15T12:00:00Z";
const shop = (name: string, more: Partial<SynthOptions> = {}): SynthOptions => ({
  users: 3000,
  items: 400,
  events: 60_000,
  coupons: 30,
  seed: 11,
  outDir: join(root, name),
  asOf: AS_OF,
  threads: 1,
  ...more,
});

async function failure(promise: Promise<unknown>): Promise<CouponcastError> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(CouponcastError);
  return thrown as CouponcastError;
}

describe("a generated shop", () => {
  let result: SynthResult;
  let events: Record<string, string>[];
  let users: Record<string, string>[];
  let redemptions: Record<string, string>[];
  let truth: Tensors;
  let couponIds: string[];
  beforeAll(async () => {
    result = await synthesize(shop("whole"));
    events = readEvents(result.dir);
    users = readCsv(join(result.dir, "users.csv"));
    redemptions = readCsv(join(result.dir, "redemptions.csv"));
    truth = readTensors(join(result.dir, "truth.safetensors"));
    couponIds = JSON.parse(readFileSync(join(result.dir, "coupons.json"), "utf8")).map((c: { id: string }) => c.id);
  });

  it("has the files that its README names, and no other", () => {
    const names = readdirSync(result.dir).sort();
    expect(names).toEqual(
      [
        "README.md",
        "campaign.yaml",
        "coupons.json",
        "events",
        "items.csv",
        "redemptions.csv",
        "truth.safetensors",
        "users.csv",
      ].sort(),
    );
    const readme = readFileSync(join(result.dir, "README.md"), "utf8");
    for (const name of names.slice(1)) expect(readme).toContain(name === "events" ? "events/part-*.csv" : name);
    expect(readdirSync(root)).toEqual(["whole"]);
  });

  it("has exact totals and reports them", () => {
    expect(events).toHaveLength(60_000);
    expect(users).toHaveLength(3000);
    expect(readCsv(join(result.dir, "items.csv"))).toHaveLength(400);
    expect(couponIds).toHaveLength(30);
    expect(redemptions).toHaveLength(result.numOffers);
    expect(redemptions.filter((r) => r.redeemed === "1")).toHaveLength(result.numRedeemed);
    expect(events.filter((e) => e.behaviour === "purchase")).toHaveLength(result.numPurchases);
    const active = new Set(events.map((e) => e.user_id));
    expect(3000 - active.size).toBe(result.numUsersWithoutEvents);
    expect(result.numUsersWithoutEvents).toBeGreaterThan(20);
  });

  it("has ids in byte order that refer to each other", () => {
    const userIds = users.map((u) => u.user_id!);
    expect(userIds).toEqual([...userIds].sort());
    const known = new Set(userIds);
    const items = new Set(readCsv(join(result.dir, "items.csv")).map((i) => i.item_id));
    const coupons = new Set(couponIds);
    expect(events.every((e) => known.has(e.user_id!) && items.has(e.item_id!))).toBe(true);
    expect(redemptions.every((r) => known.has(r.user_id!) && coupons.has(r.coupon_id!))).toBe(true);
    expect(new Set(users.map((u) => u.tier))).toEqual(new Set(["none", "silver", "gold", "platinum"]));
    expect(new Set(users.map((u) => u.channel))).toEqual(new Set(["online", "offline", "both"]));
    expect(new Set(users.map((u) => u.consent))).toEqual(new Set(["true", "false"]));
    expect(users.every((u) => (u.store === "") === (u.channel === "online"))).toBe(true);
    expect(users.some((u) => u.birthday === "")).toBe(true);
  });

  it("has times in the history, each user's all different, none before joining", () => {
    const end = Date.parse(AS_OF);
    const start = end - 365 * 86_400_000;
    const joined = new Map(users.map((u) => [u.user_id, Date.parse(u.joined!)]));
    let user = "";
    let last = 0;
    for (const event of events) {
      expect(event.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      const time = Date.parse(event.time!);
      expect(time >= start && time < end && time >= joined.get(event.user_id)!).toBe(true);
      if (event.user_id === user) expect(time).toBeGreaterThan(last);
      user = event.user_id!;
      last = time;
    }
  });

  it("has quantity, price and order of purchases only, one user an order, each after a look at the item", () => {
    const owner = new Map<string, string>();
    let previous: Record<string, string> = {};
    for (const event of events) {
      if (event.behaviour === "purchase") {
        expect(Number(event.quantity) >= 1 && Number(event.quantity) <= 9 && Number(event.price_minor) > 0).toBe(true);
        expect(owner.get(event.order_id!) ?? event.user_id).toBe(event.user_id);
        owner.set(event.order_id!, event.user_id!);
        expect([previous.user_id, previous.item_id]).toEqual([event.user_id, event.item_id]);
        expect(previous.behaviour).not.toBe("purchase");
      } else {
        expect(["browse", "search"]).toContain(event.behaviour);
        expect(`${event.quantity}${event.price_minor}${event.order_id}`).toBe("");
      }
      previous = event;
    }
    expect(owner.size).toBeGreaterThan(1000);
  });

  it("has probabilities as truth: p_without <= p_with, p_redeem <= p_with", () => {
    const { p_without, p_with, p_redeem, order_value_minor } = truth.data as Record<string, Float32Array>;
    expect(truth.shape).toEqual({
      p_without: [3000, 30],
      p_with: [3000, 30],
      p_redeem: [3000, 30],
      order_value_minor: [3000],
    });
    expect(truth.metadata).toMatchObject({ kind: "truth", kind_version: "3", seed: "11" });
    expect(truth.metadata.notice).toContain("Only evaluation may read this file");
    let bad = 0;
    for (let i = 0; i < p_with!.length; i++) {
      const [a, b, c] = [p_without![i]!, p_with![i]!, p_redeem![i]!];
      if (!(a >= 0 && a <= b && b <= 1 && c >= 0 && c <= b)) bad++;
    }
    expect(bad).toBe(0);
    expect(order_value_minor!.every((v) => v > 100 && v < 1e6)).toBe(true);
  });

  it("has some who redeem but are not moved, and some who are", () => {
    const { p_without, p_with, p_redeem } = truth.data as Record<string, Float32Array>;
    let unmoved = 0;
    let moved = 0;
    for (let user = 0; user < 3000; user++) {
      let most = 0;
      let redeem = 0;
      for (let i = user * 30; i < (user + 1) * 30; i++) {
        most = Math.max(most, p_with![i]! - p_without![i]!);
        redeem = Math.max(redeem, p_redeem![i]!);
      }
      if (most < 0.02 && redeem > 0.03) unmoved++;
      if (most > 0.1) moved++;
    }
    expect(unmoved / 3000).toBeGreaterThan(0.02);
    expect(moved / 3000).toBeGreaterThan(0.1);
  });

  it("has a history that is drawn from the truth, 1 to 6 % redeemed", () => {
    const { p_redeem, p_with, p_without } = truth.data as Record<string, Float32Array>;
    const column = new Map(couponIds.map((id, i) => [id, i]));
    const of = (p: Float32Array) => (r: Record<string, string>) =>
      p[Number(r.user_id!.slice(1)) * 30 + column.get(r.coupon_id!)!]!;
    const treated = redemptions.filter((r) => r.treated === "1");
    const p = treated.map(of(p_redeem!));
    const share = result.numRedeemed / treated.length;
    expect(share).toBeGreaterThan(0.01);
    expect(share).toBeLessThan(0.06);
    // The number redeemed is a sum of independent draws: within 4.5 standard deviations of its mean.
    const deviation = Math.sqrt(p.reduce((sum, x) => sum + x * (1 - x), 0));
    expect(Math.abs(result.numRedeemed - p.reduce((a, b) => a + b, 0))).toBeLessThan(4.5 * deviation);
    const redeemed = mean(p.filter((_, i) => treated[i]!.redeemed === "1"));
    const others = mean(p.filter((_, i) => treated[i]!.redeemed === "0"));
    expect(redeemed).toBeGreaterThan(2 * others);
    // Three in ten are withheld by lot, and buy as those without a coupon do.
    const controls = redemptions.filter((r) => r.treated === "0");
    expect(Math.abs(controls.length / redemptions.length - 0.3)).toBeLessThan(0.02);
    expect(controls.every((r) => r.redeemed === "0")).toBe(true);
    for (const [rows, chance] of [
      [treated, p_with!],
      [controls, p_without!],
    ] as const) {
      const chances = rows.map(of(chance));
      const spread = Math.sqrt(chances.reduce((sum, x) => sum + x * (1 - x), 0));
      const bought = rows.filter((r) => r.converted === "1").length;
      expect(Math.abs(bought - chances.reduce((a, b) => a + b, 0))).toBeLessThan(4.5 * spread);
    }
    expect(redemptions.every((r) => r.redeemed === "0" || r.converted === "1")).toBe(true);
  });

  it("offers only what may be offered: consent, at most 20 a user, outcome before asOf", () => {
    const consent = new Map(users.map((u) => [u.user_id, u.consent]));
    const perUser = new Map<string, number>();
    for (const r of redemptions) {
      expect(consent.get(r.user_id)).toBe("true");
      perUser.set(r.user_id!, (perUser.get(r.user_id!) ?? 0) + 1);
      expect(r.redeemed === "1").toBe(r.redeemed_at !== "");
      if (r.redeemed === "1") {
        expect(Date.parse(r.redeemed_at!)).toBeGreaterThan(Date.parse(r.offered_at!));
        expect(Date.parse(r.redeemed_at!)).toBeLessThan(Date.parse(AS_OF));
      }
    }
    expect(Math.max(...perUser.values())).toBeLessThanOrEqual(20);
  });

  it("shows redeemed offers as purchases, but for users with too few events", () => {
    const purchases = new Set(events.filter((e) => e.behaviour === "purchase").map((e) => `${e.user_id} ${e.time}`));
    const counts = new Map<string, number>();
    for (const e of events) counts.set(e.user_id!, (counts.get(e.user_id!) ?? 0) + 1);
    const redeemed = redemptions.filter((r) => r.redeemed === "1");
    const missing = redeemed.filter((r) => !purchases.has(`${r.user_id} ${r.redeemed_at}`));
    expect(missing.length).toBeLessThan(redeemed.length / 4);
    expect(missing.every((r) => (counts.get(r.user_id!) ?? 0) <= 40)).toBe(true);
  });

  it("has a campaign that the schema takes and that does not know the truth", () => {
    const text = readFileSync(result.campaignFile, "utf8");
    expect(text).not.toMatch(/truth/i);
    const campaign = campaignSchema.parse(parse(text));
    expect(campaign.asOf).toBe(AS_OF);
    expect(campaign.seed).toBe(11);
    expect(campaign.budget.totalMinor).toBe(result.budgetMinor);
    expect(result.budgetMinor).toBeGreaterThan(1000);
    expect(campaign.inputs.events).toMatchObject({ files: "events/*.csv" });
    expect(Object.keys(campaign.behaviours).sort()).toEqual(["browse", "purchase", "search"]);
  });
});

describe("the bytes", () => {
  // More users than one part takes, so that threads have something to share.
  const wide = { users: 60_000, events: 90_000, coupons: 8 };

  it("are the same for 1 and 2 threads and on repeat", async () => {
    const one = await synthesize(shop("one", wide));
    expect(one.numParts).toBeGreaterThanOrEqual(3);
    const two = await synthesize(shop("two", { ...wide, threads: 2 }));
    const again = await synthesize(shop("again", { ...wide, threads: 3 }));
    expect(digests(two.dir)).toEqual(digests(one.dir));
    expect(digests(again.dir)).toEqual(digests(one.dir));
    expect({ ...two, dir: "", campaignFile: "" }).toEqual({ ...one, dir: "", campaignFile: "" });
    expect(readEvents(one.dir)).toHaveLength(90_000);
  });

  it("are others for another seed", async () => {
    const a = digests((await synthesize(shop("seed-a"))).dir);
    const b = digests((await synthesize(shop("seed-b", { seed: 12 }))).dir);
    expect(Object.keys(a)).toEqual(Object.keys(b));
    for (const name of Object.keys(a)) expect(a[name], name).not.toBe(b[name]);
  });
});

describe("parquet", () => {
  it("holds the same events, also in a folder with a pattern and a quote in its name", async () => {
    const csv = await synthesize(shop("plain"));
    const parquet = await synthesize(shop("odd [x]*'s", { format: "parquet" }));
    expect(readdirSync(join(parquet.dir, "events"))).toEqual(["part-00000.parquet"]);
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const copy = join(root, "copy.csv");
    const source = join(root, "events.parquet");
    writeFileSync(source, readFileSync(join(parquet.dir, "events/part-00000.parquet")));
    await connection.run(
      `COPY (SELECT * REPLACE (strftime("time", '%Y-%m-%dT%H:%M:%SZ') AS "time") FROM '${source}') TO '${copy}' (header)`,
    );
    connection.closeSync();
    instance.closeSync();
    expect(readCsv(copy)).toEqual(readEvents(csv.dir));
    const text = readFileSync(parquet.campaignFile, "utf8");
    expect(campaignSchema.parse(parse(text)).inputs.events).toMatchObject({ files: "events/*.parquet" });
  });
});

describe("whole or not at all", () => {
  it("refuses a folder with something in it, and a file", async () => {
    const dir = join(root, "full");
    mkdirSync(dir);
    writeFileSync(join(dir, "keep.txt"), "mine");
    const error = await failure(synthesize(shop("full")));
    expect(error.code).toBe("ERR_COUPONCAST_INVALID_ARGUMENT");
    expect(error.message).toContain("keep.txt");
    expect(error.hint).toBeDefined();
    expect(readFileSync(join(dir, "keep.txt"), "utf8")).toBe("mine");
    const onFile = await failure(synthesize(shop("full/keep.txt")));
    expect(onFile.message).toContain("is a file");
    const below = await failure(synthesize(shop("full/keep.txt/below")));
    expect(below.code).toBe("ERR_COUPONCAST_INVALID_ARGUMENT");
    expect(readdirSync(root).filter((name) => name.includes("partial"))).toEqual([]);
  });

  it("says where a folder cannot be made", async () => {
    const error = await failure(synthesize({ ...shop("never"), outDir: "/proc/nowhere/shop" }));
    expect(error.code).toBe("ERR_COUPONCAST_IO");
    expect(error.message).toContain("/proc/nowhere/shop");
    const long = await failure(synthesize(shop("x".repeat(300))));
    expect(long.code).toBe("ERR_COUPONCAST_IO");
  });

  it("fills an empty folder behind a link", async () => {
    mkdirSync(join(root, "real"));
    symlinkSync(join(root, "real"), join(root, "link"));
    const { dir } = await synthesize(shop("link"));
    expect(dir).toBe(realpathSync(join(root, "real")));
    expect(existsSync(join(root, "link", "campaign.yaml"))).toBe(true);
  });

  it("fills an empty folder and makes parents", async () => {
    mkdirSync(join(root, "empty"));
    expect(existsSync(join((await synthesize(shop("empty"))).dir, "campaign.yaml"))).toBe(true);
    expect(existsSync(join((await synthesize(shop("deep/er/still"))).dir, "campaign.yaml"))).toBe(true);
  });

  for (const [threads, format] of [
    [1, "csv"],
    [2, "csv"],
    [2, "parquet"],
  ] as const) {
    it(`leaves nothing behind when cancelled with ${threads} thread(s), ${format}`, async () => {
      const before = readdirSync(root).sort();
      const controller = new AbortController();
      let seen = 0;
      const error = await failure(
        synthesize(
          shop(`cancelled-${threads}-${format}/inner`, {
            users: 80_000,
            events: 3_000_000,
            threads,
            format,
            signal: controller.signal,
            onProgress: ({ done, total }) => {
              expect(total).toBe(3_000_000);
              seen = done;
              // Late enough that a first part is finished.
              if (done > 1_200_000) controller.abort();
            },
          }),
        ),
      );
      expect(error.code).toBe("ERR_COUPONCAST_CANCELLED");
      expect(seen).toBeGreaterThan(1_200_000);
      expect(seen).toBeLessThan(3_000_000);
      expect(readdirSync(root).sort()).toEqual(before);
    });
  }

  it("does not start when cancelled before", async () => {
    const error = await failure(synthesize(shop("never", { signal: AbortSignal.abort() })));
    expect(error.code).toBe("ERR_COUPONCAST_CANCELLED");
    expect(existsSync(join(root, "never"))).toBe(false);
  });

  it("reports all events as progress", async () => {
    for (const threads of [1, 2]) {
      const steps: number[] = [];
      await synthesize(
        shop(`progress-${threads}`, { users: 30_000, threads, onProgress: ({ done }) => steps.push(done) }),
      );
      expect(steps.at(-1)).toBe(60_000);
      expect(steps).toEqual([...steps].sort((a, b) => a - b));
    }
  });
});

describe("options", () => {
  it.each([
    ["users", 1, /between 2 and 50000000 for users but received 1/],
    ["users", 2.5, /for users but received 2.5/],
    ["items", 19, /for items/],
    ["events", 0, /for events/],
    ["events", 2e10, /for events/],
    ["coupons", 7, /between 8 and 5000 for coupons/],
    ["coupons", "20", /for coupons but received "20" of type string/],
    ["seed", -1, /for seed/],
    ["seed", 2 ** 32, /for seed/],
    ["days", 59, /between 60 and 3650 for days/],
    ["threads", 0, /for threads/],
    ["format", "xml", /Expected csv or parquet for format but received "xml"/],
    ["asOf", "yesterday", /ISO 8601.*for asOf but received "yesterday"/],
    ["asOf", "1970-02-01", /for asOf/],
    ["outDir", "", /Expected the path of a folder for outDir/],
  ])("refuses %s = %s", async (name, value, message) => {
    const error = await failure(synthesize({ ...shop("never"), [name]: value } as SynthOptions));
    expect(error.code).toBe("ERR_COUPONCAST_INVALID_ARGUMENT");
    expect(error.message).toMatch(message);
    expect(error.field).toBe(name);
    expect(existsSync(join(root, "never"))).toBe(false);
  });

  it("refuses more events of one user than there are seconds for", async () => {
    const error = await failure(synthesize(shop("never", { users: 2, events: 5_000_000 })));
    expect(error.field).toBe("events");
    expect(error.hint).toContain("more users");
    expect(readdirSync(root).filter((name) => name.includes("partial"))).toEqual([]);
  });

  it("makes the smallest shop", async () => {
    const result = await synthesize(shop("smallest", { users: 2, items: 20, events: 1, coupons: 8, days: 60 }));
    expect(readEvents(result.dir)).toHaveLength(1);
    expect(result.numUsersWithoutEvents).toBe(1);
  });

  it("keeps the events of crowded users apart", async () => {
    const result = await synthesize(shop("crowded", { users: 4, events: 300_000, days: 60 }));
    const events = readEvents(result.dir);
    expect(events).toHaveLength(300_000);
    expect(new Set(events.map((e) => `${e.user_id} ${e.time}`)).size).toBe(300_000);
    expect(events.every((e) => e.time! < AS_OF)).toBe(true);
  });
});
