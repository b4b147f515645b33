import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { specDocument } from "../../test/support/spec-document.ts";
import { behindHolder, behindTask } from "./deferral.ts";
import { DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES, REASON_CODES } from "./index.ts";

const { section, rows } = specDocument(new URL("./SPEC.md", import.meta.url));

/** As the code has them; a code that is missing here does not compile. */
const OUTCOMES: Readonly<Record<keyof typeof REASON_CODES, string>> = {
  backpressure: "skipped",
  held: "skipped",
  acquireError: "failed",
  alreadyRunning: "skipped",
  deferredByChild: "skipped",
  exit: "failed",
  signal: "failed",
  failedByChild: "failed",
  deadline: "failed",
  stalled: "failed",
  interrupted: "failed",
  notStarted: "failed",
  partial: "completed",
  damageFound: "completed",
};

describe("SPEC.md of the orchestrator", () => {
  it("has a row for each of REASON_CODES, in their order, with its outcome", () => {
    const [head, ...body] = rows("Outcomes and reason codes");
    expect(head?.slice(0, 2)).toEqual(["code", "outcome"]);
    const codes = Object.entries(REASON_CODES) as [keyof typeof REASON_CODES, string][];
    expect(body.map(([code, outcome]) => [code, outcome])).toEqual(codes.map(([key, code]) => [code, OUTCOMES[key]]));
  });

  it("has the two lines as behindTask() and behindHolder() write them", () => {
    const backup = { label: "memory core backup", reason: "periodic-sweep:21600000" };
    const holder = { owner: "kbSync", pid: 4711 } as NonNullable<Parameters<typeof behindHolder>[1]["holder"]>;
    const held = { outcome: "held", holder, contended: false, reservedFor: null } as const;
    const lines = section("The two lines")
      .split("\n")
      .filter((line) => line.startsWith("    "));
    expect(lines.map((line) => line.trim())).toEqual([
      behindTask(backup, { name: "summary", label: "session summarization" }).line,
      behindHolder(backup, held).line,
    ]);
    const text = section("The two lines").replaceAll(/\s+/g, " ");
    for (const variant of [
      { ...held, reservedFor: "kbSync" },
      { ...held, holder: null, contended: true },
    ]) {
      const { reason } = behindHolder(backup, variant).obstacle;
      expect(text).toContain(`\`${reason.replace("heavy-maintenance lease ", "")}\``);
    }
  });

  it("names the heavy set", () => {
    expect(section("The heavy set")).toContain(DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES.map((name) => `\`${name}\``).join(", "));
  });

  it("names tests that are there for every guarantee", () => {
    const guarantees = rows("Guarantees").slice(1);
    expect(guarantees.map(([name]) => name)).toEqual(guarantees.map((_, index) => `O${index + 1}`));
    expect(guarantees.length).toBeGreaterThan(10);
    for (const [name, , place = ""] of guarantees) {
      const tests = [...place.matchAll(/`([^`]+\.test\.ts)`: "([^"]+)"/g)];
      expect({ name, tests: tests.length > 0 }).toEqual({ name, tests: true });
      for (const [, file = "", title = ""] of tests) {
        const path = new URL(`../../${file}`, import.meta.url);
        expect({ file, there: existsSync(path) }).toEqual({ file, there: true });
        expect(readFileSync(path, "utf8")).toContain(title);
      }
    }
  });
});
