import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, HostError, makeFolder, runCommand } from "../kernel/index.ts";
import { restoreTo, writeOnline, type RestoreTarget } from "../restore/index.ts";
import type { Lease } from "../lease/index.ts";
import type { BackupId } from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import { insideLease } from "./program-places.ts";

/** A component whose way in is no rename. */
export interface OtherComponent {
  readonly component: string;
  readonly how: "rename" | "online" | "command";
}

/**
 * Gives a dump to its restore command, or writes a database into the live one. The command works under the lease: one that
 * outlives this process keeps everybody else out until it has ended.
 */
export async function runOther(
  instance: Instance,
  lease: Lease,
  targets: readonly RestoreTarget[],
  { component, how }: OtherComponent,
  staged: string,
): Promise<void> {
  const target = targets.find((one) => one.component === component);
  const file = onlyFile(staged);
  if (how === "online" && target?.path !== null && target?.path !== undefined) return await writeOnline(file, target.path);
  const command = target?.command;
  if (command === null || command === undefined)
    throw new ConflictError("RESTORE_REFUSED", `No \`restore\` command is declared for "${component}"`, {
      hint: `Add \`restore: [...]\` to components.${component}`,
    });
  const { exitCode, signal, timedOut, stderr } = await runCommand(command.argv, {
    ...insideLease(instance, lease),
    timeout: command.timeout,
    inputFile: file,
  });
  if (exitCode === 0) return;
  const ending = timedOut ? "ran out of time" : signal === null ? `ended with exit code ${exitCode}` : `was ended by ${signal}`;
  const said = stderr.trim().split("\n").slice(-3).join(" ");
  throw new HostError("RESTORE_COMMAND_FAILED", `The restore command of "${component}" ${ending}${said === "" ? "" : `: ${said}`}`, {
    hint: "What it did is undone by running it again with the safety backup's dump, where there is one",
  });
}

/** Puts components that are no files back to what a safety backup says. */
export async function undoOthers(
  instance: Instance,
  lease: Lease,
  targets: readonly RestoreTarget[],
  components: readonly OtherComponent[],
  safety: string,
): Promise<void> {
  await using vault = await instance.openVault();
  await using reader = await vault.open(safety as BackupId);
  const { component_details: details } = reader.head.manifest;
  for (const one of components) {
    if (details[one.component] === undefined)
      throw new ConflictError("RESTORE_REFUSED", `The safety backup "${safety}" does not hold "${one.component}"`, {
        hint: "What was restored of it stays",
      });
    const scratch = join(instance.config.stateDir, "tmp");
    makeFolder(scratch);
    const folder = mkdtempSync(join(scratch, "undo-"));
    try {
      await restoreTo({ reader, folder, owner: "current", select: ({ component }) => component === one.component });
      await runOther(instance, lease, targets, one, folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** The one file below a place, which a component of this sort consists of. */
function onlyFile(place: string): string {
  let at = place;
  while (lstatSync(at).isDirectory()) {
    const [name, ...more] = readdirSync(at);
    if (name === undefined || more.length > 0)
      throw new ConflictError("RESTORE_REFUSED", `"${place}" is not one file: it was kept raw, and cannot be put back this way`, {
        hint: "Restore it with --to DIR and look at it",
      });
    at = join(at, name);
  }
  return at;
}
