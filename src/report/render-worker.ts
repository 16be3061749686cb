/** Worker thread that renders the report: loading the chart library and drawing would hold up an event loop. */

import { renderReport } from "./render-report.js";
import type { ReportData } from "./report-data.js";

export default (data: ReportData): Promise<string> => renderReport(data);
