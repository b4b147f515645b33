import type { ComponentDetails, StoredComponent } from "../vault/index.ts";
import type { ReadyComponent } from "./preflight.ts";
import type { WatchedReading } from "./watched-reading.ts";

/** A previous backup of less than this is too small to call a difference a loss. Bytes. */
const SHRINK_FLOOR = 100_000;

/** What the manifest says of a component that was stored. */
export function describeComponent(
  { plan, importance, newestGood }: ReadyComponent,
  stored: StoredComponent,
  reading: WatchedReading,
  { storedAs, trouble = reading.trouble() }: { readonly storedAs: string; readonly trouble?: string | undefined },
): ComponentDetails {
  const report = reading.report();
  const omissions = [...report.omissions, ...stored.omissions];
  const warnings = [...(trouble === undefined ? [] : [trouble]), ...report.warnings, ...(stored.warnings ?? [])];
  const before = newestGood?.manifest.component_details[plan.name]?.bytes ?? 0;
  if (before > SHRINK_FLOOR && stored.bytes < before / 2) {
    warnings.push(`shrank from ${before} to ${stored.bytes} bytes since ${newestGood?.id}`);
  }
  const moved = stored.changed.some(({ change }) => change === "rewritten");
  return {
    ...report,
    ...(trouble === undefined ? {} : { salvaged: { file: null, reason: trouble, ...report.salvaged }, suspect: true }),
    omissions,
    warnings,
    importance,
    stored_as: storedAs,
    bytes: stored.bytes,
    entries: stored.entries,
    changed: stored.changed,
    whole: omissions.every(({ harmless }) => harmless) && !(importance === "critical" && moved),
  };
}
