import { addon } from "./addon.js";

/** Version of the core, as in package.json. */
export function coreVersion(): string {
  return addon().coreInfo({}).version;
}

/** SIMD targets that this binary holds and this processor runs, best first. */
export function simdTargets(): string[] {
  return addon().coreInfo({}).simdTargets;
}
