import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { MatrixWriter } from "../../src/store/matrix-writer.js";

const folder = mkdtempSync(join(tmpdir(), "couponcast-scipy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The Python of the README, word for word: what it shows must work. */
function readmeSnippet(): string {
  const readme = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");
  const [, snippet] = /```python\n([\s\S]*?)```/.exec(readme) ?? [];
  if (snippet === undefined) throw new Error("README.md shows no Python");
  return snippet;
}

describe("the matrix file", () => {
  it("is read by scipy.sparse as the README shows, without a copy", async () => {
    const writer = MatrixWriter.create(join(folder, "matrix.safetensors"), {
      numUsers: 3,
      numItems: 4,
      nnz: 4,
      userIdBytes: 3,
      itemIdBytes: 4,
    });
    await writer.appendUserIds(["a", "b", "c"]);
    await writer.appendItemIds(["p", "q", "r", "s"]);
    await writer.appendCells(Int32Array.of(0, 0, 2, 2), Int32Array.of(1, 3, 0, 1), Float32Array.of(1.5, 2, 0.25, 4));
    await writer.commit();
    const checks = `
csc = sp.csc_matrix((tensor("csc.values", "<f4"), tensor("csc.indices", "<i4"), tensor("csc.indptr", "<i8")), shape=csr.shape)
assert (csr != csc).nnz == 0
assert csr.has_sorted_indices and not csr.data.flags.owndata
print(csr.toarray().tolist())`;
    const python = process.env.COUPONCAST_PYTHON ?? "/usr/bin/python3";
    const printed = execFileSync(python, ["-c", readmeSnippet() + checks], { cwd: folder, encoding: "utf8" });
    expect(JSON.parse(printed)).toEqual([
      [0, 1.5, 0, 2],
      [0, 0, 0, 0],
      [0.25, 4, 0, 0],
    ]);
  });
});
