import { PREFIX, type SampleReport, type VerifyReport } from "../../contract/index.ts";
import { show, type VerifiedSample, type VerifyResult } from "../../operations/index.ts";
import type { HandlersOf } from "../handler.ts";

export const verifyHandlers: HandlersOf<"verifyBackup" | "verifySample"> = {
  verifyBackup: async ({ runs, instance }, { params: { id }, body: { wait = false } }) => {
    // Whether it is there is told at once, also to who does not wait.
    const head = await show(instance(), id);
    const run = runs.start({ kind: "verify", args: ["verify", head.id], urgent: wait, backupId: head.id, finish: verified });
    if (!wait) return { status: 202, body: { run_id: run.run_id }, headers: { location: `${PREFIX}/runs/${run.run_id}` } };
    return { status: 200, body: await run.done };
  },

  verifySample: async ({ runs, instance }, { body: { sample = instance().config.verify.sampleText, wait = false } }) => {
    const run = runs.start({ kind: "verify", args: ["verify", "--sample", sample], urgent: wait, finish: sampled });
    if (!wait) return { status: 202, body: { run_id: run.run_id }, headers: { location: `${PREFIX}/runs/${run.run_id}` } };
    return { status: 200, body: await run.done };
  },
};

function verified(document: Readonly<Record<string, unknown>>, run_id: string): VerifyReport {
  const { results, vault } = document as unknown as { results: readonly [VerifyResult]; vault: readonly string[] };
  const [{ id, ok, entries, bytes, problem }] = results;
  return { run_id, backup_id: id, ok, entries, bytes, problem, vault };
}

function sampled(document: Readonly<Record<string, unknown>>, run_id: string): SampleReport {
  const { results, vault, sample } = document as unknown as {
    results: readonly VerifyResult[];
    vault: readonly string[];
    sample: VerifiedSample;
  };
  const { totalBytes, ...counts } = sample;
  const damaged = results.flatMap(({ id, problem }) => (problem === null ? [] : [{ backup_id: id, problem }]));
  return { run_id, ok: damaged.length === 0 && vault.length === 0, ...counts, total_bytes: totalBytes, damaged, vault };
}
