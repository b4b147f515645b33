import { describe, expect, it } from "vitest";
import { fileURLToPath } from "node:url";
import { createBank, moveMoney, readBank } from "../support/bank.ts";
import { runProgram } from "../support/run-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeWorkspace } from "../support/workspace.ts";

const HOST = fileURLToPath(new URL("../support/host-program.ts", import.meta.url));
/** Committed before the other process comes, and after it has gone. */
const BEFORE = 20;
const AFTER = 100;

/** Runs a host program that holds an open WAL database, lets somebody touch it, commits, and is killed. Gives the rows that are left. */
async function rowsAfter(touch: "library" | "open-close"): Promise<number> {
  using folder = temporaryFolder();
  const { config, database } = makeWorkspace(folder.path);
  const bank = createBank(database);
  for (let n = 5; n < BEFORE; n += 1) moveMoney(bank);
  bank.close();
  const host = await runProgram([process.execPath, "--disable-warning=ExperimentalWarning", HOST, database, config, touch, String(AFTER)], {
    timeout: 60_000,
  });
  expect(host.stderr).toBe("");
  expect(host.stdout).toContain(`committed ${BEFORE + AFTER}`);
  expect(host.signal).toBe("SIGKILL");
  return readBank(database).last;
}

/**
 * Closing any descriptor of a database drops every POSIX lock that the process holds on it. The next process to open and
 * close the file then believes itself the last one, and removes the log under the host.
 */
describe("the host-lock trap", () => {
  it("openHoldfast().backup() leaves the host's locks alone: every committed row is there after another process came and went and the host was killed", async () => {
    expect(await rowsAfter("library")).toBe(BEFORE + AFTER);
  });

  it("the trap is real: a host that opens and closes the file itself loses rows", async () => {
    expect(await rowsAfter("open-close")).toBeLessThan(BEFORE + AFTER);
  });
});
