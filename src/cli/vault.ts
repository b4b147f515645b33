import { Command } from "commander";
import { makeCommand, type Runner } from "./command.ts";
import { confirm } from "./confirm.ts";

export function vaultCommand(runner: Runner): Command {
  const group = new Command("vault").summary("look after the vault itself").description("Look after the vault itself");
  const about = {
    summary: "take over a vault of another instance, after naming its owner",
    examples: ["vault adopt --from old-name", "vault adopt --from old-name --yes"],
  };
  group.addCommand(
    makeCommand("adopt", about, runner, async ({ io, instance, options }) => {
      const { adopt, vaultOwner } = await import("../operations/index.ts");
      const opened = await instance();
      const owner = await vaultOwner(opened);
      io.remark(`The vault at ${opened.config.backup.path} belongs to "${owner.instance}" since ${owner.created_at}`);
      await confirm(
        io,
        `Make "${opened.config.name}" its owner? "${String(options["from"])}" can not write to it afterwards.`,
        options["yes"] as boolean | undefined,
      );
      const identity = await adopt(opened, String(options["from"]));
      io.document({ schema: "holdfast.adopted/1", ...identity, from: owner.instance });
      io.print(`The vault belongs to "${identity.instance}" now`);
      return 0;
    })
      .requiredOption("--from <instance>", "its owner until now")
      .option("-y, --yes", "do not ask"),
  );
  return group;
}
