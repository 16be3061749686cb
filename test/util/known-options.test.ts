import { describe, expect, it } from "vitest";
import { knownOptions } from "../../src/util/known-options.js";

interface Options {
  neighbours?: number | undefined;
  seed?: number | undefined;
  walk?: object | undefined;
}

const NAMES = { neighbours: true, seed: true, walk: false };
const known = (options: unknown) => () => knownOptions("similar", options as Options, NAMES);

describe("knownOptions", () => {
  it("gives back what it knows, also where nothing is set", () => {
    const options = { neighbours: undefined, seed: 1, walk: {} };
    expect(known(options)()).toBe(options);
    expect(known({})()).toEqual({});
    expect(known(Object.create(null))()).toEqual({});
  });

  it("names the call, the option, the nearest one and those that callers may set", () => {
    expect(known({ seed: 1, neighbors: 20 })).toThrow(
      expect.objectContaining({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
        message: 'unknown option "neighbors" of similar; did you mean "neighbours"? (allowed: neighbours, seed)',
      }),
    );
    expect(known({ wolk: 1 })).toThrow('unknown option "wolk" of similar (allowed: neighbours, seed)');
    expect(known({ neighbors: undefined })).toThrow("unknown option");
  });

  it("knows nothing from prototypes", () => {
    for (const name of ["toString", "constructor", "__proto__"])
      expect(known(JSON.parse(`{ "${name}": 1 }`))).toThrow(`unknown option "${name}" of similar`);
  });

  it("keeps messages short", () => {
    expect(known({ ["x".repeat(1e6)]: 1 })).toThrow(/^.{100,200}$/);
  });

  it.each([null, 5, "text", [], [1], new Map(), new Date(0), new Float32Array(1), () => {}])("refuses %o", (value) => {
    expect(known(value)).toThrow(/expected an object of options of similar but received/);
  });

  it("is kept to the type of the options by TypeScript", () => {
    // @ts-expect-error: walk is missing
    expect(() => knownOptions("similar", {} as Options, { neighbours: true, seed: true })).not.toThrow();
    // @ts-expect-error: steps is no option
    expect(() => knownOptions("similar", {} as Options, { ...NAMES, steps: true })).not.toThrow();
  });
});
