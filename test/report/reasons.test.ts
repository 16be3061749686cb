import { describe, expect, it } from "vitest";
import { rejectionInWords, withheldSentence } from "../../src/report/reasons.js";
import { REASONS } from "../../src/score/reasons.js";

describe("reasons in words", () => {
  it("has a sentence for every reason code that a user can be withheld for", () => {
    for (const code of Object.values(REASONS)) {
      if (code !== "eligible") expect(withheldSentence(code), code).not.toContain("for the reason");
    }
  });

  it("takes the data's own sentence first, and the code's own words last", () => {
    expect(withheldSentence("stock", "Gone.")).toBe("Gone.");
    expect(withheldSentence("moon_phase")).toBe("Withheld for the reason “moon phase”.");
    expect(withheldSentence("constructor")).toBe("Withheld for the reason “constructor”.");
    expect(rejectionInWords("missing_user")).toBe("no user id");
    expect(rejectionInWords("in-store-test")).toBe("in store test");
    expect(rejectionInWords("__proto__")).toBe("proto");
  });
});
