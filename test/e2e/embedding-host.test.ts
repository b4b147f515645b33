import { chownSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { asUser } from "../support/as-user.ts";
import { readBank } from "../support/bank.ts";
import { mountTmpfs } from "../support/mount-tmpfs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const HOST = fileURLToPath(new URL("../support/embedding-host.ts", import.meta.url));
const NOBODY = 65_534;
/** Of five milliseconds each, counted by a thread beside, which is as slow as the machine is. */
const BEATS = 100;

interface Told {
  readonly name: string;
  readonly told: readonly string[];
  readonly longest: number;
  readonly locks: number;
  readonly commits: number;
  readonly trouble: readonly string[];
  /** At the end: number of its last row. */
  readonly committed?: number;
}

/** What the host is told of each failure: by backup(), startup(), shutdown() and withHeavyMaintenance(), as it asked. */
const FAILURES: readonly (readonly [string, readonly string[]])[] = [
  ["vault unreadable", ["FILE_SYSTEM", "failed FILE_SYSTEM"]],
  ["vault damaged", ["VAULT_DAMAGED"]],
  ["disk full", ["NO_SPACE", "failed NO_SPACE"]],
  ["lease held", ["LEASE_HELD", "deferred", "deferred LEASE_HELD"]],
  ["state folder read-only", ["FILE_SYSTEM", "failed FILE_SYSTEM"]],
  ["ledger corrupt", ["failed COMPONENT_MISSING", "said", "taken"]],
  [
    "configuration wrong",
    [
      "CONFIG_INVALID",
      "CONFIG_INVALID",
      "failed CONFIG_INVALID",
      "failed CONFIG_INVALID",
      "CONFIG_INVALID",
      "CONFIG_NOT_FOUND",
      "not migrated",
    ],
  ],
  ["engine killed", ["ENGINE_KILLED"]],
  ["disposed in the middle", ["INTERRUPTED"]],
  ["lease store damaged", ["LEASE_STORE_DAMAGED", "LEASE_STORE_DAMAGED"]],
  ["nothing", ["done", "completed"]],
];

/** Runs the host through everything, and gives what it has told and how many rows its database has. */
async function runHost(): Promise<{ readonly reports: ReadonlyMap<string, Told>; readonly rows: number }> {
  using folder = temporaryFolder();
  using disk = mountTmpfs(16_000_000, { skip: () => expect.unreachable("cannot mount here") });
  writeFileSync(
    folder.join("holdfast.yaml"),
    `name: host
components:
  persistence: { path: bank.db }
  state: { path: state.json }
  slow: { command: [sh, -c, "echo $$ > slow.pid; exec sleep 600"], as: slow.txt }
backup: { path: ${JSON.stringify(disk.path)}, compression: false, include: [persistence, state] }
orchestrator: { startup_wait: 300ms }
`,
  );
  writeFileSync(folder.join("state.json"), '{"turn":1}\n');
  for (const path of [folder.path, folder.join("holdfast.yaml"), folder.join("state.json"), disk.path]) chownSync(path, NOBODY, NOBODY);
  const host = await asUser(NOBODY, [process.execPath, "--disable-warning=ExperimentalWarning", HOST, folder.path, disk.path], {
    cwd: folder.path,
    env: { HOME: folder.path, NODE_COMPILE_CACHE: undefined, HOLDFAST_CONFIG: undefined },
  });
  expect([host.exitCode, host.stderr], host.stdout).toEqual([0, ""]);
  return { reports: new Map(host.jsonLines<Told>().map((report) => [report.name, report])), rows: readBank(folder.join("bank.db")).last };
}

describe("a program that embeds the library", () => {
  let reports: ReadonlyMap<string, Told> = new Map();
  let rows = 0;

  beforeAll(async () => {
    ({ reports, rows } = await runHost());
  }, 120_000);

  it.each(FAILURES)("survives: %s: it is told by name, its loop goes on, and its locks are its own", (name, told) => {
    const report = reports.get(name);
    expect(report).toMatchObject({ told, trouble: [], locks: reports.get("start")?.locks });
    expect(report?.locks).toBeGreaterThan(0);
    expect(report?.commits).toBeGreaterThan(0);
    expect(report?.longest).toBeLessThan(BEATS);
  });

  it("has every row that it has committed", () => {
    expect(reports.get("start")?.trouble).toEqual([]);
    expect(rows).toBe(reports.get("end")?.committed);
  });
});
