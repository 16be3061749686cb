import { z } from "zod";
import { didYouMean, nearestName } from "../util/nearest-name.js";
import { isFields } from "./exactly-one-of.js";

/** The part of a zod schema's definition that this module reads. */
interface Definition {
  type: string;
  innerType?: z.core.$ZodType;
  getter?: () => z.core.$ZodType;
  shape?: Record<string, z.core.$ZodType>;
  element?: z.core.$ZodType;
  keyType?: z.core.$ZodType;
  valueType?: z.core.$ZodType;
  options?: readonly z.core.$ZodType[];
  entries?: Record<string, string | number>;
  values?: readonly unknown[];
  checks?: readonly { _zod: { def: CheckDefinition } }[];
}

/** Bounds that the checks of a schema set. */
interface Bounds {
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  isInteger?: boolean;
  pattern?: RegExp;
}

/** The definition of one check; which fields there are depends on `check`. */
interface CheckDefinition {
  check: string;
  value?: number;
  inclusive?: boolean;
  minimum?: number;
  maximum?: number;
  length?: number;
  format?: string;
  pattern?: RegExp;
}

function definitionOf(schema: z.core.$ZodType): Definition {
  return schema._zod.def as unknown as Definition;
}

function boundsOf(schema: z.core.$ZodType): Bounds {
  const bounds: Bounds = {};
  for (const check of definitionOf(schema).checks ?? []) {
    const { check: kind, value = 0, inclusive, minimum, maximum, length, format, pattern } = check._zod.def;
    if (kind === "greater_than") bounds[inclusive === true ? "minimum" : "exclusiveMinimum"] = value;
    else if (kind === "less_than") bounds[inclusive === true ? "maximum" : "exclusiveMaximum"] = value;
    else if (kind === "number_format") bounds.isInteger = format?.includes("int") ?? false;
    else if (kind === "string_format" && pattern !== undefined) bounds.pattern = pattern;
    if (kind === "min_length" && minimum !== undefined) bounds.minLength = minimum;
    if (kind === "max_length" && maximum !== undefined) bounds.maxLength = maximum;
    if (kind === "length_equals" && length !== undefined)
      Object.assign(bounds, { minLength: length, maxLength: length });
  }
  return bounds;
}

const WRAPPERS = new Set(["optional", "nullable", "default", "prefault", "nonoptional", "readonly", "catch"]);

/** The schema beneath optional, default, lazy and the like. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  for (;;) {
    const definition = definitionOf(inner);
    if (definition.type === "lazy" && definition.getter !== undefined) inner = definition.getter();
    else if (WRAPPERS.has(definition.type) && definition.innerType !== undefined) inner = definition.innerType;
    else return inner;
  }
}

function flatOptions(schema: z.core.$ZodType): z.core.$ZodType[] {
  const inner = unwrap(schema);
  const { type, options } = definitionOf(inner);
  return type === "union" && options !== undefined ? options.flatMap(flatOptions) : [inner];
}

/** The fields of an object schema (its own branch when it is a union of objects: all of them), else none. */
export function fieldNames(schema: z.core.$ZodType): string[] {
  return [...new Set(flatOptions(schema).flatMap((option) => Object.keys(definitionOf(option).shape ?? {})))];
}

function accepts(schema: z.core.$ZodType, value: unknown): boolean {
  return flatOptions(schema).some((option) => {
    const { type } = definitionOf(option);
    if (Array.isArray(value)) return type === "array";
    if (isFields(value)) return type === "object" || type === "record";
    if (type === "enum" || type === "literal") return typeof value === "string" || typeof value === "number";
    return type === typeof value;
  });
}

/**
 * The branch of a union that the writer of `value` obviously meant: the only one of the value's own type; of several
 * object branches the one that shares most keys with the value, then the one whose keys resemble them. Undefined
 * when nothing speaks for any. Ties: the first.
 */
export function meantOption(options: readonly z.core.$ZodType[], value: unknown): number | undefined {
  const possible = options.map((_, i) => i).filter((i) => accepts(options[i]!, value));
  if (possible.length <= 1 || !isFields(value)) return possible.length === 1 ? possible[0] : undefined;
  const keys = Object.keys(value).slice(0, 100);
  const best = (score: (names: string[]) => number): number | undefined => {
    let winner: number | undefined;
    let top = 0;
    for (const i of possible) {
      const points = score(fieldNames(options[i]!));
      if (points > top) {
        top = points;
        winner = i;
      }
    }
    return winner;
  };
  return (
    best((names) => keys.filter((key) => names.includes(key)).length) ??
    best((names) => keys.filter((key) => nearestName(key, names) !== undefined).length)
  );
}

/** The schema of one field or element beneath an object, record or list schema, not yet unwrapped. */
function childSchema(parent: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined {
  const { type, shape, element, valueType } = definitionOf(parent);
  if (type === "object" && shape !== undefined) return Object.hasOwn(shape, key) ? shape[String(key)] : undefined;
  if (type === "array") return element;
  return type === "record" ? valueType : undefined;
}

/**
 * The schema of the field at a path of a value, unions on the way decided by meantOption; undefined when there is
 * none. The last schema is decided too, unless `keepUnion`.
 */
export function schemaAt(
  root: z.core.$ZodType,
  path: readonly PropertyKey[],
  value: unknown,
  keepUnion = false,
): z.core.$ZodType | undefined {
  let schema = root;
  let node = value;
  for (const part of path) {
    const next = childSchema(decide(schema, node), part);
    if (next === undefined) return undefined;
    schema = next;
    node = isFields(node) || Array.isArray(node) ? (node as Record<PropertyKey, unknown>)[part] : undefined;
  }
  return keepUnion ? schema : decide(schema, node);
}

/** Unwraps; of a union the meant option, or the union itself when none is meant. Keeps a titled schema's title. */
function decide(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  const inner = unwrap(schema);
  const { type, options } = definitionOf(inner);
  if (type !== "union" || options === undefined) return inner;
  const index = meantOption(options, value);
  // An undecided union goes by its title, which sits on the wrapper.
  return index === undefined ? schema : decide(options[index]!, value);
}

function range(low: number | undefined, high: number | undefined, unit: string): string {
  if (low !== undefined && high !== undefined)
    return low === high ? `exactly ${low}${unit}` : `${low} to ${high}${unit}`;
  if (low !== undefined) return `at least ${low}${unit}`;
  return high !== undefined ? `at most ${high}${unit}` : "";
}

function describeNumber({ isInteger, ...bounds }: Bounds): string {
  const parts: string[] = [];
  if (bounds.exclusiveMinimum !== undefined) parts.push(`> ${bounds.exclusiveMinimum}`);
  if (bounds.minimum !== undefined) parts.push(`>= ${bounds.minimum}`);
  if (bounds.exclusiveMaximum !== undefined) parts.push(`< ${bounds.exclusiveMaximum}`);
  if (bounds.maximum !== undefined) parts.push(`<= ${bounds.maximum}`);
  return [isInteger === true ? "integer" : "number", parts.join(" and ")].filter((part) => part !== "").join(" ");
}

function describeText({ pattern, minLength, maxLength }: Bounds): string {
  if (pattern !== undefined) return `text that matches ${pattern.source}`;
  if (minLength === 1 && maxLength === undefined) return "non-empty text";
  const size = range(minLength, maxLength, " characters");
  return size === "" ? "text" : `text of ${size}`;
}

/** What a schema allows, as the words after "expected". */
export function describeSchema(schema: z.core.$ZodType): string {
  const title = z.globalRegistry.get(schema)?.title;
  if (title !== undefined) return title;
  const inner = unwrap(schema);
  if (inner !== schema) return describeSchema(inner);
  const definition = definitionOf(inner);
  switch (definition.type) {
    case "string":
      return describeText(boundsOf(inner));
    case "number":
      return describeNumber(boundsOf(inner));
    case "boolean":
      return "true or false";
    case "enum":
      return `one of ${Object.values(definition.entries ?? {}).join(", ")}`;
    case "literal":
      return (definition.values ?? []).map((value) => JSON.stringify(value)).join(" or ");
    case "array": {
      const { minLength, maxLength } = boundsOf(inner);
      const size = range(minLength, maxLength, "");
      const of = definition.element === undefined ? "" : ` of ${describeSchema(definition.element)}`;
      return size === "" ? `a list${of}` : `a list (${size} elements)${of}`;
    }
    case "object":
      return `an object with ${Object.keys(definition.shape ?? {}).join(", ")}`;
    case "record":
      return `an object of names, each with ${definition.valueType === undefined ? "a value" : describeSchema(definition.valueType)}`;
    case "union":
      return (definition.options ?? []).map(describeSchema).join(", or ");
    default:
      return definition.type;
  }
}

/** `; did you mean "x"?` when the schema is an enumeration and the value is near one of its names. */
export function suggestValue(schema: z.core.$ZodType, value: unknown): string {
  const { type, entries } = definitionOf(unwrap(schema));
  if (type !== "enum" || typeof value !== "string") return "";
  return didYouMean(value, Object.values(entries ?? {}).map(String));
}

/** Whether a schema takes values of this JSON type, for hints about quotes. */
export function takes(schema: z.core.$ZodType, type: "string" | "number" | "boolean"): boolean {
  return flatOptions(schema).some((option) => definitionOf(option).type === type);
}

/** The options of the union beneath a schema, or undefined when it is none. */
export function unionOptions(schema: z.core.$ZodType): readonly z.core.$ZodType[] | undefined {
  const definition = definitionOf(unwrap(schema));
  return definition.type === "union" ? definition.options : undefined;
}

/** The schema of the keys of a record, or undefined when it is none. */
export function recordKeySchema(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  return definitionOf(unwrap(schema)).keyType;
}
