import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, copyOf, measure, type Measurement, shell } from "./measure.ts";
import { inPairs, median, type Paired, type Side } from "./pairs.ts";
import { bytesBelow, type Rig } from "./rig.ts";

export interface Row {
  readonly what: string;
  /** Medians, with their unit. */
  readonly ours: string;
  readonly peer: string;
  /** What is judged: a ratio to the peer, or an amount by itself; null when it could not be had: no such peer here. */
  readonly value: number | null;
  readonly unit: "ratio" | "bytes" | "seconds";
  /** Smallest and largest ratio of a round, for a value that is a median of rounds. */
  readonly spread?: readonly [low: number, high: number];
  /** The largest value that is accepted; null: measured for information. */
  readonly must: number | null;
}

/** null: for information, or not judged. */
export function isMet({ value, must }: Row): boolean | null {
  return must === null || value === null ? null : value <= must;
}

/** It must be met, and nobody knows whether it is. */
export function isUnjudged({ value, must }: Row): boolean {
  return must !== null && value === null;
}

const TREE = ["data", "memory", "checkpoints", "logs"];
const MB = 1_000_000;

export function seconds(measurements: readonly Measurement[]): string {
  return `${median(measurements.map(({ wall }) => wall)).toFixed(2)} s`;
}
function cpuSeconds(measurements: readonly Measurement[]): string {
  return `${median(measurements.map(({ cpu }) => cpu)).toFixed(2)} s`;
}
export function megabytes(bytes: number, digits = 0): string {
  return `${(bytes / MB).toFixed(digits)} MB`;
}

export function timeRow(what: string, pair: Paired, must: number | null): Row {
  return { what, ours: seconds(pair.ours), peer: seconds(pair.peers), value: pair.ratio, unit: "ratio", spread: pair.spread, must };
}
function cpuRow(what: string, pair: Paired): Row {
  return { what, ours: cpuSeconds(pair.ours), peer: cpuSeconds(pair.peers), value: pair.cpuRatio, unit: "ratio", must: null };
}
function sizeRow(what: string, ours: number, peer: number, must: number): Row {
  return { what, ours: megabytes(ours, 1), peer: megabytes(peer, 1), value: ours / peer, unit: "ratio", must };
}

/** `holdfast backup` in the gzip form, and `tar | gzip -6` of the same tree; the peer flushes nothing to disk. */
export async function gzip(rig: Rig, rounds: number): Promise<Row[]> {
  const tar = rig.place("peer.tar.gz");
  const ours: Side = { prepare: () => rig.forget("gzip"), run: () => measure(rig.on("gzip", "backup")) };
  const peer: Side = {
    prepare: () => rmSync(tar, { force: true }),
    run: () => measure(shell("tar | gzip -6", 'tar -c -C "$1" data memory checkpoints logs | gzip -6 > "$2"', rig.workload.root, tar)),
  };
  const pair = await inPairs(ours, peer, rounds);
  const rows = [
    timeRow("gzip: backup / tar, gzip -6", pair, 1 / 1.6),
    cpuRow("gzip: processor time", pair),
    sizeRow("gzip: stored size", bytesBelow(rig.vaults.gzip), bytesBelow(tar), 1.03),
  ];
  rmSync(tar);
  return rows;
}

/** `holdfast backup` with `compression: false`, and `cp -a` with the same durability; then the way back. */
export async function plain(rig: Rig, rounds: number): Promise<Row[]> {
  const copy = rig.place("peer-copy");
  const restored = rig.place("restored");
  const copyFrom = (from: string, names: readonly string[]): Side => ({
    prepare: () => {
      rmSync(copy, { recursive: true, force: true });
      mkdirSync(copy);
    },
    run: () =>
      measure(shell("cp -a, sync -f", 'to=$1; shift; cp -a "$@" "$to" && sync -f "$to"', copy, ...names.map((name) => join(from, name)))),
  });
  const ours: Side = { prepare: () => rig.forget("plain"), run: () => measure(rig.on("plain", "backup")) };
  const backup = await inPairs(ours, copyFrom(rig.workload.root, TREE), rounds);
  const rows = [timeRow("plain: backup / cp -a, sync -f", backup, 1.5), cpuRow("plain: processor time", backup)];

  const back: Side = {
    prepare: () => rmSync(restored, { recursive: true, force: true }),
    run: () => withoutCheck(rig.on("plain", "restore", "latest", "--to", restored, "--yes", "--json"), rig.place("restored.json")),
  };
  const stored = join(rig.vaults.plain, onlyBackup(rig.vaults.plain));
  const restore = await inPairs(back, copyFrom(stored, readdirSync(stored)), rounds);
  rows.push(timeRow("plain: restore --to, integrity_check apart / cp -a, sync -f", restore, 1.5));

  const verify = await inPairs(
    { prepare: () => {}, run: () => measure(rig.on("plain", "verify", "latest")) },
    { prepare: () => {}, run: () => measure(shell("sha256sum", 'find "$1" -type f -print0 | xargs -0 sha256sum', stored)) },
    rounds,
  );
  rows.push(timeRow("plain: verify / find, sha256sum", verify, null));
  for (const path of [copy, restored]) rmSync(path, { recursive: true, force: true });
  return rows;
}

/** The checks of the restored databases are something that no copy does: they are timed apart, and told by the command itself. */
async function withoutCheck(command: Command, output: string): Promise<Measurement> {
  const measured = await measure({ ...command, stdout: output });
  const { checkMillis } = JSON.parse(readFileSync(output, "utf8")) as { checkMillis: number };
  return { ...measured, wall: measured.wall - checkMillis / 1000 };
}

/** `holdfast restore` in place of a whole live state, with its safety backup and a runtime that stops and starts at once. */
export async function inPlace(rig: Rig, rounds: number): Promise<Row[]> {
  const live = rig.place("live");
  const copy = rig.place("peer-copy");
  const file = rig.writeConfig("in-place", live, "runtime: { stop: ['true'], start: ['true'] }\n");
  const fill = (): void => {
    rmSync(live, { recursive: true, force: true });
    cpSync(rig.workload.root, live, { recursive: true, preserveTimestamps: true });
  };
  fill();
  await measure(rig.holdfast("--config", file, "backup"));
  const ours: Side = { prepare: fill, run: () => measure(rig.holdfast("--config", file, "restore", "latest:verified", "--yes")) };
  await measure(rig.holdfast("--config", file, "verify"));
  const peer: Side = {
    prepare: () => rmSync(copy, { recursive: true, force: true }),
    run: () => measure(copyOf(live, copy)),
  };
  const pair = await inPairs(ours, peer, rounds);
  for (const path of [live, copy]) rmSync(path, { recursive: true, force: true });
  return [timeRow("in place: restore, safety backup and all / cp -a, sync -f", pair, 4)];
}

/** `holdfast prune` that removes nearly all of 1,000 backups, beside a listing of none. */
export async function prune(rig: Rig, rounds: number): Promise<Row[]> {
  mkdirSync(rig.place("tiny"));
  writeFileSync(rig.place("tiny/state.json"), "{}\n");
  const configOf = (name: string): string => {
    const file = rig.place(`${name}.yaml`);
    const text = `name: bench-${name}\nstate_dir: state-${name}\ncomponents: { state: { path: tiny/state.json } }\nbackup: { path: vault-${name}, retention: { max_count: 1000 } }\n`;
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const [full, empty] = [configOf("thousand"), configOf("none")];
  for (let count = 0; count < 1000; count += 1) await measure(rig.holdfast("--config", full, "backup", "--quiet"), { sync: false });
  const kept = rig.place("kept-vault");
  renameSync(rig.place("vault-thousand"), kept);
  writeFileSync(full, readFileSync(full, "utf8").replace("max_count: 1000", "max_count: 10"));
  const ours: Side = {
    prepare: () => {
      rmSync(rig.place("vault-thousand"), { recursive: true, force: true });
      cpSync(kept, rig.place("vault-thousand"), { recursive: true, preserveTimestamps: true });
    },
    run: () => measure(rig.holdfast("--config", full, "prune", "--quiet")),
  };
  const peer: Side = { prepare: () => {}, run: () => measure(rig.holdfast("--config", empty, "backup", "list")) };
  return [timeRow("prune of 1,000 backups / backup list of none", await inPairs(ours, peer, rounds), 20)];
}

function onlyBackup(vault: string): string {
  const [name, ...more] = readdirSync(vault).filter((entry) => /^\d{4}-/.test(entry));
  if (name === undefined || more.length > 0) throw new Error(`Expected one backup in ${vault}, found ${1 + more.length}`);
  return name;
}

/** How long it takes until a command that does next to nothing is done, beside the runtime that it needs. */
export async function start(rig: Rig, rounds: number): Promise<Row[]> {
  const file = rig.place("small.yaml");
  mkdirSync(rig.place("small"));
  writeFileSync(rig.place("small/state.json"), '{ "tasks": [] }\n');
  writeFileSync(
    file,
    "name: bench-small\nstate_dir: state-small\ncomponents: { state: { path: small/state.json } }\nbackup: { path: vault-small }\n",
    { mode: 0o600 },
  );
  for (let count = 0; count < 100; count += 1) await measure(rig.holdfast("--config", file, "backup"), { sync: false });

  const many = Math.max(15, rounds);
  const node: Side = { prepare: () => {}, run: () => measure({ name: "node -e 0", argv: [process.execPath, "-e", "0"] }, { sync: false }) };
  const side = (...args: string[]): Side => ({ prepare: () => {}, run: () => measure(rig.holdfast(...args), { sync: false }) });
  const millis = (row: Row, pair: Paired): Row => ({
    ...row,
    ours: `${(median(pair.ours.map(({ wall }) => wall)) * 1000).toFixed(0)} ms`,
    peer: `${(median(pair.peers.map(({ wall }) => wall)) * 1000).toFixed(0)} ms`,
  });
  const version = await inPairs(side("--version"), node, many);
  const list = await inPairs(side("--config", file, "backup", "list"), node, many);
  return [
    millis(timeRow("start: --version / node -e 0", version, 4), version),
    millis(timeRow("start: backup list of 100 / node -e 0", list, 4), list),
  ];
}
