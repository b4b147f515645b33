import { describe, expect, it } from "vitest";
import { LEAST, testPlace } from "./test-place.ts";

const DAY = 86_400_000;
const verify = (text: string, more = ""): string => `${LEAST}verify: ${text}\n${more}`;

describe("loadConfig() of `verify`", () => {
  it("reads nothing back on schedule without the key, and takes every default of an empty one", () => {
    using place = testPlace();
    const defaults = { sample: 0.1, sampleText: "10%", maxAge: 30 * DAY };
    expect(place.load(LEAST).verify).toEqual({ every: null, ...defaults });
    expect(place.load(verify("{}")).verify).toEqual({ every: DAY, ...defaults });
    expect(place.load(verify("{ every: 1d, sample: 10%, max_age: 30d }")).verify).toEqual({ every: DAY, ...defaults });
  });

  it("reads what is given, in the file and in the environment", () => {
    using place = testPlace();
    const given = { every: 12 * 3_600_000, sample: 0.025, sampleText: "2.5%", maxAge: 90 * DAY };
    expect(place.load(verify("{ every: 12h, sample: 2.5%, max_age: 90d }")).verify).toEqual(given);
    const env = { HOLDFAST_VERIFY__EVERY: "12h", HOLDFAST_VERIFY__SAMPLE: "2.5%", HOLDFAST_VERIFY__MAX_AGE: "90d" };
    expect(place.load(LEAST, env).verify).toEqual(given);
  });

  it.each([
    ["an empty key", "", 9, "`verify` must be a map of keys, not empty"],
    ["nothing of the vault", "{ sample: 0% }", 19, "above 0% and at most 100%"],
    ["more than all of it", "{ sample: 101% }", 19, "above 0% and at most 100%"],
    ["a sample that is no part", "{ sample: 10 packs }", 19, "such as 10%"],
    ["a sample without its sign", "{ sample: 10 }", 19, "must be text"],
    ["an interval without a unit", '{ every: "1" }', 18, "must be a duration with its unit"],
    ["an interval below a minute", "{ every: 59s }", 18, "must be at least 1m"],
    ["an age that passes before the next time", "{ every: 2d, max_age: 1d }", 31, "`max_age` is shorter than `every`"],
    ["an interval beyond the default age", "{ every: 31d }", 18, "`max_age` is shorter than `every`"],
    ["an age below the default interval", "{ max_age: 1h }", 20, "`max_age` is shorter than `every`"],
    ["a mistyped key", "{ evry: 1d }", 11, "Unknown key `evry`"],
  ])("refuses %s where it stands", (_what, text, column, message) => {
    using place = testPlace();
    const problems = place.problems(verify(text));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ line: 5, column, message: expect.stringContaining(message) });
  });

  it("refuses a task of its name beside it, and leaves one alone without it", () => {
    using place = testPlace();
    for (const name of ["verify", "Verify"]) {
      const tasks = `tasks:\n  ${name}: { command: [x], every: 1h }\n`;
      expect(place.problems(verify("{}", tasks))).toMatchObject([{ line: 7, column: 3, hint: "Give this one another name" }]);
      expect(place.load(`${LEAST}${tasks}`).tasks.map((task) => task.name)).toEqual([name]);
    }
  });
});
