import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { KnipConfig } from "knip";
import { findEntryPoints } from "./scripts/entry-points.ts";

/** Nothing lies here that nothing uses. Workers and children count as used because a module starts them by name. */
const config: KnipConfig = {
  entry: [
    "src/index.ts",
    "src/cli/main.ts",
    "bin/holdfast.js",
    ...findEntryPoints(dirname(fileURLToPath(import.meta.url))),
    "scripts/*.ts",
    "bench/main.ts",
    "test/{e2e,faults,soak}/**/*.test.ts",
    "test/support/*-process.ts",
  ],
  project: ["src/**/*.ts", "scripts/**/*.ts", "bench/**/*.ts", "test/**/*.ts", "bin/*.js"],
  // A door may offer what only a test or a third party walks through.
  ignoreExportsUsedInFile: true,
  treatConfigHintsAsErrors: false,
};
export default config;
