import { isMap } from "./environment.ts";
import type { Report } from "./problem.ts";

const ONLY_WITH_URL = ["style", "headers"];
/** A field name of HTTP (RFC 9110, token). */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What belongs to the message itself, or to the connection, is not for a configuration to say. */
const OURS = ["host", "content-length", "content-type", "transfer-encoding", "connection", "expect", "upgrade", "trailer", "te"];

/** What concerns more than one key of `hooks` and of `notify`. */
export function checkNotify(root: Record<string, unknown>, report: Report): void {
  const { hooks, notify } = root;
  if (isMap(hooks) && ["before", "after", "error"].every((name) => hooks[name] === undefined))
    report(["hooks"], "key", "`hooks` names no program: neither `before` nor `after` nor `error`");
  if (!Array.isArray(notify)) return;
  for (const [index, endpoint] of notify.entries()) if (isMap(endpoint)) checkEndpoint(index, endpoint, report);
}

function checkEndpoint(index: number, endpoint: Record<string, unknown>, report: Report): void {
  const path = ["notify", index];
  const has = (name: string): boolean => endpoint[name] !== undefined;
  if (has("url") === has("command"))
    report(
      path,
      "value",
      has("url") ? "An endpoint has either `url` or `command`, not both" : "An endpoint has neither `url` nor `command`",
    );
  if (!has("url"))
    for (const name of ONLY_WITH_URL) if (has(name)) report([...path, name], "key", `\`${name}\` has an effect with \`url\` only`);
  for (const name of Object.keys(isMap(endpoint["headers"]) ? endpoint["headers"] : {})) {
    if (!HEADER_NAME.test(name)) report([...path, "headers", name], "key", `${JSON.stringify(name)} is not the name of a header field`);
    else if (OURS.includes(name.toLowerCase())) report([...path, "headers", name], "key", `\`${name}\` is set by the request itself`);
  }
  const { on } = endpoint;
  if (endpoint["style"] === "healthchecks" && Array.isArray(on) && !on.includes("success"))
    report([...path, "on"], "key", "With `style: healthchecks`, `on` must name success", {
      hint: "A check that never hears of a success goes down by itself",
    });
}
