import { defineConfig, type ViteUserConfig } from "vitest/config";

/** `npm run soak`: the same torture, longer; SOAK_BACKUPS says how long. One at a time, since each loads the machine. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/soak/**/*.test.ts"],
    passWithNoTests: false,
    globalSetup: "test/support/built-command.ts",
    pool: "forks",
    // V8 may abort in a fork with worker threads when code pages are protected by keys (nodejs/node#64500).
    execArgv: ["--no-memory-protection-keys"],
    maxWorkers: 1,
    testTimeout: 24 * 3_600_000,
    hookTimeout: 60_000,
  },
});

export default config;
