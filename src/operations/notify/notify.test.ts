import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { endpoint, HANG, type Endpoint } from "../../../test/support/endpoint.ts";
import { FAKE_NOW, fakeInstance, fakeVault } from "../../../test/support/fake-vault.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import type { NotifyConfig, NotifyEvent } from "../../config/index.ts";
import type { Instance } from "../instance.ts";
import { endpointKey } from "./endpoint.ts";
import type { Happening } from "./notification.ts";
import { notify } from "./notify.ts";
import { undelivered } from "./outbox.ts";
import { watchConditions } from "./watch-conditions.ts";

const DAY = 86_400_000;
const webhook = (url: string, on: readonly NotifyEvent[] = ["failure"], timeout = 20_000): NotifyConfig => ({
  url,
  style: "webhook",
  headers: {},
  on,
  timeout,
});
const failure = (subject: string): Happening => ({ event: "failure", subject, message: "m" });
const subjects = ({ asked }: Endpoint): unknown[] => asked.map((one) => one.json()["subject"]);

function instanceAt(stateDir: string, endpoints: readonly NotifyConfig[], now = FAKE_NOW): Instance {
  return { ...fakeInstance(fakeVault(), { stateDir, notify: endpoints }), clock: { now: () => now } };
}

describe("notify()", () => {
  it("tells who asked for it, and nobody else, and leaves nothing behind", async () => {
    using folder = temporaryFolder();
    await using asked = await endpoint();
    await using other = await endpoint();
    const endpoints = [webhook(asked.url), webhook(other.url, ["success", "damage"])];
    expect(await notify(instanceAt(folder.path, endpoints), failure("a"))).toEqual([]);
    expect([subjects(asked), subjects(other)]).toEqual([["a"], []]);
    expect(undelivered(folder.path, endpoints[0]!)).toBe(0);
  });

  it("writes nothing where nobody is to be told", async () => {
    using folder = temporaryFolder();
    expect(await notify(instanceAt(folder.path, []), failure("a"))).toEqual([]);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it("keeps what is not delivered and sends it before the next, in order", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const endpoints = [webhook(server.url)];
    const instance = instanceAt(folder.path, endpoints);
    server.script(500, 500, 500);
    expect(await notify(instance, failure("first"))).toEqual([
      `${server.url}: It answered 500; the notification is kept, and sent again later`,
    ]);
    expect(undelivered(folder.path, endpoints[0]!)).toBe(1);
    expect(await notify(instance, failure("second"))).toEqual([]);
    expect(subjects(server)).toEqual(["first", "first", "first", "first", "second"]);
    expect(undelivered(folder.path, endpoints[0]!)).toBe(0);
  });

  it("lets one endpoint that hangs hold up no other, and itself no longer than its time", async () => {
    using folder = temporaryFolder();
    await using hanging = await endpoint();
    await using server = await endpoint();
    hanging.otherwise(HANG);
    const endpoints = [webhook(hanging.url, ["failure"], 300), webhook(server.url)];
    expect(await notify(instanceAt(folder.path, endpoints), failure("a"))).toEqual([expect.stringContaining("did not answer in time")]);
    expect(subjects(server)).toEqual(["a"]);
    expect(endpoints.map((one) => undelivered(folder.path, one))).toEqual([1, 0]);
  });

  it("drops what is refused for good, and goes on with the next", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    server.script(404);
    const instance = instanceAt(folder.path, [webhook(server.url)]);
    expect(await notify(instance, failure("a"))).toEqual([expect.stringContaining("It answered 404; the notification")]);
    expect(await notify(instance, failure("b"))).toEqual([]);
    expect(subjects(server)).toEqual(["a", "b"]);
  });

  it("ends when it is told to, and keeps what was not delivered by then", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    server.otherwise(HANG);
    const endpoints = [webhook(server.url)];
    const stopping = new AbortController();
    const told = notify(instanceAt(folder.path, endpoints), failure("a"), stopping.signal);
    await server.until(1);
    stopping.abort();
    expect(await told).toHaveLength(1);
    expect(undelivered(folder.path, endpoints[0]!)).toBe(1);
  });

  it("drops what is a day old, and counts it", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    server.script(500, 500, 500, 500, 500, 500);
    const endpoints = [webhook(server.url)];
    await notify(instanceAt(folder.path, endpoints), failure("old"));
    await notify(instanceAt(folder.path, endpoints, FAKE_NOW + DAY / 2), failure("young"));
    expect(await notify(instanceAt(folder.path, endpoints, FAKE_NOW + DAY + 1), failure("new"))).toEqual([
      expect.stringContaining("1 notifications that could not be delivered for a day"),
    ]);
    expect(subjects(server).slice(6)).toEqual(["young", "new"]);
  });

  it("keeps a hundred, and drops the oldest", async () => {
    using folder = temporaryFolder();
    const endpoints = [webhook("http://169.254.1.1/")];
    const box = join(folder.path, "notify", endpointKey(endpoints[0]!));
    mkdirSync(box, { recursive: true });
    for (let n = 0; n < 150; n += 1)
      writeFileSync(
        join(box, `${String(FAKE_NOW - 1000 + n).padStart(15, "0")}-000000-00000000-0000-4000-8000-000000000000.json`),
        JSON.stringify({ schema: "holdfast.notification/1", message: `number ${n}` }),
      );
    const problems = await watchConditions(instanceAt(folder.path, endpoints));
    expect(problems[0]).toContain("50 notifications");
    expect(problems.filter((problem) => problem.includes("link-local"))).toHaveLength(100);
    expect(problems[1]).toContain("number 50");
    expect(undelivered(folder.path, endpoints[0]!)).toBe(0);
  });

  it("drops what cannot be read, and goes on", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const endpoints = [webhook(server.url)];
    const box = join(folder.path, "notify", endpointKey(endpoints[0]!));
    mkdirSync(box, { recursive: true });
    writeFileSync(join(box, `${String(FAKE_NOW - 1).padStart(15, "0")}-000000-00000000-0000-4000-8000-000000000000.json`), '{"sch');
    expect(await notify(instanceAt(folder.path, endpoints), failure("a"))).toHaveLength(1);
    expect(subjects(server)).toEqual(["a"]);
  });

  it("tells at once, without keeping it, where nothing can be written: a full disk is what somebody has to hear of", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    writeFileSync(folder.join("notify"), "in the way");
    expect(await notify(instanceAt(folder.path, [webhook(server.url)]), failure("a"))).toEqual([
      expect.stringContaining("keep the notification"),
    ]);
    expect(subjects(server)).toEqual(["a"]);
  });

  it("never shows the path of an address, which is a secret wherever a ping or a chat gives one", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    server.otherwise(500);
    const problems = await notify(instanceAt(folder.path, [webhook(`${server.url}/T000/B000/XXXX`)]), failure("a"));
    expect(problems.join("\n")).toContain(`${server.url}/…`);
    expect(problems.join("\n")).not.toContain("XXXX");
  });

  it("delivers once what two processes' worth of callers tell at the same time", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const instance = instanceAt(folder.path, [webhook(server.url)]);
    const told = await Promise.all(["a", "b", "c", "d"].map((name) => notify(instance, failure(name))));
    expect(told.flat()).toEqual([]);
    expect(subjects(server).map(String).toSorted()).toEqual(["a", "b", "c", "d"]);
  });
});

describe("watchConditions()", () => {
  it("sends again what waits, and forgets what waits for endpoints that are declared no more", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    await using gone = await endpoint();
    for (const one of [server, gone]) one.script(500, 500, 500);
    const [kept, removed] = [webhook(server.url), webhook(gone.url)];
    await notify(instanceAt(folder.path, [kept, removed]), failure("a"));
    expect(await watchConditions(instanceAt(folder.path, [kept]))).toEqual([
      "1 notifications for endpoints that are declared no more are dropped",
    ]);
    expect([server.asked.length, gone.asked.length]).toEqual([4, 3]);
    expect(undelivered(folder.path, removed)).toBe(0);
  });
});
