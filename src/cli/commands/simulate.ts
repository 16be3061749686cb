import { resolve } from "node:path";
import type { Command } from "commander";
import { count, mean, moneyFormat, percent } from "../../report/format.js";
import type { Simulation } from "../../simulate/simulation.js";
import { addCommand, addCommonOptions, type CommonOptions, required, type Session, setAction } from "../command.js";
import { integer } from "../option-values.js";
import { counted, table } from "../text-layout.js";
import { addReport, writeReport } from "./evaluate/report-option.js";

interface SimulateOptions extends CommonOptions {
  run: string;
  truth: string;
  policy?: string;
  randomPlays: number;
  ablations: boolean;
  report?: string;
}

export function addSimulate(program: Command): void {
  const command = addCommand(program, {
    name: "simulate",
    summary: "what the campaign would really earn in a synthetic shop",
    description: `Plays a campaign against the truth that \`couponcast synth\` planted: who redeems, who would have bought anyway, and the
profit that is left. Beside it: an oracle that knows the truth, random coupons, each user's highest score, one coupon
for everybody, one redemption rate for everybody, rules by hand, and the campaign without each of its parts.
Where the campaign explores, its coupons are those that its lot drew; nothing else here explores.

Takes the finished stages of \`couponcast run CAMPAIGN --out DIR\`, and runs what is missing.`,
    examples: [
      ["a run and what it would earn", "simulate shop/campaign.yaml --run result --truth shop/truth.safetensors"],
      [
        "a policy of one's own: user_id and coupon_id, in the order of handing out",
        "simulate shop/campaign.yaml --run result --truth shop/truth.safetensors --policy mine.csv",
      ],
      [
        "a page with charts",
        "simulate shop/campaign.yaml --run result --truth shop/truth.safetensors --report simulation.html",
      ],
    ],
  })
    .argument("<campaign>", "campaign file of a synthetic shop")
    .addOption(required("--run <dir>", "folder of the campaign's run"))
    .addOption(required("--truth <file>", "truth.safetensors of the shop"))
    .option("--policy <table>", "assignments to judge: user_id, coupon_id")
    .option("--random-plays <count>", "plays of the random policy", integer(1, 1000), 10)
    .option("--no-ablations", "do not play the campaign without its parts");
  addReport(command);
  addCommonOptions(command);
  setAction<SimulateOptions>(command, async (session, [campaign], options) => {
    const { simulateCampaign } = await import("../../run/simulate-campaign.js");
    const simulation = await simulateCampaign(campaign!, {
      ...session.run(),
      out: options.run,
      truth: resolve(options.truth),
      policy: options.policy === undefined ? undefined : await readPolicy(session, options.policy),
      randomPlays: options.randomPlays,
      ablations: options.ablations,
    });
    const page = await writeReport(session, options.report, campaign!, async () => {
      const { simulationPage } = await import("../../report/evaluation/simulation.js");
      return simulationPage(simulation);
    });
    return {
      json: { ...simulation, report: page?.path ?? null },
      lines: [...linesOf(simulation), ...(page?.lines ?? [])],
    };
  });
}

async function readPolicy(session: Session, path: string) {
  const { withTables } = await import("../read-columns.js");
  const { findTable } = await import("../../table/read-table.js");
  const source = await findTable(path, "policy");
  return withTables(session, [source], async (reader) => {
    const loaded = await reader.load(source, "policy", true);
    const user = await loaded.id("user_id", "--policy");
    const coupon = await loaded.id("coupon_id", "--policy");
    const policy = { users: [] as string[], coupons: [] as string[] };
    const sql = `SELECT ${user}, ${coupon} FROM ${loaded.table}`;
    for await (const { numRows, columns } of reader.db.streamColumns(sql, ["TEXT", "TEXT"])) {
      policy.users.push(...columns[0].slice(0, numRows));
      policy.coupons.push(...columns[1].slice(0, numRows));
    }
    return policy;
  });
}

const HEADS = ["policy", "true profit", "gap closed", "regret", "spent", "coupons", "redeemed", "anyway"];

function linesOf(simulation: Simulation): string[] {
  const { policies } = simulation;
  const { amount } = moneyFormat(simulation.currency);
  const hasFloors = simulation.numFloors > 0;
  const rows = policies.map((policy) => [
    policy.name,
    amount(policy.profitMinor),
    percent(policy.closedShare),
    amount(policy.regretMinor),
    amount(policy.spendMinor),
    count(Math.round(policy.handedOut)),
    count(Math.round(policy.redemptions)),
    count(Math.round(policy.redeemedAnyway)),
    ...(hasFloors ? [mean(policy.floorsMissed)] : []),
    policy.about,
  ]);
  return [
    `${counted(simulation.numEligibleUsers, "user")} may have a coupon; ${percent(simulation.meanRedemption)} would be redeemed on average, ${percent(simulation.costOnlyShare)} of the users only cost money`,
    "",
    ...table([...HEADS, ...(hasFloors ? ["floors missed"] : []), ""], rows),
  ];
}
