import { defineConfig, type ViteUserConfig } from "vitest/config";

/** `npm test`: unit tests beside their subjects, then whole-process tests, which are slower and build on the former. */
const config: ViteUserConfig = defineConfig({
  test: {
    passWithNoTests: false,
    globalSetup: "test/support/built-command.ts",
    pool: "forks",
    // Threads of a fork strip types by WebAssembly, and V8 may crash as one makes a wrapper faster whose like another frees: never faster, then.
    execArgv: ["--wasm-wrapper-tiering-budget=1000000000"],
    // Two cores have room for a third, because some wait for a process, a lock or a deadline.
    maxWorkers: 3,
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
