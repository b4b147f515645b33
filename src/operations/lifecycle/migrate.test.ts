import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fakeInstance, fakeVault } from "../../../test/support/fake-vault.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { InterruptedError } from "../../kernel/index.ts";
import type { Instance } from "../instance.ts";
import { migrate } from "./migrate.ts";

/** When the signal comes: while the backup is taken, or after it, before the migration has a process. */
const MOMENTS = ["runEngine", "env"] as const;

describe("migrate()", () => {
  it.each(MOMENTS)("does not run the migration when the signal comes at `%s`, also when it is forced", async (moment) => {
    using folder = temporaryFolder();
    const stop = new AbortController();
    const come = (at: string): void => {
      if (at === moment) stop.abort(new InterruptedError("INTERRUPTED", "Stopped by SIGTERM"));
    };
    const instance: Instance = {
      ...fakeInstance(fakeVault({}), { stateDir: folder.path }),
      runEngine: async () => {
        come("runEngine");
        return { id: "2026-03-15T12-00-00_pre-migration", status: "complete" };
      },
      get env() {
        come("env");
        return process.env;
      },
    };
    const ran = migrate(instance, {
      argv: ["touch", folder.join("migrated")],
      cwd: folder.path,
      interactive: false,
      force: true,
      wait: 0,
      log: () => {},
      signal: stop.signal,
    });
    await expect(ran).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(existsSync(folder.join("migrated"))).toBe(false);
  });
});
