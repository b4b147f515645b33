import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { endpoint, ENDLESS, HANG, redirectTo, type Endpoint } from "../../../test/support/endpoint.ts";
import { fakeInstance, fakeVault } from "../../../test/support/fake-vault.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { monotonicNow } from "../../kernel/index.ts";
import type { NotifyConfig, NotifyEvent } from "../../config/index.ts";
import type { Delivery } from "./delivery.ts";
import { notificationOf, type Happening } from "./notification.ts";
import { ATTEMPTS, send } from "./send.ts";

const ALL: readonly NotifyEvent[] = ["success", "failure", "overdue", "starving", "damage"];
const FAILURE: Happening = { event: "failure", subject: "manual backup", message: "It failed" };

async function sendTo(
  to: Partial<NotifyConfig>,
  { happening = FAILURE, timeout = 20_000, env = {} }: { happening?: Happening; timeout?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<Delivery> {
  using folder = temporaryFolder();
  const instance = { ...fakeInstance(fakeVault(), { stateDir: folder.path, folder: folder.path }), env };
  const whole = { on: ALL, timeout, ...("url" in to ? { style: "webhook", headers: {} } : {}), ...to } as NotifyConfig;
  return await send(instance, whole, notificationOf(instance, happening), { until: monotonicNow() + timeout, attempts: ATTEMPTS });
}

describe("send() to a webhook", () => {
  it("posts one JSON document, with the header fields that are declared", async () => {
    await using server = await endpoint();
    const details = { code: "COMPONENT_MISSING" };
    expect(
      await sendTo({ url: `${server.url}/hook?a=1`, headers: { Authorization: "Bearer abc" } }, { happening: { ...FAILURE, details } }),
    ).toEqual({ delivered: true });
    expect(server.asked).toHaveLength(1);
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: "POST", path: "/hook?a=1" });
    expect(asked?.headers).toMatchObject({ authorization: "Bearer abc", "content-type": "application/json" });
    expect(asked?.json()).toEqual({
      schema: "holdfast.notification/1",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      event: "failure",
      state: null,
      instance: "acme",
      at: "2026-03-15T12:00:00.000Z",
      subject: "manual backup",
      message: "It failed",
      details,
    });
  });

  it("tells no secret: not of a message, not of a detail, not of a variable", async () => {
    await using server = await endpoint();
    const message = "pg_dump --password hunter2 said token=abcdef and my-own-secret-value at https://me:pw@db/x";
    const details = { api_key: "k3y", hint: "authorization: Bearer abcdefghijkl" };
    await sendTo({ url: server.url }, { happening: { ...FAILURE, message, details }, env: { DB_PASSWORD: "my-own-secret-value" } });
    expect(server.asked[0]?.json()).toMatchObject({ details: { api_key: "***" } });
    for (const secret of ["hunter2", "abcdef", "my-own-secret-value", "me:pw", "k3y"]) expect(server.asked[0]?.body).not.toContain(secret);
  });

  it("tries again after 500 and after a connection that broke, three times in all, with the same id", async () => {
    await using server = await endpoint();
    server.script(500, (response) => response.destroy(), 200);
    expect(await sendTo({ url: server.url })).toEqual({ delivered: true });
    expect(server.asked).toHaveLength(3);
    expect(new Set(server.asked.map((asked) => asked.json()["id"])).size).toBe(1);
    server.otherwise(503);
    expect(await sendTo({ url: server.url })).toEqual({ delivered: false, problem: "It answered 503", again: true });
    expect(server.asked).toHaveLength(6);
  });

  it.each([400, 401, 404, 410])("takes %d for a refusal, and does not ask again", async (status) => {
    await using server = await endpoint();
    server.otherwise(status);
    expect(await sendTo({ url: server.url })).toEqual({ delivered: false, problem: `It answered ${status}`, again: false });
    expect(server.asked).toHaveLength(1);
  });

  it("ends a hang with its time, after one attempt", async () => {
    await using server = await endpoint();
    server.otherwise(HANG);
    expect(await sendTo({ url: server.url }, { timeout: 300 })).toEqual({
      delivered: false,
      problem: "It did not answer in time",
      again: true,
    });
    expect(server.asked).toHaveLength(1);
  });

  it("reads no more than the beginning of an answer without end", async () => {
    await using server = await endpoint();
    server.otherwise(ENDLESS);
    expect(await sendTo({ url: server.url })).toEqual({ delivered: true });
  });

  it("takes a message for delivered whose answer came and does not end", async () => {
    await using server = await endpoint();
    server.otherwise((response) => {
      response.writeHead(200);
      response.write("thanks");
    });
    expect(await sendTo({ url: server.url }, { timeout: 500 })).toEqual({ delivered: true });
    expect(server.asked).toHaveLength(1);
  });

  it("says that nobody listens", async () => {
    const port = await closedPort();
    expect(await sendTo({ url: `http://127.0.0.1:${port}/` })).toMatchObject({
      problem: expect.stringContaining("ECONNREFUSED"),
      again: true,
    });
  });
});

describe("send() that is redirected", () => {
  it("follows within the host, with the message, and not for ever", async () => {
    await using server = await endpoint();
    server.script(redirectTo("/moved"), redirectTo(`${server.url}/there`, 308), 200);
    expect(await sendTo({ url: server.url })).toEqual({ delivered: true });
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(["POST /", "POST /moved", "POST /there"]);
    expect(new Set(server.asked.map(({ body }) => body)).size).toBe(1);
    server.otherwise(redirectTo("/round"));
    expect(await sendTo({ url: server.url })).toEqual({ delivered: false, problem: "It answered 302", again: false });
  });

  it.each([
    "http://169.254.169.254/latest/meta-data/iam/",
    "http://[fe80::1]/",
    "http://localhost:9/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
  ])("tells %s nothing", async (location) => {
    await using server = await endpoint();
    server.otherwise(redirectTo(location, 307));
    expect(await sendTo({ url: server.url })).toMatchObject({ delivered: false, again: false });
    expect(server.asked).toHaveLength(1);
  });

  it("tells another port of the same host nothing: the message, and its header fields, are for one service", async () => {
    await using server = await endpoint();
    await using other = await endpoint();
    server.otherwise(redirectTo(`${other.url}/steal`, 307));
    expect(await sendTo({ url: server.url, headers: { Authorization: "Bearer abc" } })).toMatchObject({
      delivered: false,
      problem: expect.stringContaining("no other host is told"),
    });
    expect(other.asked).toEqual([]);
  });
});

describe("send() to a link-local address", () => {
  it.each(["http://169.254.169.254/", "http://[fe80::1]/", "http://2852039166/"])("asks %s nothing and does not try again", async (url) => {
    expect(await sendTo({ url })).toMatchObject({ delivered: false, problem: expect.stringContaining("link-local"), again: false });
  });
});

describe("send() to a check of healthchecks.io", () => {
  const ping = async (server: Endpoint, happening: Happening): Promise<Delivery> =>
    await sendTo({ url: `${server.url}/uuid/?create=1`, style: "healthchecks" }, { happening });

  it.each<[string, Happening]>([
    ["/uuid?create=1", { event: "success", subject: "b", message: "m" }],
    ["/uuid/fail?create=1", { event: "failure", subject: "b", message: "m" }],
    ["/uuid/fail?create=1", { event: "damage", state: "begin", subject: "b", message: "m" }],
    ["/uuid/log?create=1", { event: "damage", state: "end", subject: "b", message: "m" }],
    ["/uuid/log?create=1", { event: "test", subject: "b", message: "m" }],
  ])("pings %s", async (path, happening) => {
    await using server = await endpoint();
    expect(await ping(server, happening)).toEqual({ delivered: true });
    expect(server.asked).toMatchObject([{ method: "POST", path, body: `${happening.event}: b\nm\n` }]);
  });

  it("does not take 200 for delivered when its text says that the check is not there, or that pings come too often", async () => {
    await using server = await endpoint();
    server.otherwise((response) => response.writeHead(200).end("OK (not found)"));
    expect(await ping(server, FAILURE)).toEqual({ delivered: false, problem: "It answered 200 OK (not found)", again: false });
    server.script((response) => response.writeHead(200).end("OK (rate limited)"), 200);
    expect(await ping(server, FAILURE)).toEqual({ delivered: true });
    expect(server.asked).toHaveLength(3);
  });
});

describe("send() to a program", () => {
  it("gives it the document on its standard input, and no shell looks at anything", async () => {
    using folder = temporaryFolder();
    const subject = `'; touch ${folder.join("ran")}; $(touch ${folder.join("ran")}) "\``;
    expect(
      await sendTo({ command: ["sh", "-c", 'cat > "$0"', folder.join("got")] }, { happening: { ...FAILURE, subject }, env: process.env }),
    ).toEqual({ delivered: true });
    expect(JSON.parse(readFileSync(folder.join("got"), "utf8"))).toMatchObject({ subject, schema: "holdfast.notification/1" });
    expect(existsSync(folder.join("ran"))).toBe(false);
  });

  it("tries again when it fails, and says with what", async () => {
    using folder = temporaryFolder();
    const command = ["sh", "-c", 'echo x >> "$0"; echo token=abcdef >&2; exit 3', folder.join("tries")];
    expect(await sendTo({ command }, { env: process.env })).toEqual({
      delivered: false,
      problem: "It ended with exit code 3: token=***",
      again: true,
    });
    expect(readFileSync(folder.join("tries"), "utf8")).toBe("x\nx\nx\n");
  });

  it("ends one that hangs and does not listen to TERM within its time", async () => {
    expect(
      await sendTo({ command: ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"] }, { timeout: 400, env: process.env }),
    ).toMatchObject({
      delivered: false,
      problem: "It was ended: it took too long",
    });
  });

  it("says that it is not there", async () => {
    expect(await sendTo({ command: ["/nowhere/tell"] })).toMatchObject({ problem: expect.stringContaining("cannot be run") });
  });
});

async function closedPort(): Promise<number> {
  await using server = await endpoint();
  return server.port;
}
