import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** npm and shells may pass the same Ctrl-C on twice. */
const SAME_PRESS_MS = 500;

/** Turns the signals that ask a process to end into an abort: the first stops in order, a second one ends at once. */
export class Interrupts {
  readonly #controller = new AbortController();
  #received: (typeof SIGNALS)[number] | undefined;
  #at = 0;

  constructor(onFirst: () => void) {
    for (const name of SIGNALS) {
      process.on(name, () => {
        const now = performance.now();
        if (this.#received === undefined) {
          this.#received = name;
          this.#at = now;
          onFirst();
          this.#controller.abort();
        } else if (now - this.#at > SAME_PRESS_MS) {
          process.exit(this.exitCode);
        }
      });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 128 + the signal's number: 130 after Ctrl-C, 143 after SIGTERM. 130 before any. */
  get exitCode(): number {
    return 128 + constants.signals[this.#received ?? "SIGINT"];
  }
}
