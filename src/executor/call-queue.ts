/** Calls still to be made, each only while nobody uses what it uses. */
export class CallQueue {
  readonly #waiting: number[];
  readonly #uses: (index: number) => readonly number[];
  readonly #inUse = new Set<number>();
  #released = () => {};
  #release = new Promise<void>((resolve) => {
    this.#released = resolve;
  });

  constructor(count: number, uses: (index: number) => readonly number[]) {
    this.#waiting = Array.from({ length: count }, (_, index) => index);
    this.#uses = uses;
  }

  /** The next call; waits where all are held up. Undefined once there are none, or `stopped` says so. */
  async next(stopped: () => boolean): Promise<number | undefined> {
    while (this.#waiting.length > 0 && !stopped()) {
      const place = this.#waiting.findIndex((index) => !this.#uses(index).some((used) => this.#inUse.has(used)));
      if (place >= 0) {
        const [index] = this.#waiting.splice(place, 1);
        for (const used of this.#uses(index!)) this.#inUse.add(used);
        return index;
      }
      await this.#release;
    }
    return undefined;
  }

  done(index: number): void {
    for (const used of this.#uses(index)) this.#inUse.delete(used);
    const released = this.#released;
    this.#release = new Promise((resolve) => {
      this.#released = resolve;
    });
    released();
  }
}
