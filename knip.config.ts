import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { KnipConfig } from "knip";
import { findEntryPoints } from "./scripts/entry-points.ts";

/** Nothing lies here that nothing uses. Workers and children count as used because a module starts them by name. */
const config: KnipConfig = {
  workspaces: {
    ".": {
      entry: [
        "src/index.ts",
        "src/testing/index.ts",
        "src/cli/main.ts",
        "src/cli/launch/launch.ts",
        ...findEntryPoints(dirname(fileURLToPath(import.meta.url))),
        "scripts/*.ts",
        "scripts/quickstart/{orchestrator,ask-runtime}.ts",
        "bench/{main,holder}.ts",
        "**/*.test.ts",
      ],
      project: ["src/**/*.ts", "scripts/**/*.ts", "bench/**/*.ts", "test/**/*.ts", "bin/*.js"],
    },
  },
  // Its program is whole only while a test runs, which compiles it and runs it.
  ignoreWorkspaces: ["test/generated-client"],
  // The gates start these by name; oxlint loads oxlint-tsgolint by itself.
  ignoreDependencies: ["@arethetypeswrong/cli", "oxlint", "oxlint-tsgolint", "publint"],
  // Programs of the system, which no package.json lists; .ci/run installs them.
  exclude: ["binaries"],
  ignoreExportsUsedInFile: true,
  // A door names the types of what it offers, whether or not another room has to write them out.
  ignoreIssues: { "src/*/index.ts": ["types"] },
};
export default config;
