import { messageOf } from "../kernel/index.ts";
import { bePresent, openLedger } from "../ledger/index.ts";
import type { AcquireOutcome, AcquireRequest, LeaseKeeper } from "../lease/index.ts";
import type { Instance } from "./instance.ts";

/** Acquires the lease; while that takes, others see in `lease status` that this process waits. */
export async function acquireVisibly(instance: Instance, keeper: LeaseKeeper, request: AcquireRequest): Promise<AcquireOutcome> {
  let waiting: Disposable | undefined;
  try {
    return await keeper.acquire({
      ...request,
      onWaiting: (held) => {
        waiting = beSeenWaiting(instance, request.owner);
        request.onWaiting?.(held);
      },
    });
  } finally {
    waiting?.[Symbol.dispose]();
  }
}

/** For display alone: a ledger that cannot be written keeps nobody from waiting. */
function beSeenWaiting(instance: Instance, owner: string): Disposable | undefined {
  const { config, clock, remark } = instance;
  try {
    const presence = bePresent(config.stateDir);
    using ledger = openLedger(config.stateDir, remark);
    ledger.addWaiter(presence.id, { owner, pid: process.pid, since: clock.now() });
    return {
      [Symbol.dispose]: () => {
        try {
          using again = openLedger(config.stateDir, remark);
          again.removeWaiter(presence.id);
        } catch {
          // Its row shows nobody once its presence has ended
        } finally {
          presence[Symbol.dispose]();
        }
      },
    };
  } catch (error) {
    remark(`Nobody can see that this waits: ${messageOf(error)}`);
    return undefined;
  }
}
