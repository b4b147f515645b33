import * as z from "zod/mini";
import { RUN, type RunDocument } from "./runs.ts";
import { named, type Schema } from "./schema.ts";
import { LEASE, type LeaseDocument } from "./state.ts";

/** One server-sent event; `type` is its event field, the rest its data. */
export type ApiEvent =
  | { readonly type: "run.started" | "run.progress" | "run.finished"; readonly at: string; readonly run: RunDocument }
  | {
      readonly type: "lease.changed";
      readonly at: string;
      /** null when nobody holds it. */
      readonly lease: LeaseDocument | null;
    };

export const EVENT: Schema<ApiEvent> = named(
  "Event",
  z.union([
    z.object({ type: z.enum(["run.started", "run.progress", "run.finished"]), at: z.string(), run: RUN }),
    z.object({ type: z.literal("lease.changed"), at: z.string(), lease: z.nullable(LEASE) }),
  ]),
);
