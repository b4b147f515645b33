import * as z from "zod/mini";
import { named, type Schema } from "./schema.ts";

/** What a failure is on the wire: RFC 9457, with the code of the error table. */
export interface Problem {
  /** Where the code is described. */
  readonly type: string;
  /** What the code means. */
  readonly title: string;
  readonly status: number;
  /** What is wrong this time. */
  readonly detail: string;
  readonly code: string;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** Facts for programs. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

export const PROBLEM: Schema<Problem> = named(
  "Problem",
  z.object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    hint: z.optional(z.string()),
    details: z.optional(z.record(z.string(), z.unknown())),
  }),
);
