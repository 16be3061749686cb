import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach } from "vitest";
import { ingestSchema } from "../../src/campaign/schema/ingest.js";
import { eventsSourceSchema, itemsSourceSchema, usersSourceSchema } from "../../src/campaign/schema/sources.js";
import { type IngestRequest, type IngestResult, ingestInto } from "../../src/ingest/ingest.js";
import type { MatrixShape } from "../../src/store/matrix-writer.js";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A fresh folder, removed after the test. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "couponcast-ingest-"));
  folders.push(folder);
  return folder;
}

export function write(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Keeps what a matrix writer would store, and checks its contract: order, uniqueness, announced counts. */
export class MemorySink {
  users: string[] = [];
  items: string[] = [];
  cells: { row: number; col: number; value: number }[] = [];
  committed = false;
  aborted = false;

  constructor(
    readonly path: string,
    readonly shape: MatrixShape,
    readonly metadata: Record<string, string>,
  ) {}

  async appendUserIds(ids: readonly string[]): Promise<void> {
    this.users.push(...ids);
  }

  async appendItemIds(ids: readonly string[]): Promise<void> {
    this.items.push(...ids);
  }

  async appendCells(rows: Int32Array, cols: Int32Array, values: Float32Array): Promise<void> {
    for (let k = 0; k < rows.length; k++) {
      const last = this.cells.at(-1);
      const cell = { row: rows[k]!, col: cols[k]!, value: values[k]! };
      if (last !== undefined && (last.row > cell.row || (last.row === cell.row && last.col >= cell.col))) {
        throw new Error("cells out of order");
      }
      if (!Number.isFinite(cell.value)) throw new Error("value not finite");
      this.cells.push(cell);
    }
  }

  async commit(): Promise<void> {
    const bytes = (ids: string[]) => ids.reduce((sum, id) => sum + Buffer.byteLength(id), 0);
    const seen: MatrixShape = {
      numUsers: this.users.length,
      numItems: this.items.length,
      nnz: this.cells.length,
      userIdBytes: bytes(this.users),
      itemIdBytes: bytes(this.items),
    };
    if (JSON.stringify(seen) !== JSON.stringify(this.shape))
      throw new Error(`announced ${JSON.stringify(this.shape)}, came ${JSON.stringify(seen)}`);
    writeFileSync(this.path, JSON.stringify([this.users, this.items, this.cells]));
    this.committed = true;
  }

  async abort(): Promise<void> {
    this.aborted = true;
  }

  /** r_ui by ids. */
  cell(user: string, item: string): number | undefined {
    const row = this.users.indexOf(user);
    const col = this.items.indexOf(item);
    return this.cells.find((c) => c.row === row && c.col === col)?.value;
  }
}

type Loose = Record<string, unknown>;

/** A request with defaults for everything that a test does not care about. */
export function request(
  folder: string,
  events: Loose | Loose[],
  more: Partial<Omit<IngestRequest, "events" | "users" | "items" | "options">> & {
    users?: Loose;
    items?: Loose;
    options?: Loose;
  } = {},
): IngestRequest {
  const { users, items, options, ...rest } = more;
  return {
    events: [events].flat().map((source) => eventsSourceSchema.parse(source)),
    users: users && usersSourceSchema.parse(users),
    items: items && itemsSourceSchema.parse(items),
    behaviours: { browse: 1, search: 2, purchase: 5 },
    purchaseBehaviour: "purchase",
    options: ingestSchema.parse({ normalise: "none", maxRejectedShare: 1, memoryLimitMb: 512, ...options }),
    timeZone: "UTC",
    baseDir: folder,
    outDir: scratch(),
    threads: 2,
    ...rest,
  };
}

/** Runs the stage into memory, and checks that no temporary is left. */
export async function run(req: IngestRequest): Promise<{ result: IngestResult; sink: MemorySink; outDir: string }> {
  let sink: MemorySink | undefined;
  const outcome = ingestInto(req, (path, shape, metadata) => {
    sink = new MemorySink(path, shape, metadata);
    return sink;
  });
  await outcome.catch(() => {});
  const left = readdirSync(req.outDir).filter(
    (name) => !/^(\w+\.parquet|(journal|matrix|sequences)\.safetensors|ingest\.json)$/.test(name),
  );
  if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
  return { result: await outcome, sink: sink!, outDir: req.outDir };
}

/** Rows of a query with `?` standing for the path, as plain values. */
export async function query(sql: string, ...paths: string[]): Promise<Loose[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const reader = await connection.runAndReadAll(sql, paths);
    return reader.getRowObjectsJson() as Loose[];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

export const parquet = (outDir: string, name: string, columns = "*") =>
  query(`SELECT ${columns} FROM read_parquet(?)`, join(outDir, name));

/** Writes a file of any format with an unlocked DuckDB of the test's own. */
export async function writeWithDuckDb(sql: string, path: string, options: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    await connection.run(`COPY (${sql}) TO '${path.replaceAll("'", "''")}' (${options})`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
