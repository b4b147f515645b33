import { defineConfig, type ViteUserConfig } from "vitest/config";

/** `npm run test:faults`: processes are killed, disks fill up, files are damaged. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/faults/**/*.test.ts"],
    passWithNoTests: false,
    globalSetup: "test/support/built-command.ts",
    pool: "forks",
    // Threads of a fork strip types by WebAssembly, and V8 may crash as one makes a wrapper faster whose like another frees: never faster, then.
    execArgv: ["--wasm-wrapper-tiering-budget=1000000000"],
    // Most of them wait for processes, locks and deadlines for most of their time, and leave half of two cores idle.
    maxWorkers: 4,
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
});

export default config;
