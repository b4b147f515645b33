import type { Config } from "../config/index.ts";

export interface NamedProgram {
  /** "components.memory.pause.command" */
  readonly key: string;
  readonly argv: readonly string[];
}

/** Every program that a configuration names, by its key. */
export function programsOf(config: Config): readonly NamedProgram[] {
  const found: NamedProgram[] = [];
  const add = (key: string, argv: readonly string[] | null | undefined): void => {
    if (argv !== null && argv !== undefined) found.push({ key, argv });
  };
  for (const { name, command, pause } of config.components) {
    add(`components.${name}.command`, command?.argv);
    add(`components.${name}.restore`, command?.restore);
    add(`components.${name}.pause.command`, pause?.command);
    add(`components.${name}.pause.resume`, pause?.resume);
  }
  for (const { name, command, ready } of config.tasks) {
    add(`tasks.${name}.command`, command);
    if (ready !== null && "command" in ready) add(`tasks.${name}.ready.command`, ready.command);
  }
  add("runtime.stop", config.runtime?.stop);
  add("runtime.start", config.runtime?.start);
  add("hooks.before", config.hooks?.before);
  add("hooks.after", config.hooks?.after);
  add("hooks.error", config.hooks?.error);
  for (const [index, endpoint] of config.notify.entries()) if ("command" in endpoint) add(`notify[${index}].command`, endpoint.command);
  const { encryption } = config.backup;
  if (encryption?.kind === "passphrase-command") add("backup.encryption.passphrase_command", encryption.passphraseCommand);
  const health = config.runtime?.health ?? null;
  if (health !== null && "command" in health) add("runtime.health.command", health.command);
  return found;
}
