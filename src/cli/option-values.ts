/** Parsers of option values: what commander calls, so that a mistake names its option and ends with exit code 2. */
import { InvalidArgumentError } from "commander";
import { parseInstant, timeZoneProblem } from "../campaign/instant.js";

/** Decimal, with an exponent or with _ between digits: 12, 0.5, 1e6, 1_000_000. */
const NUMBER = /^[+-]?(\d+(_\d+)*\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function numberOf(text: string): number {
  return NUMBER.test(text) ? Number(text.replaceAll("_", "")) : Number.NaN;
}

function grouped(n: number): string {
  return n.toLocaleString("en-US", { maximumFractionDigits: 20 });
}

/** A whole number from min to max. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = numberOf(text);
    if (!Number.isInteger(value) || value < min || value > max) {
      const upTo =
        max === Number.MAX_SAFE_INTEGER ? `of at least ${grouped(min)}` : `from ${grouped(min)} to ${grouped(max)}`;
      throw new InvalidArgumentError(`Expected a whole number ${upTo}.`);
    }
    return value;
  };
}

/** A number from min (or more than min, when `open`) to max. */
export function decimal(min: number, max = Number.POSITIVE_INFINITY, open = false): (text: string) => number {
  return (text) => {
    const value = numberOf(text);
    if (!Number.isFinite(value) || value < min || value > max || (open && value === min)) {
      const range =
        max === Number.POSITIVE_INFINITY
          ? `${open ? "above" : "of at least"} ${min}`
          : open
            ? `above ${min} and at most ${max}`
            : `from ${min} to ${max}`;
      throw new InvalidArgumentError(`Expected a number ${range}.`);
    }
    return value;
  };
}

/** Minor units of money (cents), infinitely many for "none": commander takes neither undefined nor null. */
export function moneyOrNone(text: string): number {
  if (text.toLowerCase() === "none") return Number.POSITIVE_INFINITY;
  try {
    return integer(0, 9e12)(text);
  } catch {
    throw new InvalidArgumentError('Expected a whole number of minor units (cents), or "none" for no limit.');
  }
}

/** Cuts `name=number` at the last =, so that names may hold one. */
function pairOf(text: string, check: (text: string) => number): [string, number] {
  const at = text.lastIndexOf("=");
  if (at <= 0) throw new InvalidArgumentError("Expected name=number.");
  return [text.slice(0, at).trim(), check(text.slice(at + 1).trim())];
}

/** `browse=1,search=2` as an object. */
export function weights(text: string): Record<string, number> {
  const pairs = text.split(",").map((part) => pairOf(part, decimal(0, 1e6)));
  const names = pairs.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new InvalidArgumentError(`${JSON.stringify(twice)} stands there twice.`);
  return Object.fromEntries(pairs);
}

/** A repeatable `name=number`. */
export function namedNumber(check: (text: string) => number) {
  return (text: string, before: ReadonlyMap<string, number> = new Map()): ReadonlyMap<string, number> => {
    const [name, value] = pairOf(text, check);
    if (before.has(name)) throw new InvalidArgumentError(`${JSON.stringify(name)} stands there twice.`);
    return new Map([...before, [name, value]]);
  };
}

/** `a,b,c` as a list. */
export function list(text: string): string[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.some((part) => part === "")) throw new InvalidArgumentError("Expected names with commas between them.");
  return parts;
}

export function instant(text: string): string {
  if (parseInstant(text, "UTC") === undefined) {
    throw new InvalidArgumentError("Expected an ISO 8601 date or time, such as 2025-07-01 or 2025-07-01T00:00:00Z.");
  }
  return text;
}

export function timeZone(text: string): string {
  const problem = timeZoneProblem(text);
  if (problem !== undefined) throw new InvalidArgumentError(`${problem}.`);
  return text;
}

export function oneCharacter(text: string): string {
  const character = text === "\\t" ? "\t" : text;
  if ([...character].length !== 1) throw new InvalidArgumentError("Expected one character, or \\t for a tab.");
  return character;
}
