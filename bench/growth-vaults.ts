import { rmSync } from "node:fs";
import { basename } from "node:path";
import type { Row } from "./comparisons.ts";
import { type Command, measure } from "./measure.ts";
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

/** Once: a restore of that size writes for minutes. */
export async function readBack(rig: Rig, name: string, own: Sizes<OwnVault>): Promise<Row[]> {
  const target = rig.place("growth-restored");
  const gone = (): void => rmSync(target, { recursive: true, force: true });
  const restored = ({ command }: OwnVault): Command => command("restore", "latest", "--to", target, "--yes", "--quiet");
  const rows = [
    await growthRow(
      `${name}, verify`,
      eachOf(own, ({ command }) => command("verify", "latest")),
      1,
    ),
    await growthRow(`${name}, restore`, eachOf(own, restored, gone), 1),
  ];
  gone();
  for (const { forget } of [own.nothing, own.base, own.grown]) forget();
  return rows;
}
