import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import type { ReportData } from "../report/report-data.js";

/** The report as HTML, rendered on a thread of its own. */
export async function renderInWorker(data: ReportData): Promise<string> {
  const filename = fileURLToPath(new URL("../report/render-worker.js", import.meta.url));
  const pool = new Piscina({ filename, minThreads: 0, maxThreads: 1 });
  try {
    return (await pool.run(data)) as string;
  } finally {
    await pool.destroy();
  }
}
