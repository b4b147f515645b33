import type { AnyEndpoint, Schema } from "../contract/index.ts";
import { UsageError } from "../kernel/index.ts";

/** The largest body that is read. Bytes. */
export const BODY_LIMIT: number = 1024 * 1024;

export interface ReadCall {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  /** As it was sent, to know it again by. */
  readonly text: string;
}

/** Params, query and body as the table has them; everything else is refused, and so is what the route does not take. */
export async function readCall(endpoint: AnyEndpoint, request: Request, params: Readonly<Record<string, string>>): Promise<ReadCall> {
  const text = endpoint.method === "GET" ? "" : await readBody(request);
  if (endpoint.body === undefined && text !== "") throw new UsageError("USAGE", "This route takes no body");
  return {
    params: endpoint.params === undefined ? {} : checked("path", endpoint.params, params),
    query: readQuery(endpoint, new URL(request.url).searchParams),
    body: endpoint.body === undefined ? {} : checked("body", endpoint.body, parse(text, request.headers.get("content-type"))),
    text,
  };
}

function readQuery(endpoint: AnyEndpoint, given: URLSearchParams): unknown {
  const query: Record<string, string> = {};
  for (const [name, value] of given) {
    if (Object.hasOwn(query, name)) throw new UsageError("USAGE", `"${name.slice(0, 100)}" is there twice in the address`);
    Object.defineProperty(query, name, { value, enumerable: true });
  }
  if (endpoint.query !== undefined) return checked("query", endpoint.query, query);
  const [unknown] = Object.keys(query);
  if (unknown !== undefined) throw new UsageError("USAGE", `This route takes no "${unknown.slice(0, 100)}" in its address`);
  return {};
}

async function readBody(request: Request): Promise<string> {
  if (Number(request.headers.get("content-length") ?? 0) > BODY_LIMIT) throw tooLarge();
  if (request.body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > BODY_LIMIT) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError("USAGE", "The body did not come whole", { cause: error });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw new UsageError("USAGE", "The body is not UTF-8", { cause: error });
  }
}

function tooLarge(): UsageError {
  return new UsageError("PAYLOAD_TOO_LARGE", `The body is larger than ${BODY_LIMIT} bytes`);
}

function parse(text: string, type: string | null): unknown {
  if (text === "") return {};
  if (type === null || !/^application\/json\s*(?:;|$)/i.test(type))
    throw new UsageError("MEDIA_TYPE_UNSUPPORTED", "The body is not said to be JSON", {
      hint: "Send it with Content-Type: application/json",
    });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError("USAGE", "The body is no JSON", { cause: error });
  }
}

function checked(place: string, schema: Schema<unknown>, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 20).map((issue) => ({
    in: place,
    at: issue.path.map((part) => String(part).slice(0, 100)).join("."),
    message:
      issue.code === "unrecognized_keys" ? `does not know ${issue.keys.map((key) => `"${key.slice(0, 100)}"`).join(", ")}` : issue.message,
  }));
  const [first] = problems;
  const where = first === undefined || first.at === "" ? `The ${place}` : `"${first.at}" in the ${place}`;
  throw new UsageError("USAGE", `${where} ${first?.message ?? "is not understood"}`, { details: { problems } });
}
