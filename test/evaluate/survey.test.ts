import { expect, it } from "vitest";
import { responseBias, satisfaction } from "../../src/evaluate/survey.js";

it("gives the mean and the net promoter score of a survey, and says whom it speaks for", () => {
  const counts = [0, 0, 0, 0, 0, 2, 0, 2, 0, 3, 3];
  const all = satisfaction({ numAsked: 40, counts }, 0.95);
  expect(all).toMatchObject({ numAsked: 40, numAnswers: 10, responseRate: 0.25 });
  expect(all.mean!.value).toBeCloseTo((2 * 5 + 2 * 7 + 3 * 9 + 3 * 10) / 10, 12);
  expect(all.nps!.value).toBeCloseTo(40, 12);
  const votes = [-100, -100, 0, 0, 100, 100, 100, 100, 100, 100];
  const variance = votes.reduce((sum, v) => sum + (v - 40) ** 2, 0) / 9;
  expect(all.nps!.error).toBeCloseTo(Math.sqrt(variance / 10), 10);

  const none = satisfaction({ numAsked: 5, counts: new Array(11).fill(0) }, 0.95);
  expect(none).toMatchObject({ numAnswers: 0, mean: null, nps: null });
  const most = satisfaction({ numAsked: 12, counts }, 0.95);
  expect(responseBias({ a: most, b: most })).toEqual([]);
  expect(responseBias({ a: most, b: all }).join()).toContain("a answered more often (83.3 %) than b (25.0 %)");
  expect(responseBias({ all })[0]).toContain("only 25.0 % answered");
});
