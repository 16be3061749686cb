/** Small behaviour matrices for tests, and files that go away with the test file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { type Matrix, openMatrix } from "../../src/store/matrix.js";
import { MatrixWriter } from "../../src/store/matrix-writer.js";

/** A folder of this test file's own; removed when its tests are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "couponcast-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Ids of one width, so that their byte order is their numeric order. */
export function ids(prefix: string, count: number): string[] {
  const digits = String(Math.max(count - 1, 0)).length;
  return Array.from({ length: count }, (_, i) => prefix + String(i).padStart(digits, "0"));
}

/** Writes the cells that are not 0. Users are u0, u1 ...; items i0, i1 ... unless named, in ascending order of their bytes. */
export async function writeDense(
  path: string,
  dense: readonly (readonly number[])[],
  numItems = dense[0]?.length ?? 0,
  items = ids("i", numItems),
): Promise<void> {
  const users = ids("u", dense.length);
  const cells = dense.flatMap((row, u) => row.flatMap((value, i) => (value === 0 ? [] : [[u, i, value] as const])));
  const bytes = (list: string[]) => list.reduce((sum, id) => sum + Buffer.byteLength(id), 0);
  const writer = MatrixWriter.create(path, {
    numUsers: users.length,
    numItems,
    nnz: cells.length,
    userIdBytes: bytes(users),
    itemIdBytes: bytes(items),
  });
  try {
    await writer.appendUserIds(users);
    await writer.appendItemIds(items);
    await writer.appendCells(
      Int32Array.from(cells, ([row]) => row),
      Int32Array.from(cells, ([, col]) => col),
      Float32Array.from(cells, ([, , value]) => value),
    );
    await writer.commit();
  } finally {
    await writer.abort();
  }
}

let written = 0;

/** Opens a matrix of these values for as long as `use` runs. */
export async function withMatrix<T>(
  folder: string,
  dense: readonly (readonly number[])[],
  use: (matrix: Matrix) => Promise<T>,
): Promise<T> {
  const path = join(folder, `matrix-${written++}.safetensors`);
  await writeDense(path, dense);
  const matrix = await openMatrix(path);
  try {
    return await use(matrix);
  } finally {
    matrix.close();
    rmSync(path);
  }
}

export interface GeneratedShape {
  numUsers: number;
  numItems: number;
  /** Cells of every user, at most numItems. */
  degree: number;
}

/**
 * Writes a large matrix quickly: user u holds `degree` items at pseudo-random distances from each other, with small
 * whole values. The same bytes for the same shape.
 */
export async function writeGenerated(path: string, { numUsers, numItems, degree }: GeneratedShape): Promise<void> {
  const users = ids("u", numUsers);
  const items = ids("i", numItems);
  const width = users[0]!.length;
  const writer = MatrixWriter.create(path, {
    numUsers,
    numItems,
    nnz: numUsers * degree,
    userIdBytes: numUsers * width,
    itemIdBytes: numItems * items[0]!.length,
  });
  try {
    await writer.appendItemIds(items);
    const batch = 50_000;
    const gap = Math.floor(numItems / degree);
    let state = 12345;
    const next = () => {
      // Numerical Recipes' linear congruential generator: plenty for a spread of columns.
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    for (let begin = 0; begin < numUsers; begin += batch) {
      const end = Math.min(begin + batch, numUsers);
      await writer.appendUserIds(users.slice(begin, end));
      const rows = new Int32Array((end - begin) * degree);
      const cols = new Int32Array(rows.length);
      const values = new Float32Array(rows.length);
      let at = 0;
      for (let user = begin; user < end; user++) {
        for (let d = 0; d < degree; d++, at++) {
          rows[at] = user;
          cols[at] = d * gap + Math.floor(next() * gap);
          values[at] = 1 + Math.floor(next() * 5);
        }
      }
      await writer.appendCells(rows, cols, values);
    }
    await writer.commit();
  } finally {
    await writer.abort();
  }
}
