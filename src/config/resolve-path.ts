import { dirname, resolve } from "node:path";
import { CaptureError, type Position } from "../kernel/index.ts";
import type { PathReference } from "./config.ts";
import { followPointer, pointerKeys } from "./json-pointer.ts";
import { absolutePath, schemeOf } from "./path-text.ts";
import { locatePointer, readPointerDocument } from "./pointer-document.ts";

export interface ResolvedPath {
  /** Absolute and normalised; nothing was asked of what lies there. */
  readonly path: string;
  /** Where it came from, for people. */
  readonly how: string;
}

/**
 * Where a component lies now. A pointer is followed at every run: the document may have changed since the last one, and
 * the variable, when set and not empty, wins over it. Relative paths are relative to that document's folder.
 *
 * @throws CaptureError COMPONENT_PATH
 */
export async function resolvePath(reference: PathReference, { env }: { readonly env: NodeJS.ProcessEnv }): Promise<ResolvedPath> {
  if ("literal" in reference) return { path: reference.literal, how: "as written" };
  const { from, pointer, env: variable } = reference;
  const fromVariable = variable === null ? undefined : env[variable];
  if (variable !== null && fromVariable !== undefined && fromVariable !== "") {
    const how = `environment variable ${variable}`;
    return { path: pathOf(fromVariable, `The ${how}`, from, env), how };
  }
  const { text, data } = await readPointerDocument(from);
  const keys = pointerKeys(pointer);
  const { value, reached } = followPointer(data, keys);
  const position = (): Position => locatePointer(from, text, keys);
  if (value === undefined) {
    const missing = keys.slice(reached).join("/");
    throw new CaptureError("COMPONENT_PATH", `Nothing at "${pointer}" in "${from}": "${missing}" is not there`, {
      hint: variable === null ? "Correct `pointer` in the configuration, or the document" : `Correct \`pointer\` in the configuration or the document, or set ${variable}`,
      position: position(),
    });
  }
  const where = position();
  const subject = `${from}:${where.line}:${where.column}: "${pointer}"`;
  if (typeof value !== "string") {
    throw new CaptureError("COMPONENT_PATH", `${subject} is ${describe(value)}, not a path`, { hint: "A path is text; correct `pointer` or the document", position: where });
  }
  return { path: pathOf(value, subject, from, env, where), how: `"${pointer}" in "${from}"` };
}

function pathOf(text: string, subject: string, from: string, env: NodeJS.ProcessEnv, position?: Position): string {
  const refuse = (what: string, hint: string): CaptureError =>
    new CaptureError("COMPONENT_PATH", `${subject} ${what}`, { hint, ...(position === undefined ? {} : { position }) });
  if (text.trim() === "") throw refuse("is empty, not a path", "Set it to the path of the component");
  if (text.includes("\0")) throw refuse("holds a NUL character and is no path", "Correct the value");
  const scheme = schemeOf(text);
  // Only the scheme is named: an address can hold a password.
  if (scheme !== undefined) {
    throw refuse(
      `is a \`${scheme}:\` address, not a path on disk`,
      `Protect what \`${scheme}:\` stands for by a component of its own, with \`path\` for a file or \`command\` for a dump; a relative path with a colon begins with "./"`,
    );
  }
  return resolve(absolutePath(dirname(from), text, env));
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a map of keys" : `a ${typeof value}`;
}
