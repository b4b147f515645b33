import { Command } from "commander";
import { UsageError } from "../kernel/index.ts";

/** Commands of the whole design that this version does not have: refused by name, never accepted without effect. */
const NOT_BUILT_YET = ["drill"];

export function notBuiltYet(): Command[] {
  return NOT_BUILT_YET.map((name) =>
    new Command(name)
      .description("Not available in this version")
      // Also `--help` is an answer: that there is none yet.
      .helpOption(false)
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => {
        throw new UsageError("NOT_AVAILABLE", `\`holdfast ${name}\` is not available in this version`, {
          hint: "See what is with: holdfast --help",
        });
      }),
  );
}
