import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configReference } from "./reference.ts";
import { LEAST, testPlace } from "./test-place.ts";

const FILE = `name: acme
components:
  state: { path: data }
  knowledge-packs: { path: packs }
tasks:
  state: { command: [sync], every: 1h }
backup:
  path: /vault
`;

describe("loadConfig() with variables", () => {
  it("lets a variable win over any key, with __ between levels, _ for a dash, and no regard to case", () => {
    using place = testPlace();
    const config = place.load(FILE, {
      HOLDFAST_NAME: "other",
      HOLDFAST_backup__Path: "elsewhere",
      HOLDFAST_BACKUP__COMPRESSION: "false",
      HOLDFAST_BACKUP__INCLUDE: '["state"]',
      HOLDFAST_COMPONENTS__KNOWLEDGE_PACKS__PATH: "~/packs",
      HOLDFAST_COMPONENTS__STATE__PATH: '{"from": "conf.json", "pointer": "/stateFile", "env": "STATE_FILE"}',
      HOLDFAST_COMPONENTS__STATE__EXCLUDE_LARGER: "10MB",
      HOLDFAST_COMPONENTS__STATE__PAUSE__COMMAND: '["./hold"]',
      HOLDFAST_COMPONENTS__STATE__PAUSE__RESUME: '["./go"]',
      HOLDFAST_SCHEMA_VERSION__COMPONENT: "state",
      HOME: "/home/acme",
    });
    expect(config).toMatchObject({
      name: "other",
      backup: { path: place.join("elsewhere"), compression: false, include: ["state"] },
      schemaVersion: { component: "state", query: null },
    });
    const [state, packs] = config.components;
    expect(packs?.path).toEqual({ literal: "/home/acme/packs" });
    expect(state).toMatchObject({
      path: { from: place.join("conf.json"), pointer: "/stateFile", env: "STATE_FILE" },
      excludeLarger: 10_000_000,
      pause: { command: [place.join("hold")], resume: [place.join("go")] },
    });
  });

  it("makes a whole configuration out of variables, the map before what is set inside it", () => {
    using place = testPlace();
    const config = place.load("name: acme\n", {
      HOLDFAST_COMPONENTS__STATE__PATH: "/other",
      HOLDFAST_COMPONENTS: '{"state": {"path": "data"}, "logs": {"path": "logs"}}',
      HOLDFAST_BACKUP__PATH: "/vault",
    });
    expect(config.components.map(({ name, path, position }) => [name, path, position.file])).toEqual([
      ["state", { literal: "/other" }, "HOLDFAST_COMPONENTS"],
      ["logs", { literal: place.join("logs") }, "HOLDFAST_COMPONENTS"],
    ]);
  });

  it("keeps text that looks like something else when the key is text", () => {
    using place = testPlace();
    for (const text of ["123", "true", "null"]) expect(place.load(FILE, { HOLDFAST_NAME: text }).name).toBe(text);
    expect(place.load(FILE, { HOLDFAST_BACKUP__PATH: "[x]" }).backup.path).toBe(place.join("[x]"));
  });

  it("reads numbers and switches as YAML does", () => {
    using place = testPlace();
    expect(place.load(FILE, { HOLDFAST_BACKUP__COMPRESSION: "False" }).backup.compression).toBe(false);
    expect(() => place.load(FILE, { HOLDFAST_BACKUP__SCHEDULE_HOURS: "0x10" })).not.toThrow();
    expect(place.problems(FILE, { HOLDFAST_BACKUP__SCHEDULE_HOURS: "six" })).toMatchObject([
      { variable: "HOLDFAST_BACKUP__SCHEDULE_HOURS", message: "`backup.schedule_hours` must be a whole number, not text" },
    ]);
    expect(place.problems(FILE, { HOLDFAST_BACKUP__COMPRESSION: "yes" })).toMatchObject([
      { variable: "HOLDFAST_BACKUP__COMPRESSION", message: "`backup.compression` must be true or false, not text" },
    ]);
  });

  it("leaves the reserved variables and everything without the prefix alone", () => {
    using place = testPlace();
    expect(
      place.load(FILE, {
        HOLDFAST_CONFIG: "x",
        HOLDFAST_CRASHPOINT: "y",
        HOLDFAST_LEASE: "z",
        HOLD_FAST: "1",
        HOLDFASTNAME: "z",
        HOLDFAST_NOT: undefined,
      }).name,
    ).toBe("acme");
  });

  it.each([
    ["an unknown variable", "HOLDFAST_BACKUP__PAHT", "/x", "overrides no key", "Did you mean `HOLDFAST_BACKUP__PATH`?"],
    [
      "an unknown component",
      "HOLDFAST_COMPONENTS__STAET__PATH",
      "x",
      "overrides no key",
      "Did you mean `HOLDFAST_COMPONENTS__STATE__PATH`?",
    ],
    ["the prefix alone", "HOLDFAST_", "x", "overrides no key", undefined],
    ["something inside text", "HOLDFAST_COMPONENTS__STATE__PATH__ENV", "X", "`components.state.path` is not a map of keys", undefined],
    ["empty text", "HOLDFAST_BACKUP__PATH", "", "`backup.path` must not be empty", undefined],
    ["a list that is not JSON", "HOLDFAST_BACKUP__INCLUDE", "state", 'must be JSON here, such as ["one", "two"]', undefined],
    ["a map that is not JSON", "HOLDFAST_COMPONENTS__STATE__PAUSE", "a: b", 'must be JSON here, such as {"key": "value"}', undefined],
    ["__proto__ in JSON", "HOLDFAST_BACKUP", '{"path": "/x", "__proto__": {}}', "must be JSON here", undefined],
    [
      "a mistyped key in JSON",
      "HOLDFAST_BACKUP",
      '{"path": "/x", "compresion": true}',
      "Unknown key `compresion`",
      "Did you mean `compression`?",
    ],
    ["a missing key in JSON", "HOLDFAST_BACKUP", "{}", "`backup.path` is missing", undefined],
    ["what is not available", "HOLDFAST_BACKUP__COPIES", "[]", "`copies` is not available in this version", undefined],
    ["what is not available at the top", "HOLDFAST_DRILL", "{}", "`drill` is not available in this version", undefined],
    ["a component that is not declared", "HOLDFAST_BACKUP__INCLUDE", '["stat"]', 'No component is called "stat"', "Did you mean `state`?"],
    ["an address", "HOLDFAST_BACKUP__PATH", "sftp://host/x", "not a `sftp:` address", undefined],
  ])("refuses %s, with the variable as the place", (_, variable, value, message, hint) => {
    using place = testPlace();
    const problems = place.problems(FILE, { [variable]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ variable, message: expect.stringContaining(message) as string });
    expect(problems[0]).not.toHaveProperty("line");
    if (hint !== undefined) expect(problems[0]?.hint).toBe(hint);
    expect(place.refusal(FILE, { [variable]: value }).message).toContain(`\n${variable}: `);
  });

  it("refuses two variables for one key", () => {
    using place = testPlace();
    expect(place.problems(FILE, { HOLDFAST_NAME: "a", HOLDFAST_name: "b" })).toMatchObject([
      { variable: "HOLDFAST_name", message: "`name` is set by HOLDFAST_NAME as well" },
    ]);
  });

  it("says of the file what is wrong in the file, and of the variable what is wrong in the variable", () => {
    using place = testPlace();
    expect(place.problems(LEAST.replace("path: data", "path: 5"), { HOLDFAST_BACKUP__ENABLED: "5" })).toMatchObject([
      { key: "components.state.path", line: 2, column: 18 },
      { key: "backup.enabled", variable: "HOLDFAST_BACKUP__ENABLED" },
    ]);
    expect(() => place.load(LEAST.replace("path: data", "path: 5"), { HOLDFAST_COMPONENTS__STATE__PATH: "data" })).not.toThrow();
  });

  it("leaves the other alias of a map as it is", () => {
    using place = testPlace();
    const config = place.load(
      "components:\n  a: &one { path: data, pause: { command: [a], resume: [b] } }\n  b: *one\nbackup: { path: /v }\n",
      {
        HOLDFAST_COMPONENTS__B__PAUSE__TIMEOUT: "1h",
      },
    );
    expect(config.components.map(({ pause }) => pause?.timeout)).toEqual([30_000, 3_600_000]);
  });

  it("knows a variable for every key of the reference, and none that is one letter off", () => {
    using place = testPlace();
    // An element of a list has no variable of its own: the list as a whole is JSON.
    const keys = configReference().filter(({ key }) => !key.includes("[]"));
    const variables = keys.map(({ key }) => `HOLDFAST_${key.replace("NAME", "state").toUpperCase().replaceAll(".", "__")}`);
    const unknown = (variable: string): boolean =>
      place
        .problems(`${FILE}zz: 1\n`, { [variable]: "{}" })
        .some(({ message }) => message === "This variable overrides no key of the configuration");
    for (const variable of variables) expect(unknown(variable), variable).toBe(false);
    fc.assert(
      fc.property(fc.constantFrom(...variables), fc.nat(), (variable, where) => {
        const at = "HOLDFAST_".length + (where % (variable.length - "HOLDFAST_".length));
        expect(unknown(`${variable.slice(0, at)}Q${variable.slice(at)}`)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
