import { dirname, resolve } from "node:path";
import { invalidArgument, toCouponcastError } from "../errors.js";
import { pathOf } from "../util/arguments.js";
import { campaignFindings } from "./campaign-checks.js";
import { type Campaign, campaignSchema } from "./campaign-schema.js";
import { checkValue } from "./check-value.js";
import { ruleFindings } from "./coupon-checks.js";
import type { Coupon } from "./coupon-schema.js";
import { type Finding, type LocatedDocument, SyntaxProblem } from "./document.js";
import { isFields } from "./exactly-one-of.js";
import { IssueList, showValue } from "./issue-list.js";
import { limitFindings } from "./limit-checks.js";
import { CouponChecker, readCatalogues, shownPath } from "./load-coupons.js";
import { parseJson } from "./parse-json.js";
import { readText } from "./read-text.js";
import { campaignZoneOf } from "./time-checks.js";

/** Largest campaign file. Coupons in greater number belong into a catalogue of their own. */
const MAX_CAMPAIGN_BYTES = 16 * 2 ** 20;

export interface LoadedCampaign {
  /** defaults filled in */
  campaign: Campaign;
  /**
   * the coupons of the campaign file or of its catalogues, in ascending UTF-8 byte order of their ids, each with the
   * time zone that its times are read in
   */
  coupons: Coupon[];
  /** absolute path of the campaign file */
  path: string;
  /** absolute folder that relative paths of its inputs start at */
  baseDir: string;
  /** absolute paths of the campaign file and the catalogues, in the order read: what a digest has to cover */
  files: string[];
}

/** The parser by the file's ending; that of YAML is loaded only now. */
async function parserOf(path: string, shown: string): Promise<(text: string) => LocatedDocument> {
  const name = path.toLowerCase();
  if (name.endsWith(".json")) return parseJson;
  if (name.endsWith(".yaml") || name.endsWith(".yml")) return (await import("./parse-yaml.js")).parseYaml;
  throw invalidArgument(`${shown}: expected a campaign file that ends in .yaml, .yml or .json`, { file: shown });
}

/** The names of catalogue files when the raw campaign has them in a shape that can be read. */
function catalogueNames(raw: unknown): string[] {
  const coupons = isFields(raw) && isFields(raw.inputs) ? raw.inputs.coupons : undefined;
  const files = isFields(coupons) ? coupons.files : undefined;
  const names = typeof files === "string" ? [files] : files;
  return Array.isArray(names) && names.every((name) => typeof name === "string" && name !== "") ? names : [];
}

function inlineCoupons(raw: unknown): unknown[] {
  const coupons = isFields(raw) && isFields(raw.inputs) ? raw.inputs.coupons : undefined;
  return Array.isArray(coupons) ? coupons : [];
}

/** `coupon "C1"` for a path into the coupons of the campaign file, whose position alone says little. */
function labelOf(raw: unknown, path: readonly PropertyKey[]): string | undefined {
  if (path[0] !== "inputs" || path[1] !== "coupons" || typeof path[2] !== "number") return undefined;
  const coupon = inlineCoupons(raw)[path[2]];
  return isFields(coupon) && typeof coupon.id === "string" ? `coupon ${showValue(coupon.id)}` : undefined;
}

/**
 * Loads and checks a campaign file (YAML or JSON) and its coupon catalogues.
 *
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT with all that is wrong, each with file, line, field, what was expected,
 * what came, what is allowed and the nearest name; ERR_COUPONCAST_IO for files that cannot be read;
 * ERR_COUPONCAST_CORRUPT_FILE for a damaged gzip. Inputs other than catalogues are not opened.
 * Cost: see loadCoupons; 1 s for 1 MB of campaign file.
 */
export async function loadCampaign(path: string): Promise<LoadedCampaign> {
  const absolute = resolve(pathOf(path));
  const baseDir = dirname(absolute);
  const shown = shownPath(absolute);
  const issues = new IssueList();
  const parse = await parserOf(absolute, shown);
  const text = await readText(absolute, MAX_CAMPAIGN_BYTES, shown);
  let document: LocatedDocument;
  try {
    document = parse(text);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxProblem)) throw thrown;
    issues.add({ file: shown, line: thrown.line, path: [], message: () => thrown.message });
    issues.throwIfAny();
    throw thrown;
  }

  const raw = document.value;
  const add = (findings: readonly Finding[]): void => {
    for (const { path: at, message } of findings) {
      issues.add({ file: shown, line: document.lineOf(at), path: at, label: labelOf(raw, at), message });
    }
  };
  const checked = checkValue(campaignSchema, raw);
  add(checked.findings);
  add(campaignFindings(raw));

  const checker = new CouponChecker(campaignZoneOf(raw), issues);
  inlineCoupons(raw).forEach((coupon, i) => {
    const at = ["inputs", "coupons", i];
    const place = `inputs.coupons[${i}] (line ${document.lineOf(at)})`;
    add(ruleFindings(coupon, at));
    add(checker.identify(coupon, place).map((finding) => ({ ...finding, path: [...at, ...finding.path] })));
  });
  const names = catalogueNames(raw);
  const before = issues.count;
  let catalogues: string[] = [];
  try {
    catalogues = await readCatalogues(names, baseDir, checker, issues);
  } catch (thrown) {
    // A file that cannot be read must not hide what is wrong with those that can.
    if (issues.count === 0) throw thrown;
    const { message } = toCouponcastError(thrown);
    add([{ path: ["inputs", "coupons", "files"], message: () => message }]);
  }
  // With a catalogue that is not understood as a whole, a missing coupon is a consequence, not a fault.
  if (issues.count === before) add(limitFindings(raw, checker.ids));
  issues.throwIfAny();

  const campaign = checked.value;
  if (campaign === undefined) throw invalidArgument(`${shown}: expected a campaign`, { file: shown });
  if (Array.isArray(campaign.inputs.coupons)) for (const coupon of campaign.inputs.coupons) checker.accept(coupon);
  const coupons = checker.sorted();
  if (coupons.length === 0) {
    throw invalidArgument(`${catalogues.map(shownPath).join(", ")}: expected at least one coupon but received none`, {
      file: catalogues[0] === undefined ? shown : shownPath(catalogues[0]),
      hint: `named by inputs.coupons.files of ${shown}`,
    });
  }
  return { campaign, coupons, path: absolute, baseDir, files: [absolute, ...catalogues] };
}
