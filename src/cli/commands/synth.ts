import type { Command } from "commander";
import { Option } from "commander";
import { CouponcastError } from "../../errors.js";
import { addCommand, addCommonOptions, type CommonOptions, required, setAction } from "../command.js";
import { instant, integer } from "../option-values.js";
import { byteSize, counted, labelled } from "../text-layout.js";

interface SynthOptions extends CommonOptions {
  users: number;
  items: number;
  events: number;
  coupons: number;
  seed: number;
  out: string;
  format: "csv" | "parquet";
  days: number;
  asOf?: string;
}

export function addSynth(program: Command): void {
  const command = addCommand(program, {
    name: "synth",
    summary: "make a synthetic shop with a known truth",
    description: `Makes a shop in DIR: events, users, items, coupons, past redemptions and a campaign file to run, and in
truth.safetensors what the data were drawn from (each user's chance to buy with and without each coupon), which
nothing but evaluation may read. The same options give the same bytes. Streams to disk: 1M users and 50M events
need about 3 GB there and 200 MB of memory a thread.`,
    examples: [
      ["a small shop", "synth --users 2000 --items 200 --events 40000 --coupons 12 --seed 1 -o shop"],
      ["a large one", "synth --users 1e6 --items 50_000 --events 50e6 --coupons 40 --seed 7 --format parquet -o shop"],
    ],
  })
    .addOption(required("--users <count>", "shoppers, 2 to 50,000,000", integer(2, 50_000_000)))
    .addOption(required("--items <count>", "20 to 10,000,000", integer(20, 10_000_000)))
    .addOption(
      required("--events <count>", "browse, search and purchase events in all, exactly; up to 1e10", integer(1, 1e10)),
    )
    .addOption(required("--coupons <count>", "8 (one of each kind) to 5000", integer(8, 5000)))
    .option("--seed <number>", "of every random choice, 0 to 4294967295", integer(0, 2 ** 32 - 1), 1)
    .addOption(required("-o, --out <dir>", "folder to make; may exist if it is empty"))
    .addOption(new Option("--format <format>", "of the events").choices(["csv", "parquet"]).default("csv"))
    .option("--days <days>", "length of the history, 60 to 3650 days", integer(60, 3650), 365)
    .option(
      "--as-of <time>",
      "end of the history and moment of the campaign, ISO 8601 (default: 2025-07-01T00:00:00Z)",
      instant,
    );
  addCommonOptions(command);
  setAction<SynthOptions>(command, async (session, _args, options) => {
    const { synthesize } = await import("../../synth/synthesize.js");
    const { users, items, events, coupons, seed, out, format, days, asOf } = options;
    const result = await synthesize({
      users,
      items,
      events,
      coupons,
      seed,
      format,
      days,
      outDir: out,
      signal: session.signal,
      onProgress: ({ done, total }) => session.progress.update({ stage: "events", done, total }),
      ...(asOf === undefined ? {} : { asOf }),
      ...(session.threads === undefined ? {} : { threads: Math.min(session.threads, 256) }),
    }).catch((thrown) => {
      throw thrown instanceof CouponcastError ? inOptionWords(thrown) : thrown;
    });
    const lines = labelled([
      [
        "users",
        `${counted(result.users, "user")}, ${counted(result.numUsersWithoutEvents, "of them", "of them")} without events`,
      ],
      ["items", counted(result.items, "item")],
      ["events", `${counted(result.events, "event")}, ${counted(result.numPurchases, "purchase")}`],
      [
        "coupons",
        `${counted(result.coupons, "coupon")}; ${counted(result.numOffers, "past offer")}, ${counted(result.numRedeemed, "redemption")}`,
      ],
      ["size", byteSize(result.bytes)],
    ]);
    return {
      json: result,
      lines: [...lines, "", `next: couponcast run ${shellWord(result.campaignFile)} --out result`],
    };
  });
}

/** Options of the library as those of the command line. */
function inOptionWords(error: CouponcastError): CouponcastError {
  const { code, message, file, field, hint } = error;
  const option =
    field === undefined ? undefined : `--${field === "outDir" ? "out" : field === "asOf" ? "as-of" : field}`;
  return new CouponcastError(code, message, { cause: error, file, hint, field: option });
}

/** A path as it can be pasted into a shell. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
