import { describe, expect, it } from "vitest";
import { configChanges as changesOf } from "./config-changes.ts";

/** Parts of one are enough. */
const configChanges = (before: object, after: object, env: NodeJS.ProcessEnv = {}): readonly string[] => changesOf(before, after, env);

describe("configChanges()", () => {
  it("names what differs by its place, and named things by their name", () => {
    const before = { name: "acme", tasks: [{ name: "kbSync", schedule: { every: 1000 }, position: { line: 1 } }], gone: true };
    const after = {
      name: "acme",
      tasks: [
        { name: "dream", heavy: null },
        { name: "kbSync", schedule: { every: 500 }, position: { line: 9 } },
      ],
    };
    expect(configChanges(before, after)).toEqual([
      "tasks.kbSync.schedule.every: 1000 -> 500",
      "gone: true -> absent",
      'tasks.dream.name: absent -> "dream"',
      "tasks.dream.heavy: absent -> null",
    ]);
  });

  it("finds nothing between two that say the same", () => {
    expect(configChanges({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] })).toEqual([]);
  });

  it("says of what nobody may read only that it has changed: addresses of endpoints, headers, words behind a secret option", () => {
    const config = (path: string, key: string): object => ({
      notify: [
        { url: `https://hooks.example.com/services/${path}`, style: "webhook", headers: { "X-Hook": key }, on: ["failure"], timeout: 1 },
      ],
      tasks: [{ name: "sync", command: ["sync", "--password", key, "--user", `of ${key}`] }],
    });
    const lines = configChanges(config("T0/old-path", "old-key-1"), config("T0/new-path", "new-key-2"), {
      SYNC_TOKEN: "new-key-2",
      OLD_TOKEN: "old-key-1",
    });
    expect(lines).toEqual([
      "notify.0.url: changed",
      "notify.0.headers.X-Hook: changed",
      "tasks.sync.command.2: changed",
      "tasks.sync.command.4: changed",
    ]);
    expect(configChanges({ notify: [] }, config("T0/new-path", "new-key-2"))).toContain(
      'notify.0.url: absent -> "https://hooks.example.com/…"',
    );
  });
});
