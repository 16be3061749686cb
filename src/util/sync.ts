/** What must survive a power cut is synced before the rename that makes it count. */
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Flushes a file, or a folder's list of names, to disk. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Flushes the files directly in a folder and the folder itself. */
export async function syncFolder(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isFile()) await syncPath(join(folder, entry.name));
  }
  await syncPath(folder);
}
