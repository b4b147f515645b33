import * as z from "zod/mini";
import { parsePart } from "../kernel/index.ts";
import { spanOf } from "./quantities.ts";
import type { RawVerify } from "./raw-config.ts";
import { key, onlyText, span, textThat } from "./schema-fields.ts";

const SHORTEST = 60_000;

export const verify: z.ZodMiniType<RawVerify> = z.strictObject({
  every: z.optional(
    key(textThat(everyComplaint), {
      title: "duration",
      default: "1d",
      description: "How often the daemon reads a part of the vault back; at least 1m. Never without the key `verify`",
    }),
  ),
  sample: z.optional(
    key(
      textThat((text) =>
        parsePart(text) === undefined ? "must be a part of all bytes, above 0% and at most 100%, such as 10%" : undefined,
      ),
      {
        title: "percentage",
        default: "10%",
        description: "How much of the vault's bytes each time, what was read back longest ago first",
      },
    ),
  ),
  max_age: z.optional(
    key(span(), {
      title: "duration",
      default: "30d",
      description: "How long it counts that something was read back; what is older is told by `status` and `doctor`",
    }),
  ),
});

function everyComplaint(text: string): string | undefined {
  const millis = spanOf(text);
  if (typeof millis === "string") return onlyText(millis);
  return millis < SHORTEST ? "must be at least 1m" : undefined;
}
