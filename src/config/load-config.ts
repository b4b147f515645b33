import { resolve } from "node:path";
import { ConfigError, type Position } from "../kernel/index.ts";
import { buildConfig } from "./build-config.ts";
import { meaningProblems } from "./check-meaning.ts";
import type { Config } from "./config.ts";
import { decodeText } from "./decode-text.ts";
import { applyEnvironment, isMap } from "./environment.ts";
import { placeProblems } from "./place-problems.ts";
import { configInvalid, type Place, type Problem } from "./problem.ts";
import type { RawConfig } from "./raw-config.ts";
import { readDocument } from "./read-document.ts";
import { type Locate, schemaProblems } from "./schema-problems.ts";
import { readTrustedFile } from "./trusted-file.ts";

export interface LoadRequest {
  readonly file: string;
  /** Overrides: `HOLDFAST_BACKUP__PATH` is `backup.path`. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Reads a configuration in three steps: the document, the environment's overrides, the schema. All problems are told at
 * once, in `details.problems` as well as in the message.
 *
 * @throws ConfigError CONFIG_INVALID, CONFIG_NOT_FOUND, CONFIG_UNTRUSTED
 */
export function loadConfig(request: LoadRequest): Config {
  const file = resolve(request.file);
  return parseConfig({ file, env: request.env, bytes: readTrustedFile(file) });
}

/**
 * The same for bytes that are to become that file and do not lie there yet: a recovered configuration is checked before
 * it is written. Whoever calls it answers for where they come from.
 *
 * @throws ConfigError CONFIG_INVALID
 */
export function parseConfig(request: LoadRequest & { readonly bytes: Buffer }): Config {
  const { file } = request;
  const decoded = decodeText(request.bytes);
  if (!("text" in decoded)) {
    const { line, column, what } = decoded;
    throw new ConfigError("CONFIG_INVALID", `Cannot use "${file}": ${file}:${line}:${column}: not text (${what})`, {
      hint: "Save the file as UTF-8 text",
      position: { file, line, column },
      details: { problems: [{ key: "", message: `Not text (${what})`, file, line, column }] },
    });
  }
  const { text } = decoded;
  const refuse = (problems: readonly Problem[]): void => {
    if (problems.length > 0) throw configInvalid(file, text, problems);
  };

  const document = readDocument(file, text);
  const root = document.value;
  if (!isMap(root)) {
    const message = root === null || root === undefined ? "The file is empty" : "The configuration must be a map of keys";
    refuse(document.problems.length > 0 ? document.problems : [{ key: "", message, place: document.locate([], "value") }]);
    throw configInvalid(file, text, []);
  }

  const overrides = applyEnvironment(root, request.env);
  const locate: Locate = (path, at): Place => {
    const variable = overrides.variableFor(path);
    return variable === undefined ? document.locate(path, at) : { variable };
  };

  const read = [...document.problems, ...overrides.problems];
  const found = [...schemaProblems(root, locate), ...meaningProblems(root, locate)];
  refuse([...read, ...found.filter(({ key }) => !read.some((problem) => problem.key !== "" && isWithin(key, problem.key)))]);
  const config = buildConfig({
    file,
    raw: root as unknown as RawConfig,
    env: request.env,
    positionOf: (path) => positionOf(locate(path, "key")),
  });
  refuse(placeProblems(config, locate));
  return config;
}

/** Whether a key is, or lies in, one whose value could not even be read: that is told already. */
function isWithin(key: string, other: string): boolean {
  return key === other || key.startsWith(`${other}.`) || key.startsWith(`${other}[`);
}

/** What came from a variable has the variable as its file. */
function positionOf(place: Place): Position {
  return "variable" in place ? { file: place.variable, line: 1, column: 1 } : place;
}
