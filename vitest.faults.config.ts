import { defineConfig, type ViteUserConfig } from "vitest/config";

/** `npm run test:faults`: processes are killed, disks fill up, files are damaged. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/faults/**/*.test.ts"],
    passWithNoTests: false,
    globalSetup: "test/support/built-command.ts",
    pool: "forks",
    // V8 may abort in a fork with worker threads when code pages are protected by keys (nodejs/node#64500).
    execArgv: ["--no-memory-protection-keys"],
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
});

export default config;
