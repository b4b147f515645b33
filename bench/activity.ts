import { appendFileSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { createProse } from "./prose.ts";
import { createRandom } from "./random.ts";
import { createRowWriter } from "./workload-database.ts";
import { LOG_FILES, logPath, makeCheckpoints, notePath, writeLog } from "./workload-files.ts";
import type { WorkloadCounts } from "./workload.ts";

/** What one step does, at every scale: a working hour's change does not grow with the history behind it. */
export const ACTIVITY = { messages: 500, audit: 500, rewritten: 200, notes: 50, checkpoints: 5, logBytes: 200_000 } as const;

/**
 * One stretch of an orchestrator's work: 500 rows added to each of two tables, 200 rows rewritten, 50 notes
 * appended, 5 checkpoints, 200 KB of log.
 *
 * @param step number of the step, from 1; the same step of the same workload writes the same bytes
 * @returns the counts as they are afterwards
 */
export function applyActivity(root: string, seed: number, step: number, before: WorkloadCounts): WorkloadCounts {
  const database = new DatabaseSync(join(root, "data", "agent.db"));
  try {
    const writer = createRowWriter(database, seed, `activity ${step}`);
    const rewrite = database.prepare("UPDATE messages SET body = ? WHERE id = ?");
    database.exec("PRAGMA synchronous = normal; BEGIN");
    for (let row = 0; row < ACTIVITY.messages; row += 1) writer.message();
    for (let row = 0; row < ACTIVITY.audit; row += 1) writer.audit();
    for (let row = 0; row < ACTIVITY.rewritten; row += 1) rewrite.run(writer.body(), 1 + writer.random.below(before.tables.messages));
    database.exec("COMMIT");
  } finally {
    database.close();
  }

  const random = createRandom(seed, `activity notes ${step}`);
  const prose = createProse(seed, random);
  let noteBytes = 0;
  for (let count = 0; count < ACTIVITY.notes; count += 1) {
    const text = `\n${prose.paragraph(random.between(80, 600))}\n`;
    appendFileSync(notePath(join(root, "memory"), random.below(before.notes)), text);
    noteBytes += text.length;
  }
  const checkpointBytes = makeCheckpoints(join(root, "checkpoints"), seed, before.checkpoints, ACTIVITY.checkpoints);
  const log = logPath(join(root, "logs"), step % LOG_FILES);
  const logSize = statSync(log).size;
  writeLog(log, seed, `activity log ${step}`, ACTIVITY.logBytes);
  return {
    notes: before.notes,
    noteBytes: before.noteBytes + noteBytes,
    checkpoints: before.checkpoints + ACTIVITY.checkpoints,
    checkpointBytes: before.checkpointBytes + checkpointBytes,
    logBytes: before.logBytes + statSync(log).size - logSize,
    databaseBytes: statSync(join(root, "data", "agent.db")).size,
    tables: {
      messages: before.tables.messages + ACTIVITY.messages,
      embeddings: before.tables.embeddings,
      audit: before.tables.audit + ACTIVITY.audit,
    },
  };
}
