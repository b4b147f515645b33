import { mkdirSync, writeFileSync } from "node:fs";
import { type Row, seconds } from "./comparisons.ts";
import { multiply } from "./latency-vault.ts";
import { multiplyRepository } from "./many-backups.ts";
import { type Command, measure } from "./measure.ts";
import { type OwnVault, ownVault } from "./own-vault.ts";
import { inTurn, median, type Side } from "./pairs.ts";
import { rowOf, thousands } from "./part-that-grew.ts";
import type { Rig } from "./rig.ts";

/** Commands of a fifth of a second: noise is a large part of one. */
const ROUNDS = 15;
/** All of them stay: what is measured is a backup, and not how retention deletes. */
const RETENTION = "retention: { max_count: 1000, max_age_days: 3650 }";

/** Listing 1,000 and 10,000 backups, and taking one more where 98 and 980 are. */
export async function growthOfBackups(rig: Rig, rounds: number): Promise<Row[]> {
  const state = rig.place("growth-state");
  mkdirSync(state);
  writeFileSync(`${state}/state.json`, "{}\n");
  const vaultOf = async (count: number, backup: readonly string[] = []): Promise<OwnVault> => {
    const own = await ownVault(rig, `growth-${count}-backups`, { state: { path: `${state}/state.json` } }, backup);
    await measure(own.command("backup"), { sync: false });
    if (count > 1) multiplyRepository(own.vault, own.keyFile, { count, packs: 30, fresh: 1 });
    return own;
  };
  const list = ({ command }: OwnVault): Command => command("backup", "list");
  const [one, many, most] = [await vaultOf(1), await vaultOf(1000), await vaultOf(10_000)];
  const cold = await measure(list(most));
  const archive = await archives(rig, state, 10_000);
  const coldArchive = await measure(archive);
  const listings = await inTurn([list(one), list(many), list(most), archive].map(quick), Math.max(ROUNDS, rounds));
  const [nothing = [], base = [], grown = [], ofArchives = []] = listings;

  const taking = [await vaultOf(2, [RETENTION]), await vaultOf(98, [RETENTION]), await vaultOf(980, [RETENTION])];
  for (const { command } of taking) await measure(command("backup"));
  const taken = await inTurn(
    taking.map(({ command }) => quick(command("backup"))),
    Math.max(5, rounds),
  );
  const second = (what: string, measured: typeof grown, must: number | null): Row => {
    const value = median(measured.map(({ wall }) => wall));
    return { what: `growth: ${what}`, ours: seconds(measured), peer: "", value, unit: "seconds", must };
  };
  return [
    rowOf(`backup list of ${thousands(10_000)} / ${thousands(1000)}`, { nothing, base, grown }),
    second("backup list of 10,000", grown, 1),
    second("the same, the first time", [cold], null),
    second("backup list of 10,000 in plain form", ofArchives, 1),
    second("the same, the first time", [coldArchive], null),
    rowOf(`a backup where 980 are / where 98 are`, {
      nothing: taken[0] ?? [],
      base: taken[1] ?? [],
      grown: taken[2] ?? [],
    }),
  ];
}

function quick(command: Command): Side {
  return { prepare: () => {}, run: () => measure(command, { sync: false }) };
}

async function archives(rig: Rig, state: string, count: number): Promise<Command> {
  const config = rig.writeFile(
    "growth-archives.yaml",
    `name: bench-archives\nstate_dir: state-archives\ncomponents: { state: { path: ${JSON.stringify(`${state}/state.json`)} } }\nbackup: { path: vault-archives, compression: false }\n`,
  );
  await measure(rig.holdfast("--config", config, "backup"), { sync: false });
  multiply(rig.place("vault-archives"), count);
  return rig.holdfast("--config", config, "backup", "list");
}
