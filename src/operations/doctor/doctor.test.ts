import { describe, expect, it } from "vitest";
import { patientIn } from "../../../test/support/patient.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { writeTree } from "../../../test/support/write-tree.ts";
import { ConfigError, HostError } from "../../kernel/index.ts";
import { ok } from "./check.ts";
import { doctor, run } from "./doctor.ts";
import { mountOf } from "./mounts.ts";

describe("run()", () => {
  it("makes what a check throws its finding, with the error and its hint", async () => {
    const failed = new HostError("FILE_SYSTEM", "It cannot be read", { hint: "Mount it" });
    expect(await run("disk", () => Promise.reject(failed))).toEqual([
      { check: "disk", subject: null, verdict: "unknown", seen: "It cannot be read", todo: "Mount it" },
    ]);
    const [finding] = await run("disk", () => {
      throw new TypeError("a defect");
    });
    expect(finding).toMatchObject({ verdict: "unknown", seen: expect.stringContaining("a defect") });
    expect(finding?.todo).not.toBeNull();
    expect(await run("disk", () => [ok("fine", "one")])).toEqual([
      { check: "disk", subject: "one", verdict: "ok", seen: "fine", todo: null },
    ]);
  });
});

describe("doctor()", () => {
  it("hides no check behind one that cannot look, and is not healthy then", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "holdfast.yaml": "" });
    const { instance, env, now } = patientIn(folder.path, { listing: new HostError("FILE_SYSTEM", "The vault cannot be read") });
    const report = await doctor({ instance, env, now });
    expect(report.healthy).toBe(false);
    const unknown = report.findings.filter(({ verdict }) => verdict === "unknown");
    expect(unknown.map(({ check }) => check)).toEqual(["clock", "vault-contents", "space", "components", "freshness"]);
    expect(new Set(unknown.map(({ seen }) => seen))).toEqual(new Set(["The vault cannot be read"]));
    const checks = new Set(report.findings.map(({ check }) => check));
    for (const name of ["node", "sqlite", "configuration", "file-systems", "disk", "commands", "runtime", "leftovers"])
      expect(checks).toContain(name);
    expect(report.counts.unknown).toBe(unknown.length);
  });

  it("looks at the host also where the configuration cannot be used", async () => {
    const failure = new ConfigError("CONFIG_INVALID", "It is no YAML", { hint: "Correct it" });
    const report = await doctor({ instance: failure, env: {}, now: 0, versions: { node: "20.0.0", sqlite: "3.53.0" } });
    expect(report.findings.map(({ check, verdict }) => `${check} ${verdict}`)).toEqual([
      "node problem",
      "sqlite ok",
      "configuration problem",
    ]);
    expect(report.findings.at(-1)).toMatchObject({ seen: "It is no YAML", todo: "Correct it" });
  });
});

describe("mountOf()", () => {
  it("takes the longest mount point, of two the later, and understands its escapes", () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "a b/c/x": "", "a bc/x": "" });
    const inside = folder.join("a b").replaceAll(" ", String.raw`\040`);
    const text = `1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 8:2 / ${inside} rw - xfs /dev/sdb rw
3 1 8:3 / ${inside} rw - btrfs /dev/sdc ro`;
    expect(mountOf(folder.join("a b/c/not/there"), text)).toEqual({ point: folder.join("a b"), type: "btrfs", readOnly: true });
    expect(mountOf(folder.join("a bc/x"), text)).toMatchObject({ point: "/", type: "ext4" });
  });
});
