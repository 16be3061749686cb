import { describe, expect, it } from "vitest";
import { Recycled } from "../../src/executor/recycled.js";

describe("memory for calls one after the other", () => {
  it("is what was given back, of the same kind and length", () => {
    const first = new Recycled();
    const [floats, doubles] = [first.take("f32", 1001), first.take("f64", 1001)];
    expect(new Recycled().take("f32", 1001)).not.toBe(floats);
    first.giveBack();
    const second = new Recycled();
    expect(second.take("f32", 1002)).not.toBe(floats);
    expect(second.take("i32", 1001)).not.toBe(floats);
    expect(second.take("f64", 1001)).toBe(doubles);
    expect(second.take("f32", 1001)).toBe(floats);
    expect(second.take("f32", 1001)).not.toBe(floats);
  });

  it("is not what is kept, and is given back once", () => {
    const call = new Recycled();
    const [kept, other] = [call.take("i32", 1003), call.take("i32", 1003)];
    call.giveBack([kept]);
    call.giveBack();
    const taken = [call.take("i32", 1003), call.take("i32", 1003)];
    expect(taken).toContain(other);
    expect(taken).not.toContain(kept);
    expect(taken[0]).not.toBe(taken[1]);
  });

  it("holds zeros where these are asked for", async () => {
    const length = 2 ** 20 + 3;
    const call = new Recycled();
    const used = (await call.takeZeros(length)).fill(7);
    call.giveBack();
    const zeros = await call.takeZeros(length);
    expect(zeros).toBe(used);
    expect(zeros.every((value) => value === 0)).toBe(true);
  });

  it("is forgotten, the oldest first, where much is given back", () => {
    const call = new Recycled();
    const oldest = call.take("u8", 1005);
    for (let i = 0; i < 40; i++) call.take("u8", 2000 + i);
    const newest = call.take("u8", 1006);
    call.giveBack();
    expect(call.take("u8", 1005)).not.toBe(oldest);
    expect(call.take("u8", 1006)).toBe(newest);
  });

  it("may lie on large pages, where a kernel reads it here and there", () => {
    const call = new Recycled();
    const used = call.take("alignedI64", 2 ** 20 + 1);
    used[2 ** 20] = 7n;
    call.giveBack();
    expect(call.take("alignedI32", 2 ** 20 + 1)).not.toBe(used);
    expect(call.take("alignedI64", 2 ** 20 + 1)).toBe(used);
    expect(used[2 ** 20]).toBe(7n);
  });
});
