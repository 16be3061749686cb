/** Ways in which a file may be broken or hostile. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Random } from "../../../src/util/random.js";

/** Of the file: text that a line reader sees, and what the text is. */
export type Kind = "binary" | "table" | "json" | "yaml" | "list";

export interface Damage {
  name: string;
  /** Files that can be broken so; default: all. */
  kinds?: readonly Kind[];
  /** Puts the broken file at `path`, which does not exist yet. */
  write(path: string, bytes: Buffer, random: Random): void;
}

const MEGABYTE = 1 << 20;
const TEXTS: readonly Kind[] = ["table", "json", "yaml", "list"];

/** A whole number from 0 to less than `end`. */
function below(random: Random, end: number): number {
  return Math.floor(random.next() * end);
}

function bytes(name: string, change: (bytes: Buffer, random: Random) => Buffer, kinds?: readonly Kind[]): Damage {
  return {
    name,
    ...(kinds === undefined ? {} : { kinds }),
    write: (path, valid, random) => writeFileSync(path, change(valid, random)),
  };
}

function text(name: string, change: (text: string, random: Random) => string | Buffer, kinds = TEXTS): Damage {
  return bytes(name, (valid, random) => Buffer.from(change(valid.toString("utf8"), random) as string), kinds);
}

/** Replaces one of the numbers of the text, not of its first line. */
function oneNumber(replacement: string): (text: string, random: Random) => string {
  return (all, random) => {
    const numbers = [...all.matchAll(/(?<![\w.])\d+(\.\d+)?(?![\w.])/g)].filter((m) => m.index > all.indexOf("\n"));
    if (numbers.length === 0) return `${all}\n${replacement}`;
    const { 0: old, index } = numbers[below(random, numbers.length)]!;
    return all.slice(0, index) + replacement + all.slice(index + old.length);
  };
}

/** Replaces the first field of every line but the first. */
function everyId(id: string): (text: string) => string {
  return (all) => all.replace(/(?<=\n)[^,\n]+(?=,)/g, id);
}

function flipped(valid: Buffer, random: Random, flips: number, end: number): Buffer {
  const out = Buffer.from(valid);
  for (let i = 0; i < flips && out.length > 0; i++) {
    out[below(random, Math.min(end, out.length))]! ^= 1 << below(random, 8);
  }
  return out;
}

const YAML_BOMB = `a: &a [x, x, x, x, x, x, x, x, x]\n${[..."bcdefghi"]
  .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[i]}`).join(", ")}]`)
  .join("\n")}\n`;

const BYTES: Damage[] = [
  bytes("empty", () => Buffer.alloc(0)),
  bytes("cut anywhere", (valid, random) => valid.subarray(0, below(random, valid.length + 1))),
  bytes("last byte missing", (valid) => valid.subarray(0, -1)),
  bytes("bytes at the end", (valid) => Buffer.concat([valid, Buffer.alloc(8, 0xab)])),
  bytes("one bit flipped", (valid, random) => flipped(valid, random, 1, valid.length)),
  bytes("bits flipped in the first bytes", (valid, random) => flipped(valid, random, 3, 256)),
  bytes("many bits flipped", (valid, random) => flipped(valid, random, 200, valid.length)),
  bytes("last bytes wrong", (valid) => Buffer.concat([valid.subarray(0, -16), Buffer.alloc(16, 0xff)])),
  bytes("zeros", (valid) => Buffer.alloc(Math.min(valid.length, MEGABYTE))),
  bytes("noise", (_, random) => Buffer.from(Array.from({ length: 4096 }, () => below(random, 256)))),
  bytes("twice", (valid) => Buffer.concat([valid, valid])),
  bytes("gzip under another name", (valid) => gzipSync(valid)),
  bytes("a huge header", (valid) => Buffer.concat([Buffer.from("ffffffffffffff7f", "hex"), valid.subarray(8)])),
  bytes("a web page", () => Buffer.from("<!doctype html>\n<title>404</title>\n<p>Not found\n")),
  bytes("nothing but a line", () => Buffer.from("\n")),
];

const TEXT: Damage[] = [
  bytes("UTF-16", (valid) => Buffer.from(`\ufeff${valid.toString("utf8")}`, "utf16le"), TEXTS),
  text("BOM", (all) => `\ufeff${all}`),
  bytes(
    "latin-1",
    (valid) => Buffer.from(valid.toString("utf8").replace(/[a-z](?=,|"|\n)/g, "\u00e9"), "latin1"),
    TEXTS,
  ),
  text("CRLF", (all) => all.replaceAll("\n", "\r\n")),
  text("CR", (all) => all.replaceAll("\n", "\r")),
  text("NUL bytes", (all) => all.replaceAll(",", ",\0")),
  text("a line of 10 MB", (all) => `${all}${"x".repeat(10 * MEGABYTE)}\n`),
  text("a huge number", oneNumber("1e308")),
  text("a number beyond 64 bits", oneNumber("9223372036854775808")),
  text("a number of 400 digits", oneNumber("9".repeat(400))),
  text("NaN", oneNumber("NaN")),
  text("a negative number", oneNumber("-1")),
  text("infinity", oneNumber("-Infinity")),
  text("a formula", oneNumber("=1+1")),
];

const TABLES: readonly Kind[] = ["table"];
const TABLE: Damage[] = [
  text("header only", (all) => all.slice(0, all.indexOf("\n") + 1), TABLES),
  text("no header", (all) => all.slice(all.indexOf("\n") + 1), TABLES),
  text("a header twice", (all) => all.replace(/^.*\n/, (line) => line + line), TABLES),
  text("columns of one name", (all) => all.replace(/^[^,\n]+,[^,\n]+/, (two) => two.replace(/.*,/, "$`$&")), TABLES),
  text("a quote that stays open", (all) => all.replace(/(?<=\n)/, '"'), TABLES),
  text("too many fields", (all) => all.replace(/\n/g, ",1,2,3\n"), TABLES),
  text("one long field", (all) => `${all}"${"y\n".repeat(MEGABYTE)}",1,1,1\n`, TABLES),
  text("ids that are paths", everyId("../../../../tmp/couponcast-escaped"), TABLES),
  text("ids that drive a terminal", everyId("\u001b[2J\u009b31m"), TABLES),
  text("ids that are SQL", everyId("'; DROP TABLE events; --"), TABLES),
  text("100,000 columns", (all) => all.replace(/^/, `${"c,".repeat(100_000)}`), TABLES),
];

const JSON_ONLY: readonly Kind[] = ["json"];
const YAML_ONLY: readonly Kind[] = ["yaml"];
const DOCUMENT: Damage[] = [
  text("nested 100,000 deep", () => "[".repeat(100_000) + "]".repeat(100_000), ["json", "yaml"]),
  text("a prototype", (all) => all.replace("{", '{"__proto__":{"kind":"percent"},'), JSON_ONLY),
  text("keys twice", (all) => all.replace(/"id":/, '"id":"x","id":'), JSON_ONLY),
  text("null", () => "null", ["json", "yaml"]),
  text("a list of nulls", () => "[null,null]", ["json", "yaml"]),
  text("strings of 1 MB", (all) => all.replace(/"id":"/g, `"id":"${"z".repeat(MEGABYTE)}`), JSON_ONLY),
  text("a bomb of aliases", (all) => `${YAML_BOMB}${all}`, YAML_ONLY),
  text("a bomb as a value", (all) => `${YAML_BOMB}${all.replace(/^name:.*$/m, "name: *i")}`, YAML_ONLY),
  text("an alias of itself", (all) => `${all}\nrules: &r [*r]\n`, YAML_ONLY),
  text("tags of a language", (all) => `${all}\nextra: !!js/function 'function () {}'\n`, YAML_ONLY),
  text("tabs", (all) => all.replaceAll("  ", "\t"), YAML_ONLY),
  text("a key twice", (all) => `${all}\nname: again\n`, YAML_ONLY),
  text("two documents", (all) => `${all}\n---\n${all}`, YAML_ONLY),
  text("files far away", (all) => all.replace(/files: .*/, "files: ../../../../../../etc/passwd"), YAML_ONLY),
  text("a device as a file", (all) => all.replace(/files: .*/, "files: /dev/zero"), YAML_ONLY),
];

/** A file that is none. */
const PLACES: Damage[] = [
  { name: "missing", write: () => {} },
  { name: "a folder", write: (path) => void mkdirSync(path) },
  { name: "a pipe that nobody writes to", write: (path) => void spawnSync("mkfifo", [path]) },
  { name: "a link to itself", write: (path) => symlinkSync(path, path) },
  { name: "a link to nothing", write: (path) => symlinkSync("/nonexistent/file", path) },
  { name: "a link to an endless device", write: (path) => symlinkSync("/dev/zero", path) },
  {
    name: "not to be read",
    write: (path, valid) => {
      writeFileSync(path, valid);
      chmodSync(path, 0);
    },
  },
];

export const DAMAGES: readonly Damage[] = [...PLACES, ...BYTES, ...TEXT, ...TABLE, ...DOCUMENT];
