import { type Options, SingleBar } from "cli-progress";
import type { Progress } from "../executor/executor.js";

const BAR_SIZE = 24;
const LABEL_WIDTH = 26;

/** Progress on the terminal's error stream, or nothing at all where nobody watches. */
export class ProgressDisplay {
  readonly #stream = process.stderr;
  readonly #enabled: boolean;
  #bar: SingleBar | undefined;
  #label = "";
  #total: number | undefined;
  #started = 0;
  /** Share that was done when the stage began: by an earlier, interrupted call. */
  #before = 0;

  constructor(enabled: boolean) {
    this.#enabled = enabled && process.stderr.isTTY === true && process.env.TERM !== "dumb";
    // Even a process that ends at once should leave the terminal with its cursor.
    if (this.#enabled) process.on("exit", () => this.stop());
  }

  /** For onProgress of the library. */
  readonly update = ({ stage, done, total }: Progress): void => {
    if (!this.#enabled) return;
    const isOther = stage !== this.#label || (total === undefined) !== (this.#total === undefined);
    if (this.#bar === undefined || isOther) {
      this.#start(stage, total);
      this.#before = total === undefined || total === 0 ? 0 : done / total;
    }
    this.#total = total;
    const bar = this.#bar!;
    bar.setTotal(total ?? 1);
    bar.update(total === undefined ? 0 : Math.min(done, total));
  };

  /** A line that stays, above the bar. */
  line(text: string): void {
    if (!this.#enabled) return;
    this.stop();
    this.#stream.write(`${text}\n`);
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #start(stage: string, total: number | undefined): void {
    this.stop();
    this.#label = stage;
    this.#total = total;
    this.#started = performance.now();
    this.#bar = new SingleBar({
      stream: this.#stream,
      format: ((options: Options, params: { progress: number }) => this.#render(options, params.progress)) as never,
      clearOnComplete: true,
      hideCursor: true,
      linewrap: false,
      forceRedraw: true,
      gracefulExit: false,
      fps: 10,
      barsize: BAR_SIZE,
    });
    this.#bar.start(1, 0);
  }

  #render(_options: Options, share: number): string {
    const seconds = (performance.now() - this.#started) / 1000;
    const label = this.#label.slice(0, LABEL_WIDTH).padEnd(LABEL_WIDTH);
    if (this.#total === undefined) return `${label} ${clock(seconds)}`;
    const full = Math.round(share * BAR_SIZE);
    const bar = "█".repeat(full) + "░".repeat(BAR_SIZE - full);
    // The first moments say little about the rest.
    const gained = share - this.#before;
    const left =
      seconds > 3 && gained > 0.02 && share < 1 ? `  about ${clock((seconds * (1 - share)) / gained)} left` : "";
    return `${label} ${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${clock(seconds)}${left}`;
  }
}

/** 0:07, 12:30, 1:02:03 */
function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
