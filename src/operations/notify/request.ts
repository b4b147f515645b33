import { request as requestPlain, type IncomingMessage } from "node:http";
import { request as requestSafe } from "node:https";
import { VERSION } from "../../kernel/index.ts";
import { refuseLinkLocal, safeLookup } from "./link-local.ts";

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly body: string;
  /** Whether the text of the answer says more than its status. */
  readonly read: boolean;
}

export interface Answer {
  readonly status: number;
  /** Its first characters; empty unless they are asked for. */
  readonly text: string;
  /** Where it sends us on, when it does. */
  readonly location: string | null;
}

/** Of an answer no more is read: it may be without end. */
const READ = 1024;
const MOST_REDIRECTS = 3;
/** Those that keep the method and the body, and the two that every client takes for such of a GET; 303 has taken the message. */
const REDIRECTS = [301, 302, 307, 308];

/** A redirect is followed within the host that was asked for, and never from https to http. */
export class ForeignRedirectError extends Error {
  constructor(host: string) {
    super(`It redirects to "${host}", and no other host is told`);
  }
}

/** Posts, and follows redirects inside the host. Any other status is an answer. */
export async function post(message: Post, signal: AbortSignal): Promise<Answer> {
  let url = new URL(message.url);
  for (let hops = 0; ; hops += 1) {
    const answer = await once(url, message, signal);
    if (!REDIRECTS.includes(answer.status) || answer.location === null) return answer;
    if (hops === MOST_REDIRECTS || !URL.canParse(answer.location, url.href)) return answer;
    const next = new URL(answer.location, url);
    if (next.hostname !== url.hostname || !isUpgrade(url, next)) throw new ForeignRedirectError(next.host);
    url = next;
  }
}

/** The same service, or the same by https at its usual port. */
function isUpgrade(from: URL, to: URL): boolean {
  if (to.protocol === from.protocol) return to.port === from.port;
  return from.protocol === "http:" && to.protocol === "https:" && to.port === "" && from.port === "";
}

async function once(url: URL, { headers, contentType, body, read }: Post, signal: AbortSignal): Promise<Answer> {
  refuseLinkLocal(url);
  const request = url.protocol === "https:" ? requestSafe : requestPlain;
  const sent = request(url, {
    method: "POST",
    // A connection of its own, and by no proxy of the environment: that would connect to what is refused here.
    agent: false,
    lookup: safeLookup,
    signal,
    headers: {
      "user-agent": `holdfast/${VERSION}`,
      ...headers,
      "content-type": contentType,
      "content-length": Buffer.byteLength(body),
    },
  });
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      // Stays, also for what the connection says after its answer.
      sent.on("error", reject).once("response", resolve).end(body);
    });
    return { status: answer.statusCode ?? 0, text: read ? await beginningOf(answer) : "", location: answer.headers.location ?? null };
  } finally {
    sent.destroy();
  }
}

async function beginningOf(answer: IncomingMessage): Promise<string> {
  answer.setEncoding("utf8");
  let text = "";
  for await (const piece of answer as AsyncIterable<string>) {
    text += piece;
    if (text.length >= READ) break;
  }
  return text.slice(0, READ);
}
