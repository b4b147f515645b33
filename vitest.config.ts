import { defineConfig, type ViteUserConfig } from "vitest/config";

/** `npm test`: unit tests beside their subjects, then whole-process tests, which are slower and build on the former. */
const config: ViteUserConfig = defineConfig({
  test: {
    passWithNoTests: false,
    globalSetup: "test/support/built-command.ts",
    pool: "forks",
    // V8 may abort in a fork with worker threads when code pages are protected by keys (nodejs/node#64500).
    execArgv: ["--no-memory-protection-keys"],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["src/**/*.test.ts", "scripts/**/*.test.ts", "bench/**/*.test.ts"], sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: { name: "e2e", include: ["test/e2e/**/*.test.ts", "test/support/**/*.test.ts"], sequence: { groupOrder: 1 } },
      },
    ],
  },
});

export default config;
