import { describe, expect, it } from "vitest";
import { stressLease, type StressOptions } from "../support/lease-stress.ts";

const SECONDS = Number(process.env["SOAK_LEASE_SECONDS"] ?? 300);

const RUNS: readonly { readonly what: string; readonly share: number; readonly options: Omit<StressOptions, "seconds"> }[] = [
  { what: "killed and stopped at random", share: 0.5, options: {} },
  { what: "killed, stopped and broken at random", share: 0.3, options: { breaks: true } },
  { what: "killed and stopped at random across namespaces of processes", share: 0.2, options: { namespaces: true } },
];

describe(`the lease, wanted by eight processes for ${SECONDS} seconds`, () => {
  it.each(RUNS)("lets no two work at once, and no step come too late: $what", async ({ share, options }) => {
    const report = await stressLease({ ...options, seconds: share * SECONDS });
    console.log(report.summary());
    expect(report.faults()).toEqual([]);
  });
});
