import { homedir } from "node:os";
import { resolve } from "node:path";

/** A URL scheme, as in RFC 3986, of two letters or more: one letter and a colon is a drive. */
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]+):/;

/** The scheme of `<scheme>:…`, which is no path on disk. */
export function schemeOf(text: string): string | undefined {
  return SCHEME.exec(text)?.[1];
}

/** What keeps a text from being a path, or undefined. Never quotes more than the scheme: an address can hold a password. */
export function pathComplaint(text: string): string | undefined {
  if (text === "") return "must not be empty";
  if (text.includes("\0")) return "must not hold a NUL character";
  const scheme = schemeOf(text);
  if (scheme !== undefined) return `must be a path on disk, not a \`${scheme}:\` address (a relative path with a colon begins with \`./\`)`;
  if (/^~[^/]/.test(text)) return "cannot begin with the home folder of another user; write the whole path";
  if (text.includes("${")) return "cannot hold `${…}`; to take it from the environment, set the variable of this key";
  return undefined;
}

/** Absolute and normalised; "~/" is the home folder, everything else is relative to `folder`. */
export function absolutePath(folder: string, text: string, env: NodeJS.ProcessEnv): string {
  if (text !== "~" && !text.startsWith("~/")) return resolve(folder, text);
  const home = env["HOME"];
  return resolve(home === undefined || home === "" ? homedir() : home, text.slice(2));
}
