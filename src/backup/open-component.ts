import { basename } from "node:path";
import type { FileIdentity, ProgramPlace } from "../kernel/index.ts";
import { openReading, type ReadingRequest, type Salvage } from "../sources/index.ts";
import type { ComponentDetails, KnownState, Reading, SourceKind } from "../vault/index.ts";
import type { ComponentPlan } from "./component-plan.ts";

export interface OpenComponent {
  readonly plan: ComponentPlan;
  /** Of a database, for another way than the planned one. */
  readonly read?: ReadingRequest["read"];
  /** undefined: sniffed. */
  readonly kind: SourceKind | undefined;
  /** What the newest good backup says of it: what was a database must be one still. */
  readonly before: ComponentDetails | undefined;
  readonly staging: string;
  /** Of its own program. */
  readonly programs: ProgramPlace;
  readonly avoid: readonly FileIdentity[];
  /** Copy everything before this resolves, because the runtime is paused. */
  readonly cut: boolean;
  /** How far a salvage goes; false refuses what no consistent copy can be had of. */
  readonly raw: Salvage | false;
  readonly now: number;
  /** What the vault knows of it. */
  readonly known?: KnownState | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Opens the reading of a planned component, by its rules and by what is remembered of it. */
export async function openComponent({ plan, before, ...rest }: OpenComponent): Promise<Reading> {
  const single = before?.sqlite === undefined || plan.path === null ? {} : { [basename(plan.path)]: before.sqlite };
  return await openReading({
    ...rest,
    component: plan.name,
    path: plan.path,
    command: plan.command,
    exclude: plan.exclude,
    include: plan.include,
    excludeLarger: plan.excludeLarger,
    excludeCaches: plan.excludeCaches,
    oneFileSystem: plan.oneFileSystem,
    read: rest.read ?? plan.read,
    remembered: { single: before?.source === "sqlite", paths: new Set(Object.keys(before?.databases ?? {})) },
    // Who salvages doubts the state: that it was sound earlier today proves nothing, and every database is checked.
    quickCheckBefore: rest.raw === false ? new Map(Object.entries(before?.databases ?? single)) : new Map(),
  });
}
