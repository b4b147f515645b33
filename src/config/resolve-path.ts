import { dirname } from "node:path";
import { CaptureError, followPointer, pointerKeys, type Position } from "../kernel/index.ts";
import type { PathReference } from "./config.ts";

import { absolutePath, schemeOf } from "./path-text.ts";
import { locatePointer, readPointerDocument } from "./pointer-document.ts";

export interface ResolvedPath {
  /** Absolute and normalised; nothing was asked of what lies there. */
  readonly path: string;
  /** Where it came from, for people. */
  readonly how: string;
}

/**
 * Where a component lies now, or would lie with other `documents` in the place of those on disk. A pointer is followed at every run: the document may have changed since the last one, and
 * the variable, when set and not empty, wins over it. Relative paths are relative to that document's folder.
 *
 * @throws CaptureError COMPONENT_PATH
 */
export async function resolvePath(
  reference: PathReference,
  { env, documents }: { readonly env: NodeJS.ProcessEnv; readonly documents?: ReadonlyMap<string, Buffer> },
): Promise<ResolvedPath> {
  if ("literal" in reference) return { path: reference.literal, how: "as written" };
  const { from, pointer, env: variable } = reference;
  const fromVariable = variable === null ? undefined : env[variable];
  if (variable !== null && fromVariable !== undefined && fromVariable !== "") {
    const complaint = complaintOf(fromVariable);
    if (complaint !== undefined) throw refusal(`The environment variable ${variable} ${complaint[0]}`, complaint[1]);
    return { path: absolutePath(dirname(from), fromVariable, env), how: `environment variable ${variable}` };
  }
  const { text, data } = await readPointerDocument(from, documents?.get(from));
  const keys = pointerKeys(pointer);
  const { value, reached } = followPointer(data, keys);
  // Asked for only when something is wrong: it reads the document a second time.
  const locate = (): Position | undefined => locatePointer(from, text, keys);
  if (value === undefined) {
    const missing = keys.slice(reached).join("/");
    const also = variable === null ? "" : `, or set ${variable}`;
    throw refusal(
      `Nothing at "${pointer}" in "${from}": "${missing}" is not there`,
      `Correct \`pointer\` in the configuration or the document${also}`,
      locate(),
    );
  }
  const complaint =
    typeof value === "string"
      ? complaintOf(value)
      : ([`is ${describe(value)}, not a path`, "A path is text; correct `pointer` or the document"] as const);
  if (complaint !== undefined) {
    const position = locate();
    const place = position === undefined ? from : `${from}:${position.line}:${position.column}`;
    throw refusal(`${place}: "${pointer}" ${complaint[0]}`, complaint[1], position);
  }
  return { path: absolutePath(dirname(from), String(value), env), how: `"${pointer}" in "${from}"` };
}

function refusal(message: string, hint: string, position?: Position): CaptureError {
  return new CaptureError("COMPONENT_PATH", message, { hint, ...(position === undefined ? {} : { position }) });
}

/** What keeps a text from being a path on disk, and what to do about it. */
function complaintOf(text: string): readonly [string, string] | undefined {
  if (text.trim() === "") return ["is empty, not a path", "Set it to the path of the component"];
  if (text.includes("\0")) return ["holds a NUL character and is no path", "Correct the value"];
  const scheme = schemeOf(text);
  // Only the scheme is named: an address can hold a password.
  return scheme === undefined
    ? undefined
    : [
        `is a \`${scheme}:\` address, not a path on disk`,
        `Protect what \`${scheme}:\` stands for by a component of its own, with \`path\` for a file or \`command\` for a dump; a relative path with a colon begins with "./"`,
      ];
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a map of keys" : `a ${typeof value}`;
}
