import { Random } from "../../src/util/random.js";

/** Three tastes of five items each, a few cells of noise, every ninth user without a cell. */
export function shopOfTastes(numUsers: number): number[][] {
  const random = new Random(11);
  return Array.from({ length: numUsers }, (_, user) =>
    Array.from({ length: 15 }, (_, item) => {
      if (user % 9 === 8) return 0;
      const own = Math.floor(item / 5) === user % 3;
      return random.next() < (own ? 0.8 : 0.05) ? 1 + random.int(3) : 0;
    }),
  );
}
