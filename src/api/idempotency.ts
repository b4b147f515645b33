import { createHash } from "node:crypto";
import { ConflictError, UsageError } from "../kernel/index.ts";
import type { PlainAnswer } from "./answers.ts";

/** Milliseconds. */
const KEPT_FOR = 24 * 3_600_000;
const KEPT = 1000;

interface Kept {
  readonly print: string;
  readonly since: number;
  readonly answer: Promise<PlainAnswer>;
}

export interface Idempotency {
  /**
   * Runs a request once for each key of whoever asks; another with the same key gets the same answer, also while the first
   * still runs. An answer that is a failure, or says that nothing came of it, is forgotten: the same key may try again.
   *
   * @throws ConflictError IDEMPOTENCY_MISMATCH
   */
  once(
    request: { readonly key: string; readonly who: string; readonly what: string; readonly now: number },
    run: () => Promise<PlainAnswer>,
  ): Promise<PlainAnswer>;
}

/** Kept in memory: a restart forgets, and what ran then is in the list of backups. */
export function idempotency(): Idempotency {
  const kept = new Map<string, Kept>();
  return {
    once: async ({ key, who, what, now }, run) => {
      if (!/^[\x21-\x7E]{1,128}$/.test(key))
        throw new UsageError("USAGE", "The Idempotency-Key is not understood", { hint: "Write up to 128 visible characters" });
      for (const [old, { since }] of kept) if (now - since >= KEPT_FOR || kept.size >= KEPT) kept.delete(old);
      const name = `${who}\n${key}`;
      const print = createHash("sha256").update(what).digest("hex");
      const before = kept.get(name);
      if (before !== undefined) {
        if (before.print === print) return await before.answer;
        throw new ConflictError("IDEMPOTENCY_MISMATCH", "The Idempotency-Key was used before, for another request", {
          hint: "Make a new key for each thing that is to be done",
        });
      }
      const answer = run();
      kept.set(name, { print, since: now, answer });
      const forget = (): void => void (kept.get(name)?.answer === answer && kept.delete(name));
      answer.then(({ status, mayEndOtherwise = false }) => void ((status >= 400 || mayEndOtherwise) && forget()), forget);
      return await answer;
    },
  };
}
