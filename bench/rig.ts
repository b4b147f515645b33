import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageTarball } from "../scripts/package-tarball.ts";
import { type Command, run } from "./measure.ts";
import type { Workload } from "./workload.ts";

const checkout = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where one run of the bench works: the package as it is published, one configuration for each form, and the peers' output. */
export interface Rig extends AsyncDisposable {
  readonly folder: string;
  readonly workload: Workload;
  /** A command of the published package. */
  holdfast(...args: string[]): Command;
  /** A command of the published package, on the workload, in one form. */
  on(form: Form, ...args: string[]): Command;
  readonly vaults: Readonly<Record<Form, string>>;
  /** Nothing is left of earlier backups: vault and state folder are gone. */
  forget(form: Form): void;
  place(name: string): string;
  /** A configuration of the workload's components below another folder. */
  writeConfig(name: string, tree: string, more: string, backup?: string): string;
  /** A private file of the run. */
  writeFile(name: string, text: string): string;
  /** Another process has the database of a copy of the workload open, until it is disposed of. */
  hold(tree: string): Promise<AsyncDisposable>;
}
export type Form = "gzip" | "plain";

/**
 * @param folder an empty place for the run is made in it, on the same file system as the workload
 * @param options.keep leaves everything for looking at
 */
export async function makeRig(folder: string, workload: Workload, options: { readonly keep: boolean }): Promise<Rig> {
  mkdirSync(folder, { recursive: true });
  const home = mkdtempSync(join(folder, "run-"));
  const clean = (): void => {
    if (!options.keep) rmSync(home, { recursive: true, force: true });
  };
  // Gigabytes: they go with a run that is interrupted as well.
  process.once("exit", clean);
  process.once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143));
  let holder: ChildProcess | undefined;
  const dispose = async (): Promise<void> => {
    if (holder !== undefined) await letGo(holder);
    clean();
  };
  try {
    const launcher = await publishedPackage(home);
    holder = await holdOpen(join(workload.root, "data", "agent.db"));
    const place = (name: string): string => join(home, name);
    const formConfig = (form: Form): string =>
      writeConfig(home, { name: form, tree: workload.root, backup: `compression: ${form === "gzip"}`, more: "" });
    const configs = { gzip: formConfig("gzip"), plain: formConfig("plain") };
    const holdfast = (...args: string[]): Command => ({
      name: `holdfast ${args.join(" ")}`,
      argv: [process.execPath, launcher, ...args],
      cwd: home,
    });
    const vaults = { gzip: place("vault-gzip"), plain: place("vault-plain") };
    return {
      folder: home,
      workload,
      holdfast,
      on: (form, ...args) => ({ ...holdfast("--config", configs[form], ...args), name: `holdfast ${args.join(" ")}` }),
      vaults,
      forget: (form) => {
        for (const path of [vaults[form], place(`state-${form}`)]) rmSync(path, { recursive: true, force: true });
      },
      place,
      writeConfig: (name, tree, more, backup = "compression: false") => writeConfig(home, { name, tree, backup, more }),
      writeFile: (name, text) => {
        writeFileSync(place(name), text, { mode: 0o600 });
        return place(name);
      },
      hold: async (tree) => {
        const own = await holdOpen(join(tree, "data", "agent.db"));
        return { [Symbol.asyncDispose]: async () => await letGo(own) };
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The files that npm would publish, built from this checkout, with the dependencies beside them and no sources in reach. */
export async function publishedPackage(home: string): Promise<string> {
  await run([process.execPath, join(checkout, "scripts", "build.ts")], checkout);
  await run(["tar", "-xzf", packageTarball(checkout, home).path, "-C", home]);
  symlinkSync(join(checkout, "node_modules"), join(home, "node_modules"));
  return join(home, "package", "bin", "holdfast.js");
}

interface ConfigSpec {
  readonly name: string;
  readonly tree: string;
  /** Keys of `backup` besides its path. */
  readonly backup: string;
  /** Lines at the end. */
  readonly more: string;
}

function writeConfig(home: string, { name, tree, backup, more }: ConfigSpec): string {
  const file = join(home, `${name}.yaml`);
  writeFileSync(
    file,
    `name: bench-${name}
state_dir: state-${name}
components:
  persistence: { path: ${JSON.stringify(join(tree, "data", "agent.db"))} }
  memory: { path: ${JSON.stringify(join(tree, "memory"))} }
  checkpoints: { path: ${JSON.stringify(join(tree, "checkpoints"))} }
  logs: { path: ${JSON.stringify(join(tree, "logs"))} }
backup: { path: vault-${name}, ${backup} }
${more}`,
  );
  // A configuration that others could have written is refused.
  chmodSync(file, 0o600);
  return file;
}

async function holdOpen(database: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "holder.ts"), database], { stdio: ["pipe", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("error", reject).once("exit", (code) => reject(new Error(`The process that holds the database ended with ${code}`)));
  });
  return child;
}

async function letGo(holder: ChildProcess): Promise<void> {
  if (holder.exitCode !== null) return;
  const ended = new Promise((resolve) => holder.once("exit", resolve));
  holder.stdin?.end();
  await ended;
}

/** Bytes of everything below a path, or of the file at it. */
export function bytesBelow(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .reduce((sum, item) => sum + statSync(join(item.parentPath, item.name)).size, 0);
}
