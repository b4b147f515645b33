import { describe, expect, it } from "vitest";
import { FAKE_NOW, fakeInstance, fakeVault } from "../../test/support/fake-vault.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { metricsText } from "./serve-metrics.ts";
import type { Status } from "./status.ts";

const STATUS: Status = {
  instance: "acme",
  vault: "/vault",
  backups: 2,
  newest: "2026-03-15T11-00-00_manual",
  components: [
    {
      name: "persistence",
      importance: "critical",
      captured: "2026-03-15T11-00-00_manual",
      capturedAt: "2026-03-15T11:00:00Z",
      verified: null,
      verifiedAt: null,
      overdue: false,
      safe: true,
      problem: null,
    },
  ],
  failedRun: null,
  restore: null,
  lease: null,
  tasks: [],
  problems: [],
  safe: true,
};

async function textOf(seen: Partial<Status>): Promise<string> {
  using folder = temporaryFolder();
  return await metricsText(fakeInstance(fakeVault(), { stateDir: folder.join("state") }), { ...STATUS, ...seen });
}

function valuesOf(text: string, name: string): string[] {
  return text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
}

describe("metricsText()", () => {
  it("says times beside ages, and leaves out what is not known", async () => {
    const text = await textOf({});
    expect(valuesOf(text, "holdfast_read_timestamp_seconds")).toEqual([`holdfast_read_timestamp_seconds ${FAKE_NOW / 1000}`]);
    expect(valuesOf(text, "holdfast_component_captured_timestamp_seconds")).toEqual([
      `holdfast_component_captured_timestamp_seconds{component="persistence"} ${FAKE_NOW / 1000 - 3600}`,
    ]);
    expect(valuesOf(text, "holdfast_component_captured_age_seconds")).toEqual([
      'holdfast_component_captured_age_seconds{component="persistence"} 3600',
    ]);
    for (const name of ["holdfast_component_verified_timestamp_seconds", "holdfast_lease_held_seconds", "holdfast_task_runs"]) {
      expect(valuesOf(text, name), name).toEqual([]);
      expect(text).toContain(`# TYPE ${name} gauge\n`);
    }
    expect(text).toContain("# TYPE holdfast_api_runs_total counter\n");
  });

  it("says of a component that no backup of it was ever read back, and that it is overdue whatever else is wrong with it", async () => {
    const [component] = STATUS.components;
    if (component === undefined) throw new Error("There is none");
    expect(valuesOf(await textOf({}), "holdfast_component_verified")).toEqual(['holdfast_component_verified{component="persistence"} 0']);
    const text = await textOf({
      components: [{ ...component, verified: "2026-03-15T11-00-00_manual", overdue: true, safe: false, problem: "gone; newest good is x" }],
    });
    expect(valuesOf(text, "holdfast_component_verified")).toEqual(['holdfast_component_verified{component="persistence"} 1']);
    expect(valuesOf(text, "holdfast_component_overdue")).toEqual(['holdfast_component_overdue{component="persistence"} 1']);
  });

  it("keeps nothing of the reading before", async () => {
    await textOf({ backups: 7 });
    expect(valuesOf(await textOf({ backups: 3 }), "holdfast_backups")).toEqual(["holdfast_backups 3"]);
  });

  it("escapes what a name holds, so that one line stays one line", async () => {
    const lease = { owner: 'a"b\\c\nholdfast_safe 1', since: "2026-03-15T11:59:00Z" } as unknown as NonNullable<Status["lease"]>;
    const text = await textOf({ lease, safe: false });
    expect(valuesOf(text, "holdfast_lease_held")).toEqual([String.raw`holdfast_lease_held{owner="a\"b\\c\nholdfast_safe 1"} 1`]);
    expect(valuesOf(text, "holdfast_lease_held_seconds")).toEqual(["holdfast_lease_held_seconds 60"]);
    expect(valuesOf(text, "holdfast_safe")).toEqual(["holdfast_safe 0"]);
  });
});
