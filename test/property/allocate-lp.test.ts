import fc from "fast-check";
import highsLoader from "highs";
import { describe, expect, it } from "vitest";
import { allocate } from "../../src/allocate/allocate.js";
import { instances } from "../support/allocation.js";
import { lpOf } from "../support/allocation-lp.js";
import { settings } from "../support/arbitraries.js";

// Its types describe another kind of module than it is.
const load = highsLoader as unknown as typeof highsLoader.default;
const highs = await load();

describe("allocation beside a solver of linear programmes", () => {
  it("the bound is the optimum of the relaxation, and the value within the gap of the integer optimum", async () => {
    await fc.assert(
      fc.asyncProperty(instances(20, 5), async (instance) => {
        if (!instance.candidates.valueMinor.some((value) => value > 0)) return;
        const result = await allocate(instance.candidates, instance.limits, { threads: 1 });
        const relaxed = highs.solve(lpOf(instance, false)).ObjectiveValue / 1000;
        expect(Math.abs(result.upperBoundMinor - relaxed)).toBeLessThanOrEqual(1e-6 * Math.max(relaxed, 1e-3));
        const best = highs.solve(lpOf(instance, true)).ObjectiveValue / 1000;
        expect(result.valueMinor).toBeLessThanOrEqual(best + 1e-6);
        expect(result.valueMinor).toBeGreaterThanOrEqual(best - result.gap * result.upperBoundMinor - 1e-6);
      }),
      settings(200),
    );
  });
});
