/** A real Postgres (pglite) that speaks the wire protocol on loopback. */
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { request, run, scratch, write } from "../ingest/harness.js";

const ENV = "COUPONCAST_TEST_POSTGRES";
let database: PGlite;
let server: PGLiteSocketServer;
let url: string;

beforeAll(async () => {
  database = await PGlite.create();
  await database.exec(`
    CREATE TABLE log (uid int8, item text, what text, at timestamptz, price numeric(12, 2));
    INSERT INTO log SELECT i % 5000, 'i' || i % 7, CASE i % 3 WHEN 0 THEN 'purchase' ELSE 'browse' END,
      timestamptz '2024-01-01 00:00:00+01' + i * interval '1 second', i / 100.0 FROM generate_series(1, 25000) AS i;
    INSERT INTO log VALUES (NULL, 'i1', 'browse', now(), NULL), (1, '', 'browse', now(), NULL), (1, 'i1', 'browse', NULL, NULL);
    CREATE TABLE people (user_id int8, tier text, age int);
    INSERT INTO people VALUES (1, 'gold', 40), (2, NULL, 30);`);
  server = new PGLiteSocketServer({ db: database, port: 0, host: "127.0.0.1" });
  await server.start();
  url = `postgres://someone:s3cret-word@${server.getServerConn()}/postgres?sslmode=disable`;
}, 120_000);

afterAll(async () => {
  await server?.stop();
  await database?.close();
});

afterEach(() => {
  delete process.env[ENV];
});

const source = (query: string) => ({
  postgres: { connectionEnv: ENV, query },
  columns: { user: "uid", item: "item", behaviour: "what", time: "at", price: "price" },
  price: { unit: "major" },
});

describe("Postgres", () => {
  it("streams a query by cursor", async () => {
    process.env[ENV] = url;
    const users = { postgres: { connectionEnv: ENV, query: "SELECT * FROM people" } };
    const { result, sink } = await run(request(scratch(), source("SELECT * FROM log"), { users }));
    expect(result.rowsRead).toBe(25_003);
    expect(result.rejected).toEqual({ missing_item: 1, missing_time: 1, missing_user: 1 });
    expect(result.numUsers).toBe(5000);
    expect(sink.items).toEqual(["i0", "i1", "i2", "i3", "i4", "i5", "i6"]);
    expect(result.firstEvent).toBe("2023-12-31T23:00:01.000Z");
    expect(result.eventsByBehaviour.purchase).toBe(8333);
  });

  it("gives the same result as the same rows in a file", async () => {
    process.env[ENV] = url;
    const folder = scratch();
    const { rows } = await database.query<Record<string, unknown>>(
      "SELECT uid, item, what, at::text, price FROM log WHERE uid < 50",
    );
    write(folder, "e.jsonl", rows.map((r) => JSON.stringify(r)).join("\n"));
    const fromServer = await run(request(folder, source("SELECT * FROM log WHERE uid < 50")));
    const { postgres: _, ...rest } = source("");
    const fromFile = await run(request(folder, { ...rest, files: "e.jsonl" }));
    expect(fromServer.sink.cells).toEqual(fromFile.sink.cells);
    expect({ ...fromServer.result, inputs: [] }).toEqual({ ...fromFile.result, inputs: [] });
  });

  it("shows the server's complaint about the query, with the columns where one is missing", async () => {
    process.env[ENV] = url;
    await expect(run(request(scratch(), source("SELECT nonsense FROM log")))).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: expect.stringMatching(/nonsense.*42703/),
    });
    await expect(
      run(request(scratch(), source("SELECT uid, item, what, price FROM log LIMIT 0"))),
    ).rejects.toMatchObject({
      message: expect.stringContaining(`expected a column "at", found "uid", "item", "what", "price"`),
    });
  });

  it("may not write", async () => {
    process.env[ENV] = url;
    const sql = "WITH gone AS (DELETE FROM log RETURNING *) SELECT * FROM gone";
    await expect(run(request(scratch(), source(sql)))).rejects.toMatchObject({
      message: expect.stringContaining("read-only"),
    });
  });

  it("never shows the connection string", async () => {
    const attempts = [
      "postgres://someone:s3cret-word@127.0.0.1:1/x",
      "postgres://someone:s3cret-word@[bad",
      "s3cret-word",
    ];
    for (const attempt of attempts) {
      process.env[ENV] = attempt;
      const error = await run(request(scratch(), source("SELECT 1"))).then(
        () => undefined,
        (thrown: unknown) => thrown as Error & { hint?: string },
      );
      expect(error?.message).toContain(ENV);
      expect(`${error?.message} ${error?.hint} ${JSON.stringify(error)}`).not.toContain("s3cret");
    }
    delete process.env[ENV];
    await expect(run(request(scratch(), source("SELECT 1")))).rejects.toMatchObject({
      message: `expected a Postgres connection string in the environment variable ${ENV}`,
    });
  });
});
