import { describe, expect, it } from "vitest";
import { cli } from "./run-cli.js";

/** Arguments, and what the first line and the hint must say. */
const CASES: [args: string[], message: RegExp, hint: RegExp][] = [
  [["inspct"], /unknown command 'inspct'/, /did you mean inspect\?/],
  [["run", "c.yaml", "--outt", "x"], /unknown option '--outt'/, /did you mean --out\?/],
  [["run"], /missing required argument 'campaign'/, /couponcast run --help/],
  [["run", "c.yaml"], /required option '-o, --out <dir>' not specified/, /couponcast run --help/],
  [["run", "a.yaml", "b.yaml", "--out", "x"], /too many arguments/, /couponcast run --help/],
  [["run", "c.yaml", "--out", "x", "--threads", "0"], /--threads.*'0'.*whole number from 1 to 1,024/, /--help/],
  [["run", "c.yaml", "--out", "x", "--json", "--quiet"], /cannot be used with/, /--help/],
  [["similar", "m", "--axis", "users", "-o", "x.csv", "-k", "abc"], /-k, --neighbours.*'abc'.*whole number/, /--help/],
  [["similar", "m", "--axis", "users", "-o", "x.csv", "-k", "1.5"], /'1.5'.*whole number/, /--help/],
  [["similar", "m", "--axis", "users", "-o", "x.csv", "-k", "-1"], /'-1'.*whole number/, /--help/],
  [["similar", "m", "--axis", "users", "-o", "x.csv", "-k", "0x10"], /'0x10'.*whole number/, /--help/],
  [["similar", "m", "--axis", "users", "-o", "x.csv", "-k", ""], /whole number/, /--help/],
  [["similar", "m", "--axis", "users", "-o", "x.csv", "--b", "2"], /'2'.*number from 0 to 1/, /--help/],
  [["similar", "m", "--axis", "users", "-o", "x.csv", "--lambda", "0"], /'0'.*from 0|above 0/, /--help/],
  [["similar", "m", "--axis", "usrs", "-o", "x.csv"], /'usrs'.*users, items/, /--help/],
  [["recommend", "m", "-o", "x.csv", "--method", "knn"], /'knn'.*item-knn/, /--help/],
  [["ingest", "-o", "x.safetensors"], /missing required argument 'files'/, /--help/],
  [["ingest", "e.csv", "-o", "x.safetensors", "--weights", "browse"], /'browse'.*name=number/, /--help/],
  [["ingest", "e.csv", "-o", "x.safetensors", "--weights", "a=1,a=2"], /twice/, /--help/],
  [["ingest", "e.csv", "-o", "x.safetensors", "--time-zone", "Mars/Base"], /IANA time zone/, /--help/],
  [["ingest", "e.csv", "-o", "x.safetensors", "--as-of", "yesterday"], /ISO 8601/, /--help/],
  [["ingest", "e.csv", "-o", "x.safetensors", "--max-rejected-share", "50"], /'50'.*from 0 to 1/, /--help/],
  [["allocate", "c.csv", "-o", "x.csv"], /required option '--budget <minor>'/, /--help/],
  [["allocate", "c.csv", "-o", "x.csv", "--budget", "12.50"], /'12.50'.*minor units/, /--help/],
  [["allocate", "c.csv", "-o", "x.csv", "--budget", "1", "--stock", "A"], /'A'.*name=number/, /--help/],
  [["synth", "--users", "1", "--items", "20", "--events", "1", "--coupons", "8", "-o", "x"], /'1'.*from 2/, /--help/],
];

describe("mistakes in the call", () => {
  it.each(CASES)("%j", async (args, message, hint) => {
    const { code, stdout, stderr } = await cli(args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    const [first, second, ...rest] = stderr.split("\n");
    expect(first).toMatch(/^couponcast: /);
    expect(first).toMatch(message);
    expect(second).toMatch(/^hint: /);
    expect(second).toMatch(hint);
    expect(rest).toEqual([""]);
  });
});
