import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { familySync, MUSL } from "detect-libc";
import { CouponcastError } from "../errors.js";

const require = createRequire(import.meta.url);

/** Name of the prebuilt binary for this platform, as @napi-rs/cli names it: linux-x64-gnu, linux-arm64-musl ... */
function platformTriple(): string {
  const libc = process.platform === "linux" ? (familySync() === MUSL ? "-musl" : "-gnu") : "";
  return `${process.platform}-${process.arch}${libc}`;
}

/**
 * Loads the native binary: one that was built here first, then the package of the platform.
 * Errors: ERR_COUPONCAST_UNSUPPORTED_PLATFORM, which names every place that was tried and why it failed.
 */
export function loadAddon(): Record<string, (...args: unknown[]) => unknown> {
  const triple = platformTriple();
  const candidates = [
    fileURLToPath(new URL(`../../prebuilds/couponcast.${triple}.node`, import.meta.url)),
    `@couponcast/core-${triple}`,
  ];
  const causes: string[] = [];
  for (const candidate of candidates) {
    try {
      return require(candidate);
    } catch (error) {
      causes.push(`  ${candidate}: ${(error as Error).message.split("\n")[0]}`);
    }
  }
  throw new CouponcastError(
    "ERR_COUPONCAST_UNSUPPORTED_PLATFORM",
    `expected a native binary for ${triple} (Node ${process.version}) but none could be loaded:\n${causes.join("\n")}`,
    {
      hint: "In a checkout run `npm run build`. As a dependency, install with optional packages (npm install --include=optional); the system library libhwy1 may be missing.",
    },
  );
}
