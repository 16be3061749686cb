/** stage.json: a finished stage's result, and what its files held when it finished. */
import { createHash } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

const SEAL = "stage.json";

/** XXH3 of files, in their order. */
export type DigestFiles = (paths: readonly string[]) => Promise<string[]>;

interface SealedFile {
  name: string;
  bytes: number;
  xxh3: string;
}

interface Seal {
  name: string;
  key: string;
  result: unknown;
  /** SHA-256 of the result's JSON. */
  resultDigest: string;
  files: SealedFile[];
}

const digestOf = (result: unknown): string => createHash("sha256").update(JSON.stringify(result)).digest("hex");

async function describeFiles(dir: string, digest: DigestFiles): Promise<SealedFile[]> {
  const names = (await readdir(dir)).filter((name) => name !== SEAL).sort();
  const digests = await digest(names.map((name) => join(dir, name)));
  const described: SealedFile[] = [];
  for (const [index, name] of names.entries()) {
    described.push({ name, bytes: (await stat(join(dir, name))).size, xxh3: digests[index]! });
  }
  return described;
}

/** Writes stage.json over a complete folder. Cost: one read of its files, which are still in memory. */
export async function sealStage(
  dir: string,
  name: string,
  key: string,
  result: unknown,
  digest: DigestFiles,
): Promise<void> {
  const seal: Seal = { name, key, result, resultDigest: digestOf(result), files: await describeFiles(dir, digest) };
  await writeFile(join(dir, SEAL), JSON.stringify(seal));
}

/**
 * The result of a finished stage, or undefined when there is none to trust: no folder, or one whose files are not the
 * ones that were sealed (truncated, changed, missing, more). Sizes first, so that only what looks right is read.
 */
export async function openSeal<T>(dir: string, key: string, digest: DigestFiles): Promise<T | undefined> {
  let seal: Seal;
  try {
    seal = JSON.parse(await readFile(join(dir, SEAL), "utf8")) as Seal;
  } catch {
    return undefined;
  }
  if (seal?.key !== key || !Array.isArray(seal.files) || seal.result === undefined) return undefined;
  if (seal.resultDigest !== digestOf(seal.result)) return undefined;
  for (const { name, bytes } of seal.files) {
    const size = await stat(join(dir, name)).then(
      ({ size }) => size,
      () => -1,
    );
    if (size !== bytes) return undefined;
  }
  const files = await describeFiles(dir, digest);
  return JSON.stringify(files) === JSON.stringify(seal.files) ? (seal.result as T) : undefined;
}
