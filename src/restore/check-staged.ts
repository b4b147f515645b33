import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { messageOf } from "../kernel/index.ts";
import { problemInJson } from "../sources/index.ts";
import { checkDatabase } from "./check-database.ts";
import type { StagedFile } from "./staging.ts";

export interface StagedCheck {
  /** `component/path`. */
  readonly name: string;
  /** null: sound. */
  readonly complaint: string | null;
  /** It must not be put in place without being told to. */
  readonly damaged: boolean;
}

/**
 * integrity_check and foreign_key_check of every staged database; every JSON document parses. A YAML document that does
 * not is told and is no damage: many a template is none.
 */
export async function checkStaged(files: readonly StagedFile[]): Promise<StagedCheck[]> {
  const checks: StagedCheck[] = [];
  for (const { name, path, sort } of files) {
    if (sort === "database") checks.push({ name, ...checkDatabase(path) });
    else if (sort === "json") {
      const problem = await problemInJson(path);
      checks.push({
        name,
        damaged: problem !== undefined,
        complaint: problem === undefined ? null : `line ${problem.line}, column ${problem.column}: ${problem.message}`,
      });
    } else {
      const complaint = problemInYaml(path);
      if (complaint !== null) checks.push({ name, complaint, damaged: false });
    }
  }
  return checks;
}

function problemInYaml(path: string): string | null {
  try {
    const documents = parseAllDocuments(readFileSync(path, "utf8"), { prettyErrors: false, logLevel: "silent" });
    const [first] = Array.isArray(documents) ? documents.flatMap(({ errors }) => errors) : [];
    return first === undefined ? null : `not whole YAML: ${first.message}`;
  } catch (error) {
    return `not whole YAML: ${messageOf(error)}`;
  }
}
