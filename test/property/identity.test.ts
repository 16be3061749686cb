import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { componentsOf } from "../../src/allocate/identity.js";
import { Executor } from "../../src/executor/executor.js";

/** By their first user, the users of each label that several have. */
function plainUnits(labels: readonly number[]): number[][] {
  const first = labels.flatMap((label, user) => (label >= 0 && labels.indexOf(label) === user ? [label] : []));
  return first.map((label) => [...labels.keys()].filter((user) => labels[user] === label)).filter((u) => u.length > 1);
}

describe("identities of several users", () => {
  it("are units by their first user, whatever the labels are", async () => {
    const executor = new Executor({ threads: 1 });
    const label = fc.oneof(fc.integer({ min: -1, max: 5 }), fc.constantFrom(2 ** 31 - 1, 2 ** 30, -5));
    await fc.assert(
      fc.asyncProperty(fc.array(label, { maxLength: 30 }), async (labels) => {
        const expected = plainUnits(labels);
        const found = await componentsOf(executor, Int32Array.from(labels), labels.length);
        if (expected.length === 0) {
          expect(found).toBeUndefined();
          return;
        }
        const { indptr, members, joined } = found!;
        const units = expected.map((_, u) => [...members.subarray(Number(indptr[u]), Number(indptr[u + 1]))]);
        expect(units).toEqual(expected);
        expect([...indptr]).toHaveLength(expected.length + 1);
        const together = new Set(expected.flat());
        expect([...joined]).toEqual(labels.map((_, user) => (together.has(user) ? 1 : 0)));
      }),
    );
  });
});
