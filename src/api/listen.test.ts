import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { listen, type Listening } from "./listen.ts";

const SERVER = { host: "127.0.0.1", port: 0, tokensFile: "/nowhere", allowedHosts: [], insecure: false };
const HELLO = { server: SERVER, fetch: () => new Response("hello"), onClose: () => {} };

/** What comes back over a socket until the server closes it. */
async function converse({ url }: Listening, ...words: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let heard = "";
  socket.setEncoding("utf8").on("data", (text: string) => (heard += text));
  for (const text of words) socket.write(text);
  await new Promise((resolve) => socket.once("close", resolve));
  return heard;
}

describe("listen()", () => {
  it("answers on a free port, and answers nobody once it is closed", async () => {
    const listening = await listen(HELLO);
    expect(listening.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(await (await fetch(listening.url)).text()).toBe("hello");
    await listening.close();
    await expect(fetch(listening.url)).rejects.toThrow("fetch failed");
  });

  it("says LISTEN_FAILED when the port is taken, by another process or by this one", async () => {
    const first = await listen(HELLO);
    const port = Number(new URL(first.url).port);
    await expect(listen({ ...HELLO, server: { ...SERVER, port } })).rejects.toMatchObject({
      code: "LISTEN_FAILED",
      message: `Cannot listen on 127.0.0.1:${port}: another process listens there`,
    });
    await first.close();
  });

  it.each(["0.0.0.0", "192.0.2.1", "::"])("refuses %s without `insecure`", async (host) => {
    await expect(listen({ ...HELLO, server: { ...SERVER, host } })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("lets go of whoever is slow with headers or body, and of headers that are too long", async () => {
    const limits = { headersTimeout: 50, requestTimeout: 100, connectionsCheckingInterval: 20 };
    const listening = await listen({ ...HELLO, fetch: async (request) => new Response(await request.text()), limits });
    expect(await converse(listening, "GET / HTTP/1.1\r\nHost: a")).toMatch(/^HTTP\/1\.1 408 /);
    expect(await converse(listening, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nslow")).toMatch(/^HTTP\/1\.1 408 |^$/);
    expect(await converse(listening, `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await converse(listening, "GET / HTTP/1.1\r\nHost: a/../b\r\nConnection: close\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    await listening.close();
  });

  it("close() ends what runs for ever after a moment", async () => {
    const endless = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("begun")) });
    const listening = await listen({ ...HELLO, fetch: () => new Response(endless) });
    const answer = await fetch(listening.url);
    await listening.close();
    await expect(answer.text()).rejects.toThrow("terminated");
  });
});
