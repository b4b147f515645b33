import { resolve } from "node:path";
import { Command } from "commander";
import { ConfigError, UsageError } from "../kernel/index.ts";
import type { GivenSecrets, Instance } from "../operations/index.ts";
import { makeCommand, type CommandContext, type Runner } from "./command.ts";
import { confirm } from "./confirm.ts";
import { addKeyOptions, givenSecrets } from "./key-options.ts";
import { newCodeDocument, printCheck, printNewCode, printSlots } from "./key-text.ts";
import { askNewSecret } from "./secret-input.ts";
import { printable } from "./table.ts";

export function keyCommand(runner: Runner): Command {
  const group = new Command("key")
    .summary("keys of an encrypted vault: make, prove, add, remove, rotate")
    .description("Key files, passphrases and recovery codes that open the vault. No secret is ever given as an argument");
  for (const make of [generateCommand, checkCommand, addCommand, removeCommand, rotateCommand, showRecoveryCommand])
    group.addCommand(make(runner));
  return group;
}

function generateCommand(runner: Runner): Command {
  const about = {
    summary: "write a new key file, for this account alone, and print its fingerprint",
    examples: ["key generate", "key generate --output /media/stick/acme.key"],
  };
  return makeCommand("generate", about, runner, async (context) => {
    const { io, options } = context;
    const { generateKey } = await import("../operations/index.ts");
    const output = typeof options["output"] === "string" ? { output: resolve(io.cwd, options["output"]) } : {};
    const config = (await instanceIfAny(context, options["output"] !== undefined))?.config;
    const { file, fingerprint } = generateKey({ ...output, config, env: io.env });
    io.document({ schema: "holdfast.key-generated/1", file, fingerprint });
    io.print(`Wrote ${printable(file)}\nFingerprint ${fingerprint}\n`);
    io.print("It opens nothing yet: name it in backup.encryption.key_file before the first backup, or add it to a vault:");
    io.print(`  holdfast key add --key-file ${printable(file)}`);
    return 0;
  }).option("--output <file>", "where it goes; never over a file that is there. Where the configuration wants it unless given");
}

/** A key may be made before there is a configuration that names it. */
async function instanceIfAny({ instance }: CommandContext, without: boolean): Promise<Instance | undefined> {
  try {
    return await instance();
  } catch (error) {
    const none = error instanceof ConfigError && (without || error.code === "CONFIG_NOT_FOUND");
    if (none) return undefined;
    throw error;
  }
}

function checkCommand(runner: Runner): Command {
  const about = {
    summary: "prove that a key opens this vault, slot by slot; exits 2 when it does not",
    examples: ["key check", "key check --recovery-code-file -", "key check --key-file /media/stick/acme.key --json"],
  };
  const command = makeCommand("check", about, runner, async (context) => {
    const { io, instance } = context;
    const { checkKey } = await import("../operations/index.ts");
    const report = await checkKey(await instance(), givenSecrets(context));
    const { vault, owner, epochs, useless, opens } = report;
    io.document({ schema: "holdfast.key-check/1", vault, instance: owner.instance, opens, epochs, useless });
    printCheck(io, report);
    return opens === "all" ? 0 : 2;
  });
  return addKeyOptions(command, "try it, in place of what the configuration names,").addHelpText(
    "after",
    "\nOn a machine without the configuration, `holdfast recover VAULT --dry-run` tries a key.",
  );
}

function addCommand(runner: Runner): Command {
  const about = {
    summary: "let one more key file, passphrase or recovery code open the vault",
    examples: ["key add --key-file /media/stick/acme.key", "key add --key-file new.key --unlock-recovery-code-file -"],
  };
  const command = makeCommand("add", about, runner, async (context) => {
    const { io, instance } = context;
    const { addGivenKey, describeSlot } = await import("../operations/index.ts");
    const given: GivenSecrets = { ...givenSecrets(context), ask: (what) => askNewSecret(io, what) };
    const slot = await addGivenKey(await instance(), given, { unlock: givenSecrets(context, "unlock"), signal: io.signal });
    io.document({ schema: "holdfast.key-added/1", slot });
    io.print(`Added ${printable(describeSlot(slot))}: it opens everything in the vault from now on`);
    return 0;
  });
  return addKeyOptions(addKeyOptions(command, "add a slot"), "open the vault", "unlock");
}

function removeCommand(runner: Runner): Command {
  const about = {
    summary: "take a key out of use; what it has opened until now stays in its reach until `key rotate`",
    examples: ["key remove 9f2c01d877e0a4b3", "key remove 3F2A-91C0 --yes"],
  };
  const command = makeCommand("remove", about, runner, async (context) => {
    const { io, instance, args, options } = context;
    const { describeSlot, findSlot, removeSlot } = await import("../operations/index.ts");
    const opened = await instance();
    const found = await findSlot(opened, String(args[0]));
    await confirm(io, `Take ${printable(describeSlot(found))} out of use?`, options["yes"] as boolean | undefined);
    const slot = await removeSlot(opened, found.id, { unlock: givenSecrets(context, "unlock"), signal: io.signal });
    io.document({ schema: "holdfast.key-removed/1", slot });
    io.print(`Removed ${printable(describeSlot(slot))}`);
    io.print("Whoever has used it may have kept what it opened: to shut it out of what is written from now on, run: holdfast key rotate");
    return 0;
  })
    .argument("<slot>", "id or fingerprint of the slot, as `key check` shows it")
    .option("-y, --yes", "do not ask");
  return addKeyOptions(command, "open the vault", "unlock");
}

function rotateCommand(runner: Runner): Command {
  const about = {
    summary: "begin a new epoch: keys that are not at hand now open only what was written before",
    examples: ["key rotate", "key rotate --sheet /media/stick/acme.recovery.txt --yes", "key rotate --key-file second.key"],
  };
  const command = makeCommand("rotate", about, runner, async (context) => {
    const { io, instance, options } = context;
    const { rotate } = await import("../operations/index.ts");
    const sheet = sheetOf(context);
    const opened = await instance();
    await confirm(
      io,
      "Begin a new epoch, which only the keys given now and a new recovery code open?",
      options["yes"] as boolean | undefined,
    );
    const unlock = givenSecrets(context, "unlock");
    const rotation = await rotate(opened, givenSecrets(context), { unlock, signal: io.signal, ...sheet });
    const { epoch, kept, added, left, recovery, reach, shutOut } = rotation;
    io.document({
      schema: "holdfast.key-rotated/1",
      epoch,
      kept,
      added,
      left,
      recovery: newCodeDocument(recovery, sheet.sheet),
      older: reach,
      config_shut_out: shutOut,
    });
    io.print(`Epoch ${epoch} begins: everything that is written from now on is sealed with a new key\n`);
    printSlots(io, "Opens everything", [...kept, ...added]);
    printSlots(io, "Opens only what was written before", left);
    if (left.length > 0 && reach.until !== null) {
      io.print(
        `\n${reach.backups === 1 ? "1 backup from before stays" : `${reach.backups} backups from before stay`} in reach of those: by retention until ${reach.until.slice(0, 10)} at the latest, pinned and protected ones longer.`,
      );
      io.print("So does what has not changed since and is shared with newer backups, for as long as one of them names it.");
    }
    printNewCode(io, recovery, sheet.sheet);
    for (const name of shutOut)
      io.remark(
        `${io.paint.yellow("warning")} the configuration names ${name}, which does not open what is written now: name another key in backup.encryption`,
      );
    return 0;
  })
    .option("-y, --yes", "do not ask")
    .option("--sheet <file>", "write the new recovery code as a sheet into a file, in place of showing it; needed with --json");
  return addKeyOptions(addKeyOptions(command, "keep a further slot"), "open the vault", "unlock");
}

function showRecoveryCommand(runner: Runner): Command {
  const about = {
    summary: "make a new recovery code and show it once: a code is stored nowhere, so that an old one cannot be shown",
    examples: ["key show-recovery", "key show-recovery --new", "key show-recovery --new --sheet /media/stick/acme.recovery.txt"],
  };
  const command = makeCommand("show-recovery", about, runner, async (context) => {
    const { io, instance, options } = context;
    const { newRecoveryCode, slotsOf } = await import("../operations/index.ts");
    const sheet = sheetOf(context);
    const opened = await instance();
    const before = (await slotsOf(opened)).filter(({ kind }) => kind === "recovery");
    if (options["new"] !== true) {
      const question = `A recovery code is stored nowhere and cannot be shown again; the vault has ${before.length} of them. Make a new one?`;
      if (!io.interactive)
        throw new UsageError("USAGE", "A recovery code is stored nowhere, so that none can be shown again", {
          hint: "Make a further one: holdfast key show-recovery --new",
          details: { slots: before },
        });
      printSlots(io, "Recovery codes that open the vault", before);
      await confirm(io, question, undefined);
    }
    const recovery = await newRecoveryCode(opened, { unlock: givenSecrets(context, "unlock"), signal: io.signal, ...sheet });
    io.document({ schema: "holdfast.key-recovery/1", recovery: newCodeDocument(recovery, sheet.sheet), earlier: before });
    printNewCode(io, recovery, sheet.sheet);
    printSlots(io, "Earlier codes go on opening the vault, until they are taken out of use with `holdfast key remove`", before);
    return 0;
  })
    .option("--new", "make a new one without asking")
    .option("--sheet <file>", "write the code as a sheet into a file, in place of showing it; needed with --json");
  return addKeyOptions(command, "open the vault", "unlock");
}

/** A document may end in a log; a code must not. */
function sheetOf({ io, options }: CommandContext): { readonly sheet?: string } {
  if (typeof options["sheet"] === "string") return { sheet: resolve(io.cwd, options["sheet"]) };
  if (!io.json) return {};
  throw new UsageError("USAGE", "A recovery code is never part of a JSON document", {
    hint: "Say where it is written: --sheet FILE; nothing was changed",
  });
}
