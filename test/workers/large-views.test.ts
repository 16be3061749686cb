import { describe, expect, it } from "vitest";
import { Executor, shared } from "../../src/executor/executor.js";

describe("a view of more than 4 GiB", () => {
  it("reaches the worker thread whole", async () => {
    // Only the pages that are touched take memory.
    const column = shared.i32(2 ** 30 + 8);
    column[column.length - 1] = 77;
    const range = { begin: column.length - 2, end: column.length - 1 };
    const executor = new Executor({ threads: 1 });
    const { value } = await executor.run({ kernel: "formatCsv", args: { columns: [column.subarray(1)], ...range } });
    expect(Buffer.from(value as Uint8Array).toString()).toBe("77\n");
  });
});
