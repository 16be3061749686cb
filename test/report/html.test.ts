import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeHtml, html, trusted } from "../../src/report/html.js";
import { idHtml, truncateMiddle } from "../../src/report/text.js";

describe("html", () => {
  it("escapes what is put into a template, in content and attributes", () => {
    const evil = `<b a='x' b="y">&`;
    expect(html`<p title="${evil}">${evil}</p>`.text).toBe(
      `<p title="&lt;b a=&#39;x&#39; b=&quot;y&quot;&gt;&amp;">&lt;b a=&#39;x&#39; b=&quot;y&quot;&gt;&amp;</p>`,
    );
  });

  it("keeps HTML made by another template, joins lists, drops nothing-values", () => {
    expect(html`${[html`<i>a</i>`, "<", 3, null, undefined, false]}`.text).toBe("<i>a</i>&lt;3");
    expect(html`${trusted("<hr>")}`.text).toBe("<hr>");
  });

  it("never lets text open a tag or end an attribute, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(escapeHtml(text)).not.toMatch(/[<>"']/);
        expect(escapeHtml(text)).not.toMatch(/&(?!(?:amp|lt|gt|quot|#39);)/);
      }),
    );
  });

  it("makes control characters and broken surrogates visible", () => {
    expect(escapeHtml("a\u0000b\u001fc\u0085d\ud83de\udc00f")).toBe("a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf");
    expect(escapeHtml("tab\tline\n👍")).toBe("tab\tline\n👍");
  });
});

describe("truncateMiddle", () => {
  it("keeps short text and cuts the middle of long text", () => {
    expect(truncateMiddle("user-1", 10)).toBe("user-1");
    expect(truncateMiddle("abcdefghijklmnopqrstuvwxyz", 10)).toBe("abcdef…xyz");
  });

  it("never cuts a visible character in half and never exceeds the length", () => {
    const family = "👩‍👩‍👧‍👦";
    expect(truncateMiddle(family.repeat(20), 7)).toBe(`${family.repeat(2)}…${family}`);
    expect(truncateMiddle("優惠券".repeat(20), 10)).toBe("優惠券…券");
    const count = (text: string) => [...new Intl.Segmenter("en").segment(text)].length;
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), fc.integer({ min: 4, max: 40 }), (text, max) => {
        expect(count(truncateMiddle(text, max))).toBeLessThanOrEqual(max);
      }),
    );
  });

  it("bounds a character with thousands of accents", () => {
    expect(truncateMiddle(`a${"\u0301".repeat(5_000)}`, 10).length).toBeLessThan(200);
  });

  it("takes a huge id", () => {
    expect(truncateMiddle("x".repeat(20_000_000), 20)).toBe(`${"x".repeat(13)}…${"x".repeat(6)}`);
  });

  it("keeps a long id as a bounded tooltip", () => {
    const cell = idHtml("x".repeat(10_000)).text;
    expect(cell).toContain("(10000 characters)");
    expect(cell.length).toBeLessThan(700);
    expect(idHtml("user-1").text).not.toContain("title");
  });
});
