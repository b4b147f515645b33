import { describe, expect, it } from "vitest";
import { NOTIFY_EVENTS } from "./config.ts";
import { configReference } from "./reference.ts";
import { testPlace } from "./test-place.ts";

const REST = { components: { state: { path: "state.json" } }, backup: { path: "/vault" } };
const WRONG = ["failure", "overdue", "starving", "damage"];

describe("loadConfig() of `hooks` and `notify`", () => {
  it("is nobody to run and nobody to tell when none is declared", () => {
    using place = testPlace();
    expect(place.load(JSON.stringify(REST))).toMatchObject({ hooks: null, notify: [] });
  });

  it("reads argument arrays, with a program beside the configuration and a minute for each", () => {
    using place = testPlace();
    const hooks = { before: ["./quiesce", "a b"], error: ["logger"] };
    expect(place.load(JSON.stringify({ ...REST, hooks })).hooks).toEqual({
      before: [place.join("quiesce"), "a b"],
      after: null,
      error: ["logger"],
      timeout: 60_000,
    });
  });

  it("reads endpoints: a webhook and a command are told what is wrong, a healthchecks ping of success and failure", () => {
    using place = testPlace();
    const notify = [
      { url: "https://chat.example/hook", headers: { Authorization: "Bearer x" }, timeout: "2s" },
      { url: "https://hc-ping.com/uuid", style: "healthchecks" },
      { command: ["./tell"], on: ["damage", "damage", "success"] },
    ];
    const read = [
      { url: "https://chat.example/hook", style: "webhook", headers: { Authorization: "Bearer x" }, on: WRONG, timeout: 2000 },
      { url: "https://hc-ping.com/uuid", style: "healthchecks", headers: {}, on: ["success", "failure"], timeout: 10_000 },
      { command: [place.join("tell")], on: ["damage", "success"], timeout: 10_000 },
    ];
    expect(place.load(JSON.stringify({ ...REST, notify })).notify).toEqual(read);
    expect(place.load(JSON.stringify(REST), { HOLDFAST_NOTIFY: JSON.stringify(notify) }).notify).toEqual(read);
  });

  it.each([
    [{ hooks: {} }, "hooks", "names no program"],
    [{ hooks: { timeout: "5s" } }, "hooks", "names no program"],
    [{ hooks: { before: "echo hi" } }, "hooks.before", "must be a list"],
    [{ hooks: { before: [] } }, "hooks.before", "must not be empty"],
    [{ hooks: { before: ["a"], shell: true } }, "hooks.shell", "Unknown key"],
    [{ hooks: { after: ["a"], timeout: 5 } }, "hooks.timeout", "must be text"],
    [{ notify: { url: "https://h/" } }, "notify", "must be a list"],
    [{ notify: [{}] }, "notify[0]", "neither `url` nor `command`"],
    [{ notify: [{ url: "https://h/", command: ["a"] }] }, "notify[0]", "not both"],
    [{ notify: [{ url: "ftp://h/" }] }, "notify[0].url", "must be an http or https address"],
    [{ notify: [{ url: "file:///etc/passwd" }] }, "notify[0].url", "must be an http or https address"],
    [{ notify: [{ url: "https://me:secret@h/" }] }, "notify[0].url", "must hold no user"],
    [{ notify: [{ url: "h" }] }, "notify[0].url", "must be a URL"],
    [{ notify: [{ command: ["a"] }, { command: ["a"], headers: { a: "b" } }] }, "notify[1].headers", "with `url` only"],
    [{ notify: [{ command: ["a"], style: "webhook" }] }, "notify[0].style", "with `url` only"],
    [{ notify: [{ url: "https://h/", style: "slack" }] }, "notify[0].style", "must be webhook or healthchecks"],
    [{ notify: [{ url: "https://h/", on: ["sucess"] }] }, "notify[0].on[0]", "must be success, failure"],
    [{ notify: [{ url: "https://h/", on: [] }] }, "notify[0].on", "must name an event"],
    [{ notify: [{ url: "https://h/", style: "healthchecks", on: ["failure"] }] }, "notify[0].on", "must name success"],
    [{ notify: [{ url: "https://h/", timeout: "61s" }] }, "notify[0].timeout", "at most 1m"],
    [{ notify: [{ url: "https://h/", headers: { "a b": "c" } }] }, "notify[0].headers", "not the name of a header field"],
    [{ notify: [{ url: "https://h/", headers: { Host: "c" } }] }, "notify[0].headers", "set by the request itself"],
    [{ notify: [{ url: "https://h/", headers: { A: "b\r\nC: secret" } }] }, "notify[0].headers.A", "one line"],
    [{ notify: [{ url: "https://h/", retries: 3 }] }, "notify[0].retries", "Unknown key"],
  ])("refuses %j", (keys, key, message) => {
    using place = testPlace();
    const problems = place.problems(JSON.stringify({ ...REST, ...keys }, null, 2));
    expect(problems).toHaveLength(1);
    expect(problems[0]?.key.startsWith(key), problems[0]?.key).toBe(true);
    expect(problems[0]?.message).toContain(message);
    expect(problems[0]?.line).toBeGreaterThan(1);
    expect(JSON.stringify(problems)).not.toContain("secret");
  });

  it("is described in the reference, down to the keys of an endpoint", () => {
    const keys = configReference().map((row) => row.key);
    for (const key of ["hooks.before", "hooks.after", "hooks.error", "notify", "notify[].url", "notify[].command", "notify[].on"])
      expect(keys).toContain(key);
    for (const event of NOTIFY_EVENTS) expect(configReference().find(({ key }) => key === "notify[].on")?.type).toContain(event);
  });
});
