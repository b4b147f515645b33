import { defineConfig, type ViteUserConfig } from "vitest/config";

/** `npm run soak`: the same torture, longer; SOAK_BACKUPS says how long. One at a time, since each loads the machine. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/soak/**/*.test.ts"],
    passWithNoTests: false,
    globalSetup: "test/support/built-command.ts",
    pool: "forks",
    // Threads of a fork strip types by WebAssembly, and V8 may crash as one makes a wrapper faster whose like another frees: never faster, then.
    execArgv: ["--wasm-wrapper-tiering-budget=1000000000"],
    maxWorkers: 1,
    testTimeout: 24 * 3_600_000,
    hookTimeout: 60_000,
  },
});

export default config;
