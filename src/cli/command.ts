import { Command, Option } from "commander";
import { UsageError } from "../kernel/index.ts";
import type { Instance } from "../operations/index.ts";
import type { Io } from "./io.ts";

/** Exit code of a command that did what it was asked; 1 when what it was asked is whether something is wrong, 5 when it was deferred. */
export type ExitCode = 0 | 1 | 3 | 4 | 5;

/** What one command file gives: how it is called, and what it does. */
export interface CommandContext {
  readonly io: Io;
  /** The instance of --config; loaded when first asked for. Its lease may hold up this thread unless told otherwise. */
  readonly instance: (how?: { readonly blocking: boolean }) => Promise<Instance>;
  readonly args: readonly (string | readonly string[] | undefined)[];
  readonly options: Readonly<Record<string, unknown>>;
  /** From now on signals are the command's own business, all of them. */
  readonly takeSignals: (take: (signal: NodeJS.Signals) => void) => void;
}

/** What wraps another program ends with that one's code. */
export type Action = (context: CommandContext) => Promise<number>;

/** Runs an action; set once by main(), so that command files describe commands and decide nothing about processes. */
export type Runner = (action: Action, command: Command) => Promise<void>;

/** A command with its summary, examples, and action. */
export function makeCommand(
  name: string,
  about: { readonly summary: string; readonly examples: readonly string[]; readonly notYet?: readonly string[] },
  runner: Runner,
  action: Action,
): Command {
  const command = new Command(name).summary(about.summary).description(about.summary);
  // Described in the documentation of the whole, refused by name here.
  for (const flags of about.notYet ?? []) command.addOption(new Option(flags).hideHelp());
  command.addHelpText("after", `\nExamples:\n${about.examples.map((example) => `  $ holdfast ${example}`).join("\n")}`);
  command.action(async () => {
    for (const flags of about.notYet ?? []) {
      const option = command.options.find((known) => known.flags === flags);
      if (
        option !== undefined &&
        command.getOptionValueSource(option.attributeName()) !== undefined &&
        command.getOptionValueSource(option.attributeName()) !== "default"
      ) {
        throw new UsageError("NOT_AVAILABLE", `\`${option.long}\` is not available in this version`);
      }
    }
    await runner(action, command);
  });
  return command;
}

/** For options that may be given more than once. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
