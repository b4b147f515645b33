import * as z from "zod/mini";
import { RUN_STARTED, type RunStarted } from "../backups.ts";
import type { AnswerSpec } from "../endpoint.ts";
import { backupId, backupReference, type Schema } from "../schema.ts";

/** What only looks may ask for the newest. */
export const REFERENCE: Schema<{ readonly id: string }> = z.strictObject({ id: backupReference });
/** What cannot be taken back names the whole id. */
export const EXACT: Schema<{ readonly id: string }> = z.strictObject({ id: backupId });
export const STARTED: AnswerSpec<RunStarted> = { means: "It has begun; Location is the run", schema: RUN_STARTED };
