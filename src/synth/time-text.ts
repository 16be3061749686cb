import type { ByteSink } from "./byte-sink.js";
import { type Calendar, DAY_SECONDS } from "./calendar.js";

const DAY_MS = DAY_SECONDS * 1000;
/** YYYY-MM-DDT */
const DAY_TEXT = 11;
export const TIME_TEXT = 20;

/** Writes seconds of the history as ISO 8601 in UTC, 2025-03-04T12:34:56Z. The days are looked up. */
export class TimeText {
  readonly #days: Uint8Array;
  readonly #offset: number;

  constructor(calendar: Calendar) {
    const midnight = Math.floor(calendar.startMs / DAY_MS) * DAY_MS;
    this.#offset = (calendar.startMs - midnight) / 1000;
    this.#days = new Uint8Array((calendar.days + 2) * DAY_TEXT);
    for (let d = 0; d < calendar.days + 2; d++) {
      const text = new Date(midnight + d * DAY_MS).toISOString();
      for (let i = 0; i < DAY_TEXT; i++) this.#days[d * DAY_TEXT + i] = text.charCodeAt(i);
    }
  }

  /** second: 0 to the end of the history. */
  write(sink: ByteSink, second: number): void {
    const absolute = second + this.#offset;
    const day = (absolute / DAY_SECONDS) | 0;
    const rest = absolute - day * DAY_SECONDS;
    const hour = (rest / 3600) | 0;
    const minute = ((rest - hour * 3600) / 60) | 0;
    sink.copy(this.#days, day * DAY_TEXT, (day + 1) * DAY_TEXT);
    sink.twoDigits(hour);
    sink.byte(58); // :
    sink.twoDigits(minute);
    sink.byte(58);
    sink.twoDigits(rest - hour * 3600 - minute * 60);
    sink.byte(90); // Z
  }
}
