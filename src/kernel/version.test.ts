import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { systemClock } from "./clock.ts";
import { VERSION } from "./version.ts";

describe("VERSION", () => {
  it("is the package's", () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
    expect(VERSION).toBe(version);
    expect(VERSION).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe("systemClock", () => {
  it("tells milliseconds since the epoch", () => {
    const before = Date.now();
    const now = systemClock.now();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
  });
});
