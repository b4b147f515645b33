import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Command, measure, run } from "./measure.ts";
import type { Rig } from "./rig.ts";

/** How a database is read that somebody has open: in place, which is the default, or copied first. */
export type Read = "staged" | "pinned";
/** The components of a configuration, as YAML takes them. */
export type Components = Readonly<Record<string, { readonly path: string; readonly read?: Read }>>;

/** A vault in repository form, with a key file and a state folder of its own. */
export interface OwnVault {
  readonly vault: string;
  readonly keyFile: string;
  readonly command: (...args: string[]) => Command;
  /** Nothing is left of earlier backups. */
  readonly forget: () => void;
}

/** Those of the workload. */
export function componentsOf(tree: string, read: Read = "pinned"): Components {
  return {
    persistence: { path: join(tree, "data", "agent.db"), read },
    memory: { path: join(tree, "memory") },
    checkpoints: { path: join(tree, "checkpoints") },
    logs: { path: join(tree, "logs") },
  };
}

/** @param backup keys of `backup` besides path, format and encryption, in YAML's flow form */
export async function ownVault(rig: Rig, name: string, components: Components, backup: readonly string[] = []): Promise<OwnVault> {
  const [vault, state, keyFile] = [rig.place(`vault-${name}`), rig.place(`state-${name}`), rig.place("bench.key")];
  const keys = [`path: vault-${name}`, "format: repository", `encryption: { key_file: ${JSON.stringify(keyFile)} }`, ...backup];
  const config = rig.writeFile(
    `${name}.yaml`,
    `name: bench-${name}\nstate_dir: state-${name}\ncomponents: ${JSON.stringify(components)}\nbackup: { ${keys.join(", ")} }\n`,
  );
  const command = (...args: string[]): Command => ({
    ...rig.holdfast("--config", config, ...args),
    name: `holdfast ${args.join(" ")} (${name})`,
  });
  if (!existsSync(keyFile)) await measure(command("key", "generate", "--output", keyFile), { sync: false });
  return {
    vault,
    keyFile,
    command,
    forget: () => {
      for (const path of [vault, state]) rmSync(path, { recursive: true, force: true });
    },
  };
}

/** How the database of the newest backup was read: what cannot be read in place is copied, and that is no failure. */
export async function wasRead({ command }: OwnVault): Promise<string> {
  const { argv, cwd } = command("backup", "show", "latest", "--json");
  const shown = await run(argv, cwd);
  return /"read":\s*"([a-z]+)"/.exec(shown)?.[1] ?? "in no known way";
}
