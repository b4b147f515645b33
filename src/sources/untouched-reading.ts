import type { Reading, ReadingReport } from "../vault/index.ts";
import { readingOf } from "./reading-of.ts";
import type { ReadingRequest } from "./reading-request.ts";
import type { StagingFolder } from "./staging-folder.ts";

/** Of a component that is as it was in the backup that it is compared with: nothing of it is read. */
export function untouchedReading(report: () => ReadingReport, { signal }: ReadingRequest, staging: StagingFolder): Reading {
  return readingOf({ untouched: true, signal, *entries() {}, report, close: () => staging.remove() });
}
