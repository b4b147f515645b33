import type { ApiEvent, LeaseDocument, RunDocument } from "../contract/index.ts";
import type { LeaseView } from "../operations/index.ts";

/** Milliseconds between two looks, while somebody listens. */
const INTERVAL = 1000;

export interface Watched {
  readonly lease: () => Promise<LeaseView | null>;
  /** The newest ones. */
  readonly runs: () => readonly RunDocument[];
  readonly publish: (event: ApiEvent) => void;
  readonly now: () => string;
  readonly onFailure: (error: unknown) => void;
}

export interface Watch {
  /** Told how many listen: nobody looks while nobody does. */
  listeners(count: number): void;
  /** One look, which tells what has changed since the one before. */
  look(): Promise<void>;
}

/** What changes the lease and the ledger may be any process of this machine, so it is looked for. */
export function watchEvents(watched: Watched): Watch {
  let timer: NodeJS.Timeout | undefined;
  let busy = false;
  let holder: string | null = null;
  let outcomes: Map<string, string> | null = null;
  const look = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      const view = await watched.lease();
      const held = view === null || view.state === "free" ? null : leaseDocument(view);
      const print = held === null ? "" : `${held.generation} ${held.state} ${held.reservedFor ?? ""} ${held.yieldRequestedBy ?? ""}`;
      if (holder !== null && holder !== print) watched.publish({ type: "lease.changed", at: watched.now(), lease: held });
      holder = print;
      const runs = watched.runs();
      for (const run of runs.toReversed()) {
        const before = outcomes?.get(run.run_id);
        if (outcomes === null || before === run.outcome) continue;
        watched.publish({ type: run.outcome === "running" ? "run.started" : "run.finished", at: watched.now(), run });
      }
      outcomes = new Map(runs.map(({ run_id, outcome }) => [run_id, outcome]));
    } catch (error) {
      watched.onFailure(error);
    } finally {
      busy = false;
    }
  };
  return {
    look,
    listeners: (count) => {
      if (count === 0) {
        clearInterval(timer);
        timer = undefined;
        // What changes while nobody listens is no news to whoever comes next.
        holder = null;
        outcomes = null;
      } else if (timer === undefined) {
        timer = setInterval(() => void look(), INTERVAL);
        timer.unref();
        void look();
      }
    },
  };
}

export function leaseDocument(view: LeaseView): LeaseDocument {
  const { generation, state, owner, reason, pid, since, doing, progress, fence, reservedFor, yieldRequestedBy } = view;
  return { generation, state, owner, reason, pid, since, doing, progress, fence, reservedFor, yieldRequestedBy };
}
