import { basename } from "node:path";
import type { Row } from "./comparisons.ts";
import { FreshTargets } from "./fresh-targets.ts";
import { type Command, copyOf, measure } from "./measure.ts";
import { type OwnVault, ownVault } from "./own-vault.ts";
import type { Side } from "./pairs.ts";
import { growthRow, type Sizes } from "./part-that-grew.ts";
import type { Rig } from "./rig.ts";

/** A state of one part alone. */
export interface State {
  readonly folder: string;
  /** What the component is. */
  readonly path: string;
  /** Notes, or bytes. */
  readonly size: number;
}

export async function vaultsOf(rig: Rig, states: readonly State[]): Promise<Sizes<OwnVault>> {
  const own: OwnVault[] = [];
  for (const { path, folder } of states) own.push(await ownVault(rig, `growth-${basename(folder)}`, { part: { path } }));
  const [nothing, base, grown] = own;
  return { nothing, base, grown } as Sizes<OwnVault>;
}

export function firstOf(own: Sizes<OwnVault>): Sizes<Side> {
  const side = (vault: OwnVault): Side => ({ prepare: vault.forget, run: () => measure(vault.command("backup")) });
  return { nothing: side(own.nothing), base: side(own.base), grown: side(own.grown) };
}

export function eachOf(own: Sizes<OwnVault>, command: (vault: OwnVault) => Command, prepare: () => void = () => {}): Sizes<Side> {
  const side = (vault: OwnVault): Side => ({ prepare, run: () => measure(command(vault)) });
  return { nothing: side(own.nothing), base: side(own.base), grown: side(own.grown) };
}

/**
 * Once: a restore of that size writes for minutes. Beside it stands what the disk itself takes: nobody's backup or restore ends
 * on it sooner, and its last gigabyte, or file, may cost more than its first.
 */
export async function readBack(rig: Rig, name: string, states: readonly State[], own: Sizes<OwnVault>): Promise<Row[]> {
  using targets = new FreshTargets(rig);
  const restored = ({ command }: OwnVault): Command => command("restore", "latest", "--to", targets.next(), "--yes", "--quiet");
  const [nothing, base, grown] = states.map(({ path }): Side => ({ prepare: () => {}, run: () => measure(copyOf(path, targets.next())) }));
  const rows = [
    await growthRow(
      `${name}, verify`,
      eachOf(own, ({ command }) => command("verify", "latest")),
      1,
    ),
    await growthRow(`${name}, restore`, eachOf(own, restored), 1),
    await growthRow(`${name}, what the disk takes: cp -a, sync -f`, { nothing, base, grown } as Sizes<Side>, 1, null),
  ];
  for (const { forget } of [own.nothing, own.base, own.grown]) forget();
  return rows;
}
