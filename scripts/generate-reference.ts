import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Command } from "commander";
import { architecturePage } from "./reference/architecture-page.ts";
import { commandsPage } from "./reference/commands-page.ts";
import { configurationPage, type ConfigReference } from "./reference/configuration-page.ts";
import { errorsPage } from "./reference/errors-page.ts";

/** Writes the pages that are made from code; with --check compares them instead, and fails when one has drifted. */
const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function pages(): Promise<Map<string, string>> {
  const made = new Map([
    ["docs/architecture.md", architecturePage(root)],
    ["docs/reference/errors.md", errorsPage()],
  ]);
  const cli = await moduleIfBuilt<{ buildProgram?: (runner: () => Promise<void>) => Command }>("src/cli/program.ts");
  if (cli?.buildProgram !== undefined) made.set("docs/reference/commands.md", commandsPage(cli.buildProgram(async () => {})));
  const config = await moduleIfBuilt<{ configReference?: () => ConfigReference }>("src/config/index.ts");
  if (config?.configReference !== undefined) made.set("docs/reference/configuration.md", configurationPage(config.configReference()));
  return made;
}

async function moduleIfBuilt<T>(path: string): Promise<T | undefined> {
  const file = join(root, path);
  return existsSync(file) ? ((await import(pathToFileURL(file).href)) as T) : undefined;
}

const check = process.argv.includes("--check");
let drifted = 0;
const made = await pages();
for (const [path, text] of made) {
  const file = join(root, path);
  const before = existsSync(file) ? readFileSync(file, "utf8") : undefined;
  if (before === text) continue;
  drifted += 1;
  if (check) {
    console.error(`${path}: ${before === undefined ? "is missing" : "differs from what the code says"}; run "npm run reference"`);
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
console.log(`reference: ${made.size} pages, ${drifted} ${check ? "drifted" : "written"}`);
if (check && drifted > 0) process.exitCode = 1;
