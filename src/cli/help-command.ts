/** `help [command...]`, in place of commander's own, which answers a name that does not exist with the help of everything. */
import type { Command } from "commander";
import { nearestName } from "../util/nearest-name.js";

/** Adds it to a command that has commands, as the last of them. */
export function addHelp(parent: Command): void {
  parent
    .helpCommand(false)
    .command("help")
    .argument("[command...]")
    .description("print the help of a command")
    .action((path: string[]) => path.reduce(childOf, parent).outputHelp());
}

function childOf(command: Command, name: string): Command {
  const found = command.commands.find((child) => child.name() === name);
  if (found !== undefined) return found;
  const nearest = nearestName(
    name,
    command.commands.map((child) => child.name()),
  );
  return command.error(
    `error: unknown command '${name}'${nearest === undefined ? "" : `\n(Did you mean ${nearest}?)`}`,
  );
}
