import { parsePart } from "../kernel/index.ts";
import type { VerifyConfig } from "./config.ts";
import { checked, spanOf } from "./quantities.ts";
import type { RawVerify } from "./raw-config.ts";

export const EVERY = "1d";
export const MAX_AGE = "30d";
const SAMPLE = "10%";

/** Nothing is read back on schedule unless the file has the key: then it is, also when that says nothing more. */
export function verifyOf(raw: RawVerify | undefined): VerifyConfig {
  const sample = raw?.sample ?? SAMPLE;
  return {
    every: raw === undefined ? null : checked(spanOf(raw.every ?? EVERY)),
    sample: checked(parsePart(sample) ?? `"${sample}" is no part`),
    sampleText: sample,
    maxAge: checked(spanOf(raw?.max_age ?? MAX_AGE)),
  };
}
