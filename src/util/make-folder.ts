import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and its parents, and adds those that were not there to `made`, deepest first. Not by the recursive
 * option of mkdir, which never returns where the system answers ENOENT to a mkdir in a folder that exists (/proc).
 */
export async function makeFolder(path: string, made: string[] = []): Promise<void> {
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
    await makeFolder(dirname(path), made);
  }
  try {
    await mkdir(path);
    made.unshift(path);
  } catch (thrown) {
    // Somebody else may have made it in the meantime.
    if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
  }
}
