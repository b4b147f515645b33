import { describe, expect, it } from "vitest";
import { configReference, describeSchema } from "./reference.ts";
import { LEAST, testPlace } from "./test-place.ts";

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
  readonly required?: readonly string[];
}

function keysIn(schema: Schema, prefix = ""): string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => [
    `${prefix}${name}`,
    ...keysIn(inner, `${prefix}${name}.`),
  ]);
  const each = typeof schema.additionalProperties === "object" ? keysIn(schema.additionalProperties, `${prefix}NAME.`) : [];
  const elements = schema.items === undefined ? [] : keysIn(schema.items, prefix.replace(/\.$/, "[]."));
  return [...own, ...each, ...elements, ...(schema.anyOf ?? []).flatMap((option) => keysIn(option, prefix))];
}

describe("describeSchema()", () => {
  it("is closed at every level and requires what loadConfig() requires", () => {
    const schema = describeSchema() as Schema;
    expect(schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      required: ["components", "backup"],
      additionalProperties: false,
    });
    expect(schema.properties?.["backup"]).toMatchObject({
      required: ["path"],
      additionalProperties: false,
      properties: { schedule_hours: { type: "integer", minimum: 1, maximum: 168, default: 6 }, compression: { default: true } },
    });
    expect(schema.properties?.["components"]).toMatchObject({
      propertyNames: { pattern: expect.any(String) as string },
      additionalProperties: { additionalProperties: false },
    });
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  });
});

describe("configReference()", () => {
  it("has a row with a meaning for every key of the schema, and no other", () => {
    const rows = configReference().filter(({ available }) => available !== false);
    expect(rows.map(({ key }) => key).toSorted()).toEqual(keysIn(describeSchema() as Schema).toSorted());
    for (const { key, meaning, type } of rows) expect(`${key}: ${type} ${meaning}`).toMatch(/: .+ .{10,}[^.]$/);
  });

  it("tells the defaults that loadConfig() fills in", () => {
    using place = testPlace();
    const fallback = (key: string): unknown => configReference().find((row) => row.key === key)?.default;
    const { components, backup, stateDir } = place.load(LEAST);
    expect(stateDir).toBe(place.join(String(fallback("state_dir"))));
    expect(fallback("backup.compression")).toBe(String(backup.compression));
    expect(fallback("components.NAME.exclude_caches")).toBe(String(components[0]?.excludeCaches));
    expect(fallback("components.NAME.one_file_system")).toBe(String(components[0]?.oneFileSystem));
    expect(fallback("components.NAME.optional")).toBe(String(components[0]?.optional));
    const timeouts = place.load(
      "components:\n  a: { path: a, pause: { command: [a], resume: [b] } }\n  b: { command: [a], as: b }\nbackup: { path: /v }\n",
    );
    expect(fallback("components.NAME.pause.timeout")).toBe(`${(timeouts.components[0]?.pause?.timeout ?? 0) / 1000}s`);
    expect(fallback("components.NAME.timeout")).toBe(`${(timeouts.components[1]?.command?.timeout ?? 0) / 60_000}m`);
    const { orchestrator, tasks } = place.load(`${LEAST}tasks:\n  a: { command: [a], every: 1h }\n`);
    expect(fallback("tasks.NAME.timeout")).toBe(`${(tasks[0]?.timeout ?? 0) / 3_600_000}h`);
    expect(fallback("tasks.NAME.keep_running")).toBe(String(tasks[0]?.keepRunning));
    expect(fallback("orchestrator.poll_interval")).toBe(`${orchestrator.pollInterval / 1000}s`);
    expect(fallback("orchestrator.max_hold")).toBe(`${orchestrator.maxHold / 60_000}m`);
    expect(fallback("orchestrator.startup_wait")).toBe(`${orchestrator.startupWait / 1000}s`);
    expect(fallback("orchestrator.shutdown_timeout")).toBe(`${orchestrator.shutdownTimeout / 1000}s`);
  });
});
