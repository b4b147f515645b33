import type { IncomingMessage } from "node:http";
import { Hono, type Context } from "hono";
import { ALSO_AT_TOP, ENDPOINTS, NOT_BUILT, PREFIX, type AnyEndpoint, type Call } from "../contract/index.ts";
import { NotFoundError, UsageError } from "../kernel/index.ts";
import { problemAnswer, toResponse, type PlainAnswer } from "./answers.ts";
import type { Handler, Handlers } from "./handler.ts";
import { backupHandlers } from "./handlers/backups.ts";
import { contentHandlers } from "./handlers/contents.ts";
import { lifecycleHandlers } from "./handlers/lifecycle.ts";
import { restoreHandlers } from "./handlers/restores.ts";
import { runHandlers } from "./handlers/runs.ts";
import { stateHandlers } from "./handlers/state.ts";
import { verifyHandlers } from "./handlers/verify.ts";
import { serveCall, type Arrived, type Desk } from "./serve-call.ts";

/** One for each row of the table: a row without a handler, and a handler without a row, do not compile. */
const HANDLERS: Handlers = {
  ...backupHandlers,
  ...verifyHandlers,
  ...contentHandlers,
  ...restoreHandlers,
  ...lifecycleHandlers,
  ...runHandlers,
  ...stateHandlers,
};

interface Env {
  readonly Bindings: { readonly incoming?: IncomingMessage };
}

/** The table as an application. */
export function routes(desk: Desk): Hono<Env> {
  const app = new Hono<Env>();
  for (const [name, endpoint] of Object.entries(ENDPOINTS) as [keyof Handlers, AnyEndpoint][]) {
    const handler = HANDLERS[name] as unknown as Handler<Call>;
    add(app, endpoint, (arrived) => serveCall(desk, endpoint, handler, arrived));
  }
  for (const { method, path } of NOT_BUILT) {
    const endpoint: AnyEndpoint = { method, path, scope: "operate", summary: "", changes: false, answers: {}, errors: ["NOT_AVAILABLE"] };
    const refuse = async (): Promise<never> => {
      throw new UsageError("NOT_AVAILABLE", `\`${method} ${PREFIX}${path}\` is not available in this version`);
    };
    // Whatever the body is: it is not looked at.
    add(app, endpoint, ({ request, ...rest }) => serveCall(desk, endpoint, refuse, { ...rest, request: withoutBody(request) }));
  }
  app.notFound((c) => toResponse(problemAnswer(nothingHere(c.req.method, c.req.path))));
  app.onError((error) => {
    desk.log("error", `An answer could not be made: ${error.message}`);
    return toResponse(problemAnswer(error));
  });
  return app;
}

function add(app: Hono<Env>, { method, path }: AnyEndpoint, serve: (arrived: Arrived) => Promise<PlainAnswer>): void {
  const places = [`${PREFIX}${path}`, ...(ALSO_AT_TOP.includes(path) ? [path] : [])];
  for (const place of places) {
    app.on(method, place.replaceAll(/\{(\w+)\}/g, ":$1"), async (c: Context<Env>) => {
      const answer = await serve({
        request: c.req.raw,
        params: c.req.param(),
        address: c.env?.incoming?.socket.remoteAddress ?? "unknown",
      });
      // Whoever asks for the head alone never takes the body, which would wait for it.
      if (c.req.raw.method === "HEAD" && answer.body instanceof ReadableStream) await answer.body.cancel();
      return toResponse(c.req.raw.method === "HEAD" ? { ...answer, body: null } : answer);
    });
  }
}

function withoutBody(request: Request): Request {
  return new Request(request.url, { method: request.method, headers: request.headers, signal: request.signal });
}

function nothingHere(method: string, path: string): NotFoundError | UsageError {
  const rows: readonly { readonly method: string; readonly path: string }[] = [
    ...(Object.values(ENDPOINTS) as AnyEndpoint[]),
    ...NOT_BUILT,
  ];
  const allowed = rows.filter((row) => matches(row.path, path)).map((row) => row.method);
  if (allowed.length === 0)
    return new NotFoundError("ROUTE_NOT_FOUND", "The API has nothing at this path", { hint: `See ${PREFIX}/openapi.json` });
  return new UsageError("METHOD_NOT_ALLOWED", `This path knows no ${method.slice(0, 20)}`, { details: { allowed: [...new Set(allowed)] } });
}

function matches(pattern: string, path: string): boolean {
  const below = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : ALSO_AT_TOP.includes(path) ? path : "";
  const words = below.split("/");
  const wanted = pattern.split("/");
  return words.length === wanted.length && wanted.every((word, index) => word.startsWith("{") || word === words[index]);
}
