import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatBytes, formatDuration, parseBytes, parseDuration } from "./quantity.ts";

describe("parseDuration()", () => {
  it.each([
    ["250ms", 250],
    ["30s", 30_000],
    ["1.5h", 5_400_000],
    [" 10 m ", 600_000],
    ["365d", 31_536_000_000],
    ["2w", 1_209_600_000],
    ["0s", 0],
  ])("reads %j", (text, millis) => {
    expect(parseDuration(text)).toBe(millis);
  });

  it.each(["", "30", "s", "-1s", "+1s", "1e3s", "1m 30s", "30 sec", "30S", ".5s", "1.s", "0x10s", "NaNs", "١s", "1,5h"])(
    "refuses %j",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it("never gives what is no time: a number without end is no duration", () => {
    expect(parseDuration(`${"9".repeat(400)}d`)).toBeUndefined();
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{1,400}(\.[0-9]{1,9})?(ms|s|m|h|d|w)$/), (text) => {
        const millis = parseDuration(text);
        expect(millis === undefined || (Number.isFinite(millis) && millis >= 0 && Number.isInteger(millis))).toBe(true);
      }),
    );
  });

  it("grows with the number, and a unit is as long as so many smaller ones", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (n) => {
        expect(parseDuration(`${n}s`)).toBe(n * 1000);
        expect(parseDuration(`${n * 60}s`)).toBe(parseDuration(`${n}m`));
        expect(parseDuration(`${n * 60}m`)).toBe(parseDuration(`${n}h`));
        expect(parseDuration(`${n * 24}h`)).toBe(parseDuration(`${n}d`));
        expect(parseDuration(`${n * 7}d`)).toBe(parseDuration(`${n}w`));
      }),
    );
  });
});

describe("parseBytes()", () => {
  it.each([
    ["4096", 4096],
    ["10MB", 10_000_000],
    ["10mb", 10_000_000],
    ["1.5 GiB", 1_610_612_736],
    ["1KiB", 1024],
    ["2 TB", 2_000_000_000_000],
    ["7b", 7],
  ])("reads %j", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(["", "MB", "-1", "1 XB", "1.5.5", "1e9", "1 000", "10M", "1toString", "1constructor", "1__proto__"])("refuses %j", (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });

  it("never gives what is no size: a number without end is none", () => {
    expect(parseBytes("9".repeat(400))).toBeUndefined();
  });
});

describe("formatBytes()", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [183_301, "183.3 kB"],
    [999_949, "999.9 kB"],
    [999_950, "1.0 MB"],
    [546_000_000, "546.0 MB"],
    [2 ** 40, "1.1 TB"],
    [Number.MAX_SAFE_INTEGER, "9.0 PB"],
  ])("writes %i as %j", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("has four digits at most, and parseBytes() gives the size back within a twentieth of its last digit's unit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_949_999_999_999 }), (bytes) => {
        const text = formatBytes(bytes);
        expect(text).toMatch(/^\d{1,3}(\.\d)? (B|kB|MB|GB|TB)$/);
        const back = parseBytes(text) ?? Number.NaN;
        expect(Math.abs(back - bytes)).toBeLessThanOrEqual(Math.max(bytes * 0.0501, 0));
      }),
    );
  });

  it("never says that more is less", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.nat(2 ** 40), (a, b) => {
        expect(Math.sign((parseBytes(formatBytes(Math.max(a, b))) ?? 0) - (parseBytes(formatBytes(Math.min(a, b))) ?? 0))).not.toBe(-1);
      }),
    );
  });
});

describe("formatDuration()", () => {
  it.each([
    [0, "0ms"],
    [999, "999ms"],
    [999.7, "1s"],
    [1000, "1s"],
    [59_499, "59s"],
    [59_500, "1m 0s"],
    [95_000, "1m 35s"],
    [3_599_600, "1h 0m"],
    [172_799_000, "47h 59m"],
    [172_800_000, "2d 0h"],
    [31_536_000_000, "365d 0h"],
  ])("writes %d ms as %j", (millis, text) => {
    expect(formatDuration(millis)).toBe(text);
  });

  it("is parts that parseDuration() reads, and their sum is the time within the smallest part's unit", () => {
    fc.assert(
      fc.property(fc.nat(10_000_000_000), (millis) => {
        const parts = formatDuration(millis).split(" ");
        const sum = parts.reduce((total, part) => total + (parseDuration(part) ?? Number.NaN), 0);
        const unit = parseDuration(`1${/[a-z]+$/.exec(parts.at(-1) ?? "")?.[0]}`) ?? 0;
        expect(Math.abs(millis - sum)).toBeLessThanOrEqual(unit);
      }),
    );
  });
});
