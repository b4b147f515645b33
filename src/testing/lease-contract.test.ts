import { writeFileSync } from "node:fs";
import { describe, it } from "vitest";
import { leaseProcess, type LeaseProcess } from "../../test/support/lease-process.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { sqliteLease } from "../lease/index.ts";
import { leaseContract, type LeaseHarness } from "./index.ts";

function harness(blocking: boolean): LeaseHarness {
  const folder = temporaryFolder();
  const stateDir = folder.join("state");
  const elsewhere: LeaseProcess[] = [];
  const another = async (): Promise<LeaseProcess> => {
    const one = await leaseProcess({ stateDir, thread: !blocking });
    elsewhere.push(one);
    return one;
  };
  return {
    open: async () => await Promise.resolve(sqliteLease({ stateDir, blocking })),
    holdElsewhere: async (request) => {
      const one = await another();
      const { lease } = await one.hold(request);
      return { generation: lease.generation, token: lease.environment.HOLDFAST_LEASE, kill: one.kill };
    },
    reserveElsewhere: async (owner) => {
      const one = await another();
      await one.reserve(owner);
      return one;
    },
    damage: async () => await Promise.resolve(writeFileSync(folder.join("state", "lease", "lease.db"), "junk ".repeat(4000))),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(elsewhere.map(async (one) => await one[Symbol.asyncDispose]()));
      folder[Symbol.dispose]();
    },
  };
}

for (const blocking of [true, false]) {
  leaseContract({ describe, it }, `sqliteLease(${blocking ? "inline" : "in a thread"})`, () => Promise.resolve(harness(blocking)));
}
