import type { ProgramPlace } from "../kernel/index.ts";
import { LEASE_DESCRIPTOR, type Lease } from "../lease/index.ts";
import type { Instance } from "./instance.ts";

/** For what a program leaves behind and is no heavy work, such as a runtime: nothing of it ever looks like work under the lease. */
export function outsideLease({ config, env }: Pick<Instance, "config" | "env">): ProgramPlace {
  return { cwd: config.folder, env, withhold: LEASE_DESCRIPTOR };
}

/** For programs that are part of the heavy work: one that outlives this process keeps everybody else out until it has ended. */
export function insideLease({ config, env }: Instance, lease: Lease): ProgramPlace {
  return {
    cwd: config.folder,
    env: { ...env, ...lease.environment },
    enlist: async (pid, program) => await lease.addChild(pid, program),
  };
}
