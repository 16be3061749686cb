/** Commands, in the order of `couponcast --help`. */
// biome-ignore format: one a line
export const SINGLE = [
  "run",
  "ingest",
  "inspect",
  "similar",
  "content",
  "recommend",
  "compare",
  "segment",
  "assign",
  "drift",
  "rfm",
  "transitions",
  "profile",
  "mine",
  "allocate",
  "synth",
  "simulate",
];
/** Commands that only have commands of their own. */
export const GROUPS = { evaluate: ["campaign", "policy", "uplift"] };
export const COMMANDS = [
  ...SINGLE,
  ...Object.entries(GROUPS).flatMap(([group, names]) => names.map((name) => `${group} ${name}`)),
];
