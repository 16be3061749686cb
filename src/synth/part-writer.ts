import { closeSync, fsyncSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Part } from "./activity.js";
import { ByteSink } from "./byte-sink.js";
import { HistoryModel } from "./history.js";
import { drawLatents, UserLatents } from "./latents.js";
import { paddedId } from "./model.js";
import type { SynthPlan } from "./options.js";
import { ResponseModel } from "./response.js";
import { SessionModel } from "./sessions.js";
import { EVENTS_HEADER, IdBytes, writeEvents, writeOffers, writeUser } from "./tables-csv.js";
import { TimeText } from "./time-text.js";
import { type TruthLayout, type TruthRow, TruthRows } from "./truth-rows.js";
import { buildWorld, type World } from "./world.js";

/** What every thread is told. */
export interface PartSetup {
  plan: SynthPlan;
  /** see Activity; on shared memory */
  counts: Int32Array;
  totalWeight: number;
  forcedCold: number;
  bias: number;
  truth: TruthLayout;
  eventsDir: string;
}

export interface PartResult {
  index: number;
  /** lines of users.csv and redemptions.csv, without headers */
  users: Uint8Array<ArrayBuffer>;
  redemptions: Uint8Array<ArrayBuffer>;
  numPurchases: number;
  numOffers: number;
  numRedeemed: number;
  /** expected discount if every consenting user got the best coupon that they may have now */
  bestCostMinor: number;
}

export function partFile(index: number): string {
  return `part-${String(index).padStart(5, "0")}.csv`;
}

/** Events and coupons between two looks at the clock: some milliseconds. */
const SLICE = 10_000;

/** Writes parts: events to a file, rows of the truth into the truth file, the other tables to memory. */
export class PartWriter {
  readonly #setup: PartSetup;
  readonly #world: World;
  readonly #response: ResponseModel;
  readonly #history: HistoryModel;
  readonly #sessions: SessionModel;
  readonly #truth: TruthRows;
  readonly #items: IdBytes;
  readonly #timeText: TimeText;
  readonly #latents = new UserLatents();

  constructor(setup: PartSetup) {
    const { plan } = setup;
    this.#setup = setup;
    this.#world = buildWorld(plan);
    const { shop, table, calendar } = this.#world;
    this.#response = new ResponseModel(shop, table, calendar, plan.events / setup.totalWeight);
    this.#history = new HistoryModel(plan.seed, table, calendar);
    this.#sessions = new SessionModel(plan.seed, shop, table, calendar);
    this.#truth = new TruthRows(setup.truth, table.size);
    this.#items = new IdBytes("I", plan.items);
    this.#timeText = new TimeText(calendar);
  }

  /** Writes one part. Yields the number of events written since the last time, every few milliseconds. */
  *write(part: Part): Generator<number, PartResult> {
    const { plan, counts, forcedCold, eventsDir } = this.#setup;
    const { shop, calendar, random, table } = this.#world;
    const latents = this.#latents;
    const fd = openSync(join(eventsDir, partFile(part.index)), "wx");
    try {
      const events = new ByteSink(fd);
      const users = new ByteSink();
      const redemptions = new ByteSink();
      const result = { numPurchases: 0, numOffers: 0, numRedeemed: 0, bestCostMinor: 0 };
      let done = 0;
      let work = 0;
      events.text(EVENTS_HEADER);
      this.#truth.start(part.begin);
      for (let user = part.begin; user < part.end; user++) {
        const count = counts[user]!;
        const userId = paddedId("U", user, plan.users);
        drawLatents(random, plan.seed, user, shop, calendar, user === forcedCold, latents);
        const truth = this.#writeTruth();
        const offers = this.#history.draw(latents, truth);
        this.#sessions.draw(latents, count, offers);
        writeEvents(events, userId, this.#items, this.#sessions, this.#timeText);
        writeUser(users, userId, latents);
        writeOffers(redemptions, userId, offers, table, this.#timeText);

        result.numPurchases += this.#sessions.numPurchases;
        result.numOffers += offers.length;
        for (const offer of offers) if (offer.redeemedSecond >= 0) result.numRedeemed++;
        result.bestCostMinor += this.#bestCost(truth.redeem);
        done += count;
        work += count + 10 + table.size;
        if (work >= SLICE) {
          yield done;
          done = 0;
          work = 0;
        }
      }
      events.flush();
      this.#truth.flush();
      fsyncSync(fd);
      yield done;
      return { index: part.index, users: users.take(), redemptions: redemptions.take(), ...result };
    } finally {
      closeSync(fd);
    }
  }

  /** Computes and writes the user's row of the truth. Returns it. */
  #writeTruth(): TruthRow {
    const { bias } = this.#setup;
    const response = this.#response;
    const { loyal } = this.#latents;
    response.terms(this.#latents);
    const row = this.#truth.next(response.habits.orderValueMinor);
    for (let c = 0; c < response.table.size; c++) {
      const without = response.without[c]!;
      const persuaded = (1 - without) * response.persuasion(c, loyal, bias);
      row.without[c] = without;
      row.with[c] = without + persuaded;
      row.redeem[c] = without * response.application(c, bias) + persuaded;
    }
    return row;
  }

  /** Expected discount of the coupon that sells most more to the user, among those valid now that they may have. */
  #bestCost(redeem: Float32Array): number {
    const { table, calendar } = this.#world;
    const latents = this.#latents;
    if (!latents.consent) return 0;
    const response = this.#response;
    const month = new Date(calendar.startMs + calendar.endSecond * 1000).getUTCMonth();
    const celebrates = !Number.isNaN(latents.birthdayMs) && new Date(latents.birthdayMs).getUTCMonth() === month;
    let best = -1;
    let bestGain = 0;
    for (let c = 0; c < table.size; c++) {
      if (table.active[c] === 0 || !table.mayHave(c, latents)) continue;
      if (table.isFirstOrder[c] === 1 && this.#sessions.numPurchases > 0) continue;
      if (table.isBirthday[c] === 1 && !celebrates) continue;
      const gain = (1 - response.without[c]!) * response.persuasion(c, latents.loyal, this.#setup.bias);
      if (gain > bestGain) {
        bestGain = gain;
        best = c;
      }
    }
    return best < 0 ? 0 : redeem[best]! * response.discountAtOrder(best);
  }
}
