import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { runtimeScript } from "../../../test/support/restorable.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { awaitHealth } from "./health.ts";

/** A server on a free port until the scope ends. */
async function serve(answer: RequestListener): Promise<AsyncDisposable & { url: string }> {
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const check = (url: string, more: { status?: number; expect?: Record<string, string>; timeout?: number } = {}) => ({
  url,
  status: 200,
  expect: {},
  timeout: 300,
  ...more,
});

describe("awaitHealth() of an address", () => {
  it("is healthy when status and values are as expected, and says how often it asked", async () => {
    let asked = 0;
    await using server = await serve((_, response) => {
      asked += 1;
      response.writeHead(asked < 2 ? 503 : 200).end('{"status":"healthy","a/b":{"c":"d"}}');
    });
    const health = await awaitHealth(check(server.url, { timeout: 20_000, expect: { "/status": "healthy", "/a~1b/c": "d" } }), {});
    expect(health).toEqual({ healthy: true, problem: null, attempts: 2 });
  });

  it.each([
    [
      "another status",
      (_: unknown, response: { writeHead(code: number): { end(text?: string): void } }) => response.writeHead(500).end("{}"),
      "it answered with status 500, not 200",
    ],
    [
      "another value",
      (_: unknown, response: { end(text: string): void }) => response.end('{"status":"degraded"}'),
      '/status is "degraded", not "healthy"',
    ],
    [
      "no such value",
      (_: unknown, response: { end(text: string): void }) => response.end('{"state":"healthy"}'),
      '/status is not there, not "healthy"',
    ],
    ["no JSON", (_: unknown, response: { end(text: string): void }) => response.end("fine"), "the answer is not JSON"],
    ["no answer", () => {}, "it did not answer in time"],
    [
      "an answer that never ends",
      (_: unknown, response: { write(text: string): void }) => response.write("{"),
      "it did not answer in time",
    ],
    [
      "a body of two megabytes",
      (_: unknown, response: { end(text: string): void }) => response.end(" ".repeat(2 * 1024 * 1024)),
      expect.stringMatching(/more than 1048576 bytes|cannot be asked/) as unknown as string,
    ],
    [
      "a redirect",
      (_: unknown, response: { writeHead(code: number, headers: object): { end(): void } }) =>
        response.writeHead(302, { location: "/login" }).end(),
      "it answered with status 302, not 200",
    ],
  ] as const)("is not healthy with %s", async (_what, answer, problem) => {
    await using server = await serve(answer as unknown as RequestListener);
    expect(await awaitHealth(check(server.url, { expect: { "/status": "healthy" } }), {})).toMatchObject({ healthy: false, problem });
  });

  it("names a port where nobody listens", async () => {
    const { healthy, problem } = await awaitHealth(check("http://127.0.0.1:9/health"), {});
    expect([healthy, problem]).toEqual([false, expect.stringMatching(/^it cannot be asked: /)]);
  });

  it("stops when it is told to", async () => {
    await using server = await serve(() => {});
    const abort = new AbortController();
    const waiting = awaitHealth(check(server.url, { timeout: 60_000 }), { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});

describe("awaitHealth() of a command", () => {
  it("is healthy when it exits with 0, and tells what it said when it does not, without secrets", async () => {
    using folder = temporaryFolder();
    const good = runtimeScript(folder.path, "good", "exit 0");
    expect(await awaitHealth({ command: [good], timeout: 5000 }, {})).toEqual({ healthy: true, problem: null, attempts: 1 });
    const bad = runtimeScript(folder.path, "bad", 'echo "no: https://me:hunter2@db/ is down" >&2; exit 3');
    const { healthy, problem } = await awaitHealth({ command: [bad], timeout: 300 }, {});
    expect(healthy).toBe(false);
    expect(problem).toContain("ended with exit code 3");
    expect(problem).not.toContain("hunter2");
  });

  it("names a program that is not there", async () => {
    expect((await awaitHealth({ command: ["./gone"], timeout: 100 }, {})).problem).toContain('"./gone" cannot be run');
  });
});
