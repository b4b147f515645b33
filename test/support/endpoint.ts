import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** The body as JSON. */
  json<T = Record<string, unknown>>(): T;
}

/** What is done with one request: a status, or anything with the response. */
export type Reply = number | ((response: ServerResponse) => void);

export interface Endpoint extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Every request that came whole, in order. */
  readonly asked: readonly Asked[];
  /** What is done with the next ones, one each; after them everything gets `otherwise`. */
  script(...replies: readonly Reply[]): void;
  /** What is done with the ones for which nothing is scripted; 200 unless told. */
  otherwise(reply: Reply): void;
  /** Ends when so many have come. */
  until(count: number): Promise<void>;
}

/** A real HTTP server on a loopback port, that does what a test says and keeps what it was told. */
export async function endpoint(): Promise<Endpoint> {
  const asked: Asked[] = [];
  const waiting: { readonly count: number; readonly done: () => void }[] = [];
  let script: Reply[] = [];
  let otherwise: Reply = 200;
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    // One that goes away while it waits is what some tests are about.
    response.on("error", () => {});
    request.on("end", () => {
      asked.push({
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body,
        json: <T>() => JSON.parse(body) as T,
      });
      const reply = script.shift() ?? otherwise;
      if (typeof reply === "number") response.writeHead(reply).end("OK");
      else reply(response);
      for (const { count, done } of waiting) if (asked.length >= count) done();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    asked,
    script: (...replies) => void (script = [...replies]),
    otherwise: (reply) => void (otherwise = reply),
    until: async (count) =>
      await new Promise((resolve) => {
        if (asked.length >= count) resolve();
        else waiting.push({ count, done: resolve });
      }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Never answers. */
export const HANG: Reply = () => {};

export const redirectTo =
  (location: string, status = 302): Reply =>
  (response) => {
    response.writeHead(status, { location }).end();
  };

/** Never ends, as fast as it is read. */
export const ENDLESS: Reply = (response) => {
  response.writeHead(200);
  const more = (): void => {
    while (!response.destroyed && response.write("x".repeat(65_536)));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
};
