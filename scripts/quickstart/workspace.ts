import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const MARK = ".made-by-holdfast-quickstart";
const MARK_TEXT = "npm run quickstart made this folder, and removes it when it runs again.\n";
const NOTES = 36;

export interface QuickstartWorkspace {
  /** Everything lies in here. */
  readonly folder: string;
  /** The state that is protected. */
  readonly agent: string;
}

/**
 * Makes the folder anew. One that an earlier quickstart made is removed first; any other is refused, even an empty one.
 *
 * @throws Error when the folder is there and is not ours
 */
export function makeQuickstartWorkspace(folder: string): QuickstartWorkspace {
  if (existsSync(folder)) {
    const mark = join(folder, MARK);
    if (!existsSync(mark) || readFileSync(mark, "utf8") !== MARK_TEXT) {
      throw new Error(`"${folder}" was not made by an earlier quickstart; move it away, or name another folder`);
    }
    rmSync(folder, { recursive: true });
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, MARK), MARK_TEXT);
  const agent = join(folder, "agent");
  const files: Record<string, string> = {
    "company.yaml": "name: Kelp & Daughters\nagents:\n  - scout\n  - writer\n  - reviewer\nbudget: 1000000000\n",
  };
  for (let index = 1; index <= NOTES; index += 1) files[notePath(index)] = note(index);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(agent, path)), { recursive: true });
    writeFileSync(join(agent, path), text);
  }
  return { folder, agent };
}

function notePath(index: number): string {
  return `memory/${["scout", "writer", "reviewer"][index % 3]}/note-${String(index).padStart(2, "0")}.md`;
}

function note(index: number): string {
  const subject = ["harbour", "invoice", "release", "customer"][index % 4];
  return `# Note ${index}: the ${subject}\n\n${`What was learned about the ${subject} on day ${index}. `.repeat(1 + (index % 9))}\n`;
}
