import { inspect } from "node:util";
import { invalidArgument } from "../errors.js";

const SHOWN = 100;

/** What came, for a message: short, even where it is an array of millions. */
export function shown(value: unknown): string {
  const isObject = typeof value === "object" && value !== null;
  const text = isObject ? inspect(value, { depth: 0, maxArrayLength: 3, breakLength: Infinity }) : String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}

/** Checks of arguments that users of the library pass; the messages name the argument. */
export function integerBetween(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    throw invalidArgument(
      `expected integer between ${min} and ${max} for ${name} but received ${shown(value)} of type ${typeof value}`,
    );
  }
  return value;
}

export function numberBetween(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== "number" || !(value >= min && value <= max)) {
    throw invalidArgument(
      `expected number between ${min} and ${max} for ${name} but received ${shown(value)} of type ${typeof value}`,
    );
  }
  return value;
}

export function booleanOf(name: string, value: unknown): boolean {
  if (typeof value !== "boolean")
    throw invalidArgument(`expected true or false for ${name} but received ${shown(value)} of type ${typeof value}`);
  return value;
}

/** A callback, if there is one. */
export function callbackOf<T>(name: string, value: T): T {
  if ((value ?? undefined) !== undefined && typeof value !== "function")
    throw invalidArgument(`expected a function for ${name} but received ${shown(value)} of type ${typeof value}`);
  return value;
}

export function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if (!allowed.includes(value as T)) {
    throw invalidArgument(`expected one of ${allowed.join(", ")} for ${name} but received ${shown(value)}`);
  }
  return value as T;
}

/** What is no object has no fields to check. */
export function fieldsOf<T>(name: string, value: T): T {
  if (typeof value !== "object" || value === null)
    throw invalidArgument(`expected an object for ${name} but received ${shown(value)} of type ${typeof value}`);
  return value;
}

export function arrayOf<T>(name: string, value: readonly T[]): readonly T[] {
  if (!Array.isArray(value))
    throw invalidArgument(`expected an array for ${name} but received ${shown(value)} of type ${typeof value}`);
  return value;
}

export function typedArrayOf<T>(name: string, array: T, type: new (length: number) => T): T {
  if (!(array instanceof type)) throw invalidArgument(`expected ${type.name} for ${name} but received ${shown(array)}`);
  return array;
}

export function textOf(name: string, value: string): string {
  if (typeof value !== "string")
    throw invalidArgument(`expected text for ${name} but received ${shown(value)} of type ${typeof value}`);
  return value;
}

export function pathOf(value: string): string {
  if (typeof value !== "string" || value.length === 0 || value.includes("\0"))
    throw invalidArgument(`expected a path but received ${shown(value)}`);
  return value;
}
