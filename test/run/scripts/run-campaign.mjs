// Runs a campaign and prints a line a stage. Arguments: campaign, out, threads, and where to die: "<stage> <state>",
// or "" to live. With "force" as the last argument the outputs of another run are replaced.
import { writeSync } from "node:fs";
import { runCampaign } from "../../../dist/run/run-campaign.js";

const [campaign, out, threads, dieAt, force] = process.argv.slice(2);
const say = (line) => writeSync(1, `${line}\n`);
const onStage = (name, state) => {
  say(`${name} ${state}`);
  if (`${name} ${state}` === dieAt) process.kill(process.pid, "SIGKILL");
};
try {
  const { upToDate } = await runCampaign(campaign, {
    out,
    threads: Number(threads),
    force: force === "force",
    onStage,
  });
  say(upToDate ? "up to date" : "finished");
} catch (error) {
  say(`failed ${error.code}: ${error.message}`);
  process.exitCode = 1;
}
