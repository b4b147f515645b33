import { dirname } from "node:path";
import { HoldfastError, namedSystemError, type FileIdentity } from "../../kernel/index.ts";
import { SIDECARS } from "../../sources/index.ts";
import type { BackupReader, Entry } from "../../vault/index.ts";
import { realPlace } from "./live-place.ts";
import { readMountPoints } from "./mount-points.ts";
import type { CarriedEntries, PlanContext } from "./plan-context.ts";
import { planFile } from "./plan-file.ts";
import { planPaths } from "./plan-paths.ts";
import { layOutTree, planTree, type TreeLayout } from "./plan-tree.ts";
import type { PlannedComponent, Refusal, RestorePlan, RestoreTarget } from "./restore-plan.ts";

export interface PlanRequest {
  readonly reader: BackupReader;
  readonly targets: readonly RestoreTarget[];
  /** Live places of all declared components. */
  readonly places: ReadonlyMap<string, string>;
  readonly avoid: readonly FileIdentity[];
  /** What of the targets is wanted; everything unless given. */
  readonly select?: (entry: Entry) => boolean;
  readonly online: boolean;
  readonly inPlace: boolean;
  readonly force: boolean;
  readonly signal?: AbortSignal;
}

/** What a plan gathers about one target before the backup's entries are looked through. */
interface Gathering {
  readonly target: RestoreTarget;
  /** Links followed. */
  readonly place: string;
  readonly layout: TreeLayout | undefined;
  /** By path, as far as the plan has to know them one by one. */
  readonly known: Map<string, Entry>;
  readonly inside: Map<string, Entry[]>;
  entries: number;
  bytes: number;
}

/** Looks at the live state and at the backup, and says what a restore would do. Changes nothing. */
export async function planRestore(request: PlanRequest): Promise<RestorePlan> {
  const refusals: Refusal[] = [];
  const warnings: string[] = [];
  const context: PlanContext = {
    mountPoints: readMountPoints(),
    places: new Map([...request.places].map(([name, path]) => [name, realPlace(path)])),
    avoid: request.avoid,
    select: request.select ?? null,
    inPlace: request.inPlace,
    force: request.force,
    signal: request.signal,
    refuse: (refusal) => void refusals.push(refusal),
    warn: (text) => void warnings.push(text),
  };
  const gathered = new Map<string, Gathering>();
  for (const target of request.targets) gathered.set(target.component, await gather(target, context));
  await lookThrough(request.reader, gathered, context);
  const components: PlannedComponent[] = [];
  for (const one of gathered.values()) {
    if (context.select !== null && one.entries === 0) continue;
    components.push(planOne(one, request, context));
  }
  return { backup: request.reader.head.id, components, refusals, warnings };
}

async function gather(target: RestoreTarget, context: PlanContext): Promise<Gathering> {
  const none = { known: new Map<string, Entry>(), inside: new Map<string, Entry[]>(), entries: 0, bytes: 0 };
  if (target.path === null) return { target, place: target.command?.argv[0] ?? "", layout: undefined, ...none };
  try {
    const place = realPlace(target.path);
    const whole = target.source === "tree" && target.salvaged === null && context.select === null;
    return { target, place, layout: whole ? await layOutTree(place, target, context) : undefined, ...none };
  } catch (error) {
    throw error instanceof HoldfastError ? error : namedSystemError(error, `look at component "${target.component}" at "${target.path}"`);
  }
}

/** One pass over the backup: counts what will be staged, and keeps the entries that the plan must name one by one. */
async function lookThrough(reader: BackupReader, gathered: ReadonlyMap<string, Gathering>, context: PlanContext): Promise<void> {
  for await (const entry of reader.entries()) {
    const one = gathered.get(entry.component);
    if (one === undefined || (context.select !== null && !context.select(entry))) continue;
    one.entries += 1;
    one.bytes += entry.size;
    const { layout, target } = one;
    const entered = layout?.live?.entered;
    const single = target.source !== "tree" || target.salvaged !== null;
    if (single || context.select !== null || entered?.has(entry.path) === true || entered?.has(folderOf(entry.path)) === true)
      keep(one, entry);
  }
}

function keep(one: Gathering, entry: Entry): void {
  one.known.set(entry.path, entry);
  if (entry.path === ".") return;
  const folder = folderOf(entry.path);
  const siblings = one.inside.get(folder);
  if (siblings === undefined) one.inside.set(folder, [entry]);
  else siblings.push(entry);
}

function folderOf(path: string): string {
  return path.includes("/") ? dirname(path) : ".";
}

function planOne(one: Gathering, request: PlanRequest, context: PlanContext): PlannedComponent {
  const { target, place, layout, known } = one;
  const { component } = target;
  const common = { component, target: place, recorded: target.recorded, entries: one.entries, bytes: one.bytes, untouched: [] };
  if (target.command !== null) return { ...common, how: "command", moves: [], folders: [] };
  if (target.source === "command") {
    context.refuse({
      component,
      reason: `"${component}" is the output of a command, and no \`restore\` command is declared for it`,
      hint: `Add \`restore: [...]\` to components.${component}, or leave it out with --component`,
      overridable: false,
    });
    return { ...common, how: "command", moves: [], folders: [] };
  }
  if (request.online && target.source === "sqlite") return { ...common, how: "online", moves: [], folders: [] };
  if (target.source !== "tree" || target.salvaged !== null) {
    const moves = planFile(place, target, bySuffix(target, known), context);
    return { ...common, how: "rename", moves, folders: [] };
  }
  if (layout === undefined) {
    const chosen = [...known.values()];
    return { ...common, how: "rename", ...planPaths(place, target, chosen, context) };
  }
  const carried: CarriedEntries = { at: (path) => known.get(path), inside: (folder) => one.inside.get(folder) ?? [] };
  return { ...common, how: "rename", ...planTree(layout, target, carried, context) };
}

/** The main file under "", and the sidecars that a salvage kept under their suffixes. */
function bySuffix(target: RestoreTarget, known: ReadonlyMap<string, Entry>): ReadonlyMap<string, Entry> {
  const files = [...known.values()].filter(({ type }) => type === "file");
  if (target.salvaged === null) return new Map(files.slice(0, 1).map((entry) => ["", entry]));
  const found = new Map<string, Entry>();
  for (const suffix of ["", ...SIDECARS]) {
    const entry = known.get(`${target.salvaged}${suffix}`);
    if (entry !== undefined) found.set(suffix, entry);
  }
  return found;
}
