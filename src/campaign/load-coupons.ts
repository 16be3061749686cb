import { isAbsolute, relative } from "node:path";
import { invalidArgument } from "../errors.js";
import { resolveFiles } from "../util/glob.js";
import { checkValue } from "./check-value.js";
import { couponFindings, ruleFindings } from "./coupon-checks.js";
import type { BrokenRecord, CouponRecord } from "./coupon-record.js";
import { CATALOGUE_ENDINGS, catalogueFormat, couponRecords } from "./coupon-records.js";
import { type Coupon, couponSchema } from "./coupon-schema.js";
import { type Finding, SyntaxProblem } from "./document.js";
import { isFields } from "./exactly-one-of.js";
import { IssueList, showValue } from "./issue-list.js";
import { nextTurn, readText } from "./read-text.js";

/** Largest catalogue file, unpacked: about a million coupons. Several files may be given. */
const MAX_CATALOGUE_BYTES = 256 * 2 ** 20;
/** How long checking goes on before the event loop gets a turn. */
const SLICE_MS = 8;

export interface LoadCouponsOptions {
  /** IANA name that times of coupons without a zone of their own are read in; it becomes their timeZone. */
  timeZone?: string;
  /** Gathers what is wrong instead of throwing; the result is then incomplete. */
  issues?: IssueList;
}

export interface LoadedCoupons {
  /** in ascending UTF-8 byte order of their ids, so that the order of files and lines decides nothing */
  coupons: Coupon[];
  /** absolute paths of the files read, in the order read */
  files: string[];
}

/** Checks coupons one after another: schema, zone, window, and that no id comes twice. */
export class CouponChecker {
  readonly #timeZone: string;
  readonly #issues: IssueList;
  readonly #places = new Map<string, string>();
  readonly #coupons: Coupon[] = [];

  constructor(timeZone: string, issues: IssueList) {
    this.#timeZone = timeZone;
    this.#issues = issues;
  }

  /** Every id seen, also of coupons that have other faults. */
  get ids(): ReadonlySet<string> {
    return new Set(this.#places.keys());
  }

  /** Faults of a raw coupon beyond its schema; `place` names it in the message about a second one of its id. */
  identify(raw: unknown, place: string): Finding[] {
    const findings = couponFindings(raw, this.#timeZone, []);
    const id = isFields(raw) ? raw.id : undefined;
    if (typeof id !== "string") return findings;
    const first = this.#places.get(id);
    if (first === undefined) this.#places.set(id, place);
    else {
      findings.push({
        path: ["id"],
        message: () => `expected an id of its own but received ${showValue(id)}, which ${first} has too`,
      });
    }
    return findings;
  }

  /** Checks one record of a catalogue file. */
  addRecord(record: CouponRecord, file: string): void {
    const checked = checkValue(couponSchema, record.value);
    const findings = [
      ...checked.findings,
      ...ruleFindings(record.value, []),
      ...this.identify(record.value, `${file}:${record.line}`),
    ];
    for (const { path, message } of findings) {
      const line = record.lineOf?.(path) ?? record.line;
      this.#issues.add({ file, line, path, label: couponLabel(record.value), message });
    }
    if (findings.length === 0 && checked.value !== undefined) this.accept(checked.value);
  }

  /** Takes a coupon whose checks have passed. */
  accept(coupon: Coupon): void {
    this.#coupons.push(coupon.timeZone === undefined ? { ...coupon, timeZone: this.#timeZone } : coupon);
  }

  /** The accepted coupons in ascending UTF-8 byte order of their ids. */
  sorted(): Coupon[] {
    // Strings compare by UTF-16 units, which is the order of bytes but for characters beyond U+D7FF.
    if (this.#coupons.some(({ id }) => /[\ud800-\uffff]/.test(id))) {
      return this.#coupons.sort((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
    }
    return this.#coupons.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  }
}

function couponLabel(raw: unknown): string {
  const id = isFields(raw) ? raw.id : undefined;
  return typeof id === "string" ? `coupon ${showValue(id)}` : "coupon without an id";
}

/** A file's name for messages: relative to the working folder when it lies beneath it. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === "" || short.startsWith("..") || isAbsolute(short) ? path : short;
}

async function readCatalogue(path: string, checker: CouponChecker, issues: IssueList): Promise<void> {
  const file = shownPath(path);
  const format = catalogueFormat(path);
  if (format === undefined) {
    throw invalidArgument(
      `${file}: expected a coupon catalogue that ends in ${CATALOGUE_ENDINGS.join(", ")} (or .gz)`,
      {
        file,
      },
    );
  }
  const text = await readText(path, MAX_CATALOGUE_BYTES, file);
  let sliceEnd = performance.now() + SLICE_MS;
  try {
    for (const record of await couponRecords(text, format)) {
      if ("problem" in record) addBroken(record, file, issues);
      else checker.addRecord(record, file);
      if (performance.now() > sliceEnd) {
        await nextTurn();
        sliceEnd = performance.now() + SLICE_MS;
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof SyntaxProblem)) throw thrown;
    addBroken({ line: thrown.line, problem: thrown.message }, file, issues);
  }
}

function addBroken({ line, problem }: BrokenRecord, file: string, issues: IssueList): void {
  issues.add({ file, line, path: [], message: () => problem });
}

/** Reads catalogues into a checker; see loadCoupons. Returns the files read. */
export async function readCatalogues(
  names: readonly string[],
  baseDir: string,
  checker: CouponChecker,
  issues: IssueList,
): Promise<string[]> {
  const files = new Set<string>();
  for (const name of names) for (const path of await resolveFiles(name, baseDir)) files.add(path);
  for (const path of files) await readCatalogue(path, checker, issues);
  return [...files];
}

/**
 * Loads coupon catalogues: JSON (a list), JSONL, YAML (a list) or CSV by the file's ending, each also as `.gz`.
 * Names are relative to baseDir; globs as in resolveFiles. Each coupon gets the time zone that its times
 * are read in. CSV columns are the coupon's fields, nested ones with a dot (`scope.items`); lists are separated by
 * `|`, tiers are `threshold:amount` pairs separated by `|`, eligibility is JSON, an empty cell is a field not given.
 *
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT with all faults, each with file, line, coupon id and field;
 * ERR_COUPONCAST_IO and ERR_COUPONCAST_CORRUPT_FILE from reading. Cost: about 2.5 s for 100,000 coupons (in YAML
 * 1 s for each MB, so a large catalogue is better JSONL or CSV); the event loop gets a turn every few milliseconds
 * (YAML: every 50 ms).
 */
export async function loadCoupons(
  names: string | readonly string[],
  baseDir: string,
  options: LoadCouponsOptions = {},
): Promise<LoadedCoupons> {
  const issues = options.issues ?? new IssueList();
  const checker = new CouponChecker(options.timeZone ?? "UTC", issues);
  const files = await readCatalogues(typeof names === "string" ? [names] : names, baseDir, checker, issues);
  if (options.issues === undefined) issues.throwIfAny();
  const coupons = checker.sorted();
  if (coupons.length === 0 && options.issues === undefined) {
    throw invalidArgument(`${files.map(shownPath).join(", ")}: expected at least one coupon but received none`, {
      file: files[0] === undefined ? undefined : shownPath(files[0]),
    });
  }
  return { coupons, files };
}
