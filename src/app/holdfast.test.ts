import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeWorkspace } from "../../test/support/workspace.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { ConfigError, InterruptedError, NotFoundError } from "../kernel/index.ts";
import { openHoldfast } from "./holdfast.ts";

const backupsIn = (vault: string): string[] => readdirSync(vault).filter((name) => name.endsWith(".tar.gz"));

describe("openHoldfast()", () => {
  it("takes a backup in a process of its own and gives what the command prints with --json", async () => {
    using folder = temporaryFolder();
    const { config, vault } = makeWorkspace(folder.path);
    await using holdfast = await openHoldfast({ config });
    const phases = new Set<string>();
    const result = await holdfast.backup({
      trigger: "startup",
      tags: ["nightly"],
      components: ["persistence", "config"],
      onProgress: ({ phase }) => phases.add(phase),
    });
    expect(result).toMatchObject({ schema: "holdfast.backup/1", status: "complete", trigger: "startup" });
    expect(result.components.map(({ name }) => name)).toEqual(["persistence", "config", "holdfast"]);
    expect(backupsIn(vault)).toEqual([`${result.id}.tar.gz`]);
    expect([...phases]).toContain("preflight");
  });

  it("throws the error that the command ended with, in its class", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    await using holdfast = await openHoldfast({ config });
    await expect(holdfast.backup({ components: ["memry"] })).rejects.toSatisfy(
      (error) => error instanceof NotFoundError && error.code === "COMPONENT_NOT_FOUND" && error.hint === 'Did you mean "memory"?',
    );
    await expect(holdfast.backup({ tags: ["no good"] })).rejects.toMatchObject({ code: "USAGE" });
  });

  it("refuses a configuration that is not there, before anything is started", async () => {
    using folder = temporaryFolder();
    await expect(openHoldfast({ config: folder.join("gone.yaml") })).rejects.toBeInstanceOf(ConfigError);
  });

  it("an abort stops the work, and nothing is listed", async () => {
    using folder = temporaryFolder();
    const { config, vault } = makeWorkspace(folder.path, { components: '  slow: { command: [sleep, "600"], as: slow.txt }' });
    await using holdfast = await openHoldfast({ config });
    const abort = new AbortController();
    const reason = new Error("enough");
    const running = holdfast.backup({ components: ["slow"], signal: abort.signal, onProgress: () => abort.abort(reason) });
    await expect(running).rejects.toSatisfy(
      (error) => error instanceof InterruptedError && error.code === "INTERRUPTED" && error.cause === reason,
    );
    expect(existsSync(vault) ? backupsIn(vault) : []).toEqual([]);
    await expect(holdfast.backup({ components: ["config"] })).resolves.toMatchObject({ status: "complete" });
    expect(backupsIn(vault)).toHaveLength(1);
    await expect(holdfast.backup({ signal: abort.signal })).rejects.toBe(reason);
  });

  it("stops what runs when it is disposed, and waits for its end", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path, { components: '  slow: { command: [sleep, "600"], as: slow.txt }' });
    const started = Promise.withResolvers<void>();
    let running: Promise<unknown>;
    {
      await using holdfast = await openHoldfast({ config });
      running = holdfast.backup({ components: ["slow"], onProgress: () => started.resolve() });
      running.catch(() => {});
      await started.promise;
    }
    await expect(running).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});
