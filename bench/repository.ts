import { cpSync, existsSync, rmSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { applyActivity } from "./activity.ts";
import { megabytes, sizeRow, timeRow, type Row } from "./comparisons.ts";
import { measure, run, type Command } from "./measure.ts";
import { inPairs, median, type Paired, type Side } from "./pairs.ts";
import { bytesBelow, type Rig } from "./rig.ts";

/** Longer than the two minutes before a backup in which times are not believed. Milliseconds. */
const SETTLED = 125_000;

/** The password is in a file, as for every scripted use of it. */
interface Restic {
  readonly repository: string;
  command(...args: string[]): Command;
  init(): Promise<void>;
}

function resticAt(rig: Rig): Restic {
  const repository = rig.place("restic");
  const password = rig.writeFile("restic-password", "bench\n");
  const command = (...args: string[]): Command => ({
    name: `restic ${args.join(" ")}`,
    argv: ["restic", "--quiet", "--repo", repository, "--password-file", password, "--cache-dir", rig.place("restic-cache"), ...args],
  });
  const init = async (): Promise<void> => {
    for (const path of [repository, rig.place("restic-cache")]) rmSync(path, { recursive: true, force: true });
    await measure(command("init"), { sync: false });
  };
  return { repository, command, init };
}

/**
 * The repository form beside restic on the same live state, which another process has open: a first backup, one of what has
 * not changed, backups after steps of activity, verifying everything, and restoring everything.
 */
export async function besideRestic(rig: Rig, rounds: number): Promise<Row[]> {
  await run(["restic", "version"]);
  const live = rig.place("live");
  cpSync(rig.workload.root, live, { recursive: true, preserveTimestamps: true });
  await using _ = await rig.hold(live);
  // A file that was written just before a backup is read again at the next one.
  await setTimeout(SETTLED);
  const restic = resticAt(rig);
  const [vault, state, key] = [rig.place("vault-repository"), rig.place("state-repository"), rig.place("bench.key")];
  const file = rig.writeConfig("repository", live, "", `format: repository, encryption: { key_file: ${JSON.stringify(key)} }`);
  await measure(rig.holdfast("--config", file, "key", "generate", "--output", key), { sync: false });
  const holdfast = (...args: string[]): Command => rig.holdfast("--config", file, ...args);

  const first = await inPairs(
    {
      prepare: () => {
        for (const path of [vault, state]) rmSync(path, { recursive: true, force: true });
      },
      run: () => measure(holdfast("backup")),
    },
    { prepare: () => restic.init(), run: () => measure(restic.command("backup", live)) },
    rounds,
  );
  const rows = [
    timeRow("repository: first backup / restic", first, 0.7),
    sizeRow("repository: stored", bytesBelow(vault), bytesBelow(restic.repository), 0.95),
  ];
  const again: Side = { prepare: () => {}, run: () => measure(holdfast("backup")) };
  const peerAgain: Side = { prepare: () => {}, run: () => measure(restic.command("backup", live)) };
  rows.push(timeRow("repository: nothing changed / restic", await inPairs(again, peerAgain, rounds), 0.15));
  rows.push(...(await activity(rig, live, { ours: [again, vault], peer: [peerAgain, restic.repository] }, rounds)));

  const verify = await inPairs(
    { prepare: () => {}, run: () => measure(holdfast("verify", "latest")) },
    { prepare: () => {}, run: () => measure(restic.command("check", "--read-data")) },
    rounds,
  );
  rows.push(timeRow("repository: verify / restic check --read-data", verify, 0.6));
  rows.push(timeRow("repository: restore --to, sync -f / restic restore, sync -f", await restore(rig, holdfast, restic, rounds), 0.75));
  return rows;
}

/** The same step for both, one after the other. */
async function activity(
  rig: Rig,
  live: string,
  { ours, peer }: { readonly ours: readonly [Side, string]; readonly peer: readonly [Side, string] },
  rounds: number,
): Promise<Row[]> {
  let { counts } = rig.workload;
  let step = rig.workload.steps;
  const added: { ours: number[]; peer: number[] } = { ours: [], peer: [] };
  const counted = ([side, path]: readonly [Side, string], into: number[], prepare: () => void): Side => {
    let before = 0;
    return {
      prepare: () => {
        prepare();
        before = bytesBelow(path);
      },
      run: async () => {
        const measured = await side.run();
        into.push(bytesBelow(path) - before);
        return measured;
      },
    };
  };
  const change = (): void => {
    step += 1;
    counts = applyActivity(live, rig.workload.seed, step, counts);
  };
  const pair: Paired = await inPairs(
    counted(ours, added.ours, change),
    counted(peer, added.peer, () => {}),
    rounds,
  );
  const [own, other] = [median(added.ours), median(added.peer)];
  return [
    timeRow("repository: after activity / restic", pair, 0.6),
    {
      what: "repository: added by activity / restic",
      ours: megabytes(own, 2),
      peer: megabytes(other, 1),
      value: own / other,
      unit: "ratio",
      must: 1 / 40,
    },
  ];
}

async function restore(rig: Rig, holdfast: (...args: string[]) => Command, restic: Restic, rounds: number): Promise<Paired> {
  const target = rig.place("restored");
  const gone = (): void => {
    if (existsSync(target)) rmSync(target, { recursive: true, force: true });
  };
  const synced = (command: Command): Command => ({ ...command, argv: ["sh", "-c", '"$@" && sync -f "$0"', rig.folder, ...command.argv] });
  const pair = await inPairs(
    { prepare: gone, run: () => measure(synced(holdfast("restore", "latest", "--to", target, "--yes", "--quiet"))) },
    { prepare: gone, run: () => measure(synced(restic.command("restore", "latest", "--target", target))) },
    rounds,
  );
  gone();
  return pair;
}
