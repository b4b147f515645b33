import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildProgram } from "../src/cli/program.ts";
import { configReference, describeSchema } from "../src/config/index.ts";
import { openApi } from "../src/contract/index.ts";
import { ERROR_CODES, VERSION } from "../src/kernel/index.ts";
import { apiPage } from "./reference/api-page.ts";
import { architecturePage } from "./reference/architecture-page.ts";
import { commandsPage } from "./reference/commands-page.ts";
import { configurationPage } from "./reference/configuration-page.ts";
import { errorsPage } from "./reference/errors-page.ts";

/** Writes the pages that are made from code; with --check compares them instead, and fails when one has drifted. */
const root = dirname(dirname(fileURLToPath(import.meta.url)));

const made = new Map([
  ["docs/architecture.md", architecturePage(root)],
  ["docs/reference/commands.md", commandsPage(buildProgram(async () => {}))],
  ["docs/reference/configuration.md", configurationPage(configReference())],
  // For editors: `# yaml-language-server: $schema=…` at the top of a holdfast.yaml.
  ["docs/reference/holdfast.schema.json", `${JSON.stringify(describeSchema(), null, 2)}\n`],
  ["docs/reference/errors.md", errorsPage()],
  ["docs/reference/api.md", apiPage()],
  ["docs/reference/openapi.json", `${JSON.stringify(openApi(VERSION, ERROR_CODES), null, 2)}\n`],
]);
const check = process.argv.includes("--check");
let drifted = 0;
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
