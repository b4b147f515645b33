import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fakeInstance, fakeVault } from "../../test/support/fake-vault.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import {
  BusyError,
  CaptureError,
  ConflictError,
  DamageError,
  HostError,
  InternalError,
  InterruptedError,
  NotFoundError,
  UsageError,
  HoldfastError,
} from "../kernel/index.ts";
import { backup } from "./backup.ts";
import { readLastRun } from "./last-run.ts";

/** Takes a backup that fails with this, and gives what was thrown and what was recorded. */
async function failing(
  error: unknown,
  prepare: (stateDir: string) => void = () => {},
): Promise<{ thrown: HoldfastError; code: string | null | undefined }> {
  using folder = temporaryFolder();
  prepare(folder.path);
  const refuse = async (): Promise<never> => {
    throw error;
  };
  const instance = fakeInstance(refuse, { stateDir: folder.path });
  let thrown: unknown;
  try {
    await backup(instance, { trigger: "scheduled" });
  } catch (caught) {
    thrown = caught;
  }
  if (!(thrown instanceof HoldfastError)) throw new TypeError("the backup did not fail with a named error");
  let code: string | null | undefined;
  try {
    code = readLastRun(folder.path)?.code;
  } catch {
    code = undefined;
  }
  return { thrown, code };
}

describe("backup() that fails", () => {
  it.each([
    new CaptureError("COMPONENT_MISSING", "Not there"),
    new HostError("NO_SPACE", "Full"),
    new DamageError("VAULT_DAMAGED", "Damaged"),
    new InterruptedError("DEADLINE", "Late"),
    new InternalError("A defect"),
  ])("leaves a record of $code, because status must not say that all is well", async (error) => {
    const { thrown, code } = await failing(error);
    expect(thrown).toBe(error);
    expect(code).toBe(error.code);
  });

  it("gives a name to what has none, and leaves a record of it", async () => {
    const cause = Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
    expect(await failing(cause)).toMatchObject({
      thrown: { code: "FILE_SYSTEM", message: "Cannot take a backup: EIO: i/o error", cause },
      code: "FILE_SYSTEM",
    });
    expect(await failing(new TypeError("x is undefined"))).toMatchObject({ thrown: { code: "INTERNAL" }, code: "INTERNAL" });
  });

  it.each([
    new UsageError("USAGE", "Wrong"),
    new NotFoundError("COMPONENT_NOT_FOUND", "None"),
    new BusyError("VAULT_BUSY", "Busy"),
    new InterruptedError("INTERRUPTED", "Stopped"),
  ])("leaves no record of $code, which says nothing about the state", async (error) => {
    const { thrown, code } = await failing(error);
    expect(thrown).toBe(error);
    expect(code).toBeUndefined();
  });

  it("leaves a record of VAULT_FOREIGN: no backup is taken until somebody does something", async () => {
    expect(await failing(new ConflictError("VAULT_FOREIGN", "Not ours"))).toMatchObject({ code: "VAULT_FOREIGN" });
  });

  it("tells what failed first when the record cannot be written either", async () => {
    const { thrown } = await failing(new CaptureError("COMPONENT_MISSING", "Not there"), (stateDir) => {
      mkdirSync(`${stateDir}/last-run.json`);
      writeFileSync(`${stateDir}/last-run.json/x`, "");
    });
    expect(thrown).toMatchObject({ code: "COMPONENT_MISSING", cause: { code: expect.stringMatching(/^E/) } });
  });
});

describe("backup() of a wrong call", () => {
  it.each([
    ["a trigger that there is not", { trigger: "sometimes" as never }, "USAGE"],
    ["a tag with a space", { tags: ["a b"] }, "USAGE"],
    ["an empty tag", { tags: [""] }, "USAGE"],
    ["a tag that is too long", { tags: ["x".repeat(65)] }, "USAGE"],
    ["a component that there is not", { components: ["memry"] }, "COMPONENT_NOT_FOUND"],
  ])("refuses %s before the vault is opened", async (_what, options, code) => {
    using folder = temporaryFolder();
    let opened = 0;
    const instance = fakeInstance(
      async () => {
        opened += 1;
        return fakeVault();
      },
      { stateDir: folder.join("state"), components: [] },
    );
    await expect(backup(instance, options)).rejects.toMatchObject({ code });
    expect(opened).toBe(0);
    expect(existsSync(folder.join("state"))).toBe(false);
  });
});
