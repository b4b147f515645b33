import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { damage, lookAt } from "./disaster.ts";
import type { RunningOrchestrator } from "./running-orchestrator.ts";
import { controlRuntime } from "./runtime-control.ts";
import { proveState } from "./state.ts";
import { ask, heading, holdfast, proved, say } from "./terminal.ts";
import { makeQuickstartWorkspace } from "./workspace.ts";

/** A path as it is typed from where the quickstart was started. */
function here(path: string): string {
  const inside = relative(process.cwd(), path);
  return inside.startsWith("..") ? path : inside || ".";
}

/** From nothing to a proven restore, with the commands that a user would type, while another process keeps writing. */
export async function tour(folder: string): Promise<void> {
  const { agent } = makeQuickstartWorkspace(folder);
  const cli = async (...args: string[]): Promise<void> => await holdfast(agent, ...args);

  heading(1, "An orchestrator at work");
  await using runtime = await controlRuntime(folder, agent);
  const { orchestrator } = runtime;
  await orchestrator.reach(100);
  say(`${here(agent)}/ holds a database in WAL mode, a memory tree, JSON state, configuration, checkpoints and a log.`);
  say(
    `Process ${orchestrator.pid} commits to data/agent.db all the time, and has committed ${orchestrator.committed()} transactions by now.`,
  );
  say(`\nEverything below is typed in that folder; put npx in front.`);

  heading(2, "Protect it: detect, back up, read back, prove");
  await cli("protect", ".", "--vault", "../backups", "--key-file", "../keys/agent.key");

  heading(3, "Life goes on; take another backup");
  appendFileSync(join(agent, "memory/writer/note-01.md"), "\nA line that was added after the first backup.\n");
  writeFileSync(join(agent, "memory/scout/new-harbour.md"), "# A new harbour\n\nFound today.\n");
  const before = orchestrator.committed();
  orchestrator.longestGap();
  await cli("backup", "--tag", "quickstart");
  await orchestrator.reach(before + 1);
  const after = orchestrator.committed();
  const gap = orchestrator.longestGap();
  say(
    `Committed before the backup began: ${before}. When it had ended: ${after}. The longest time between two commits was ${gap.toFixed(0)} ms.`,
  );

  heading(4, "Look around");
  await cli("backup", "list");
  await cli("verify", "latest");
  await cli("ls", "latest");
  await cli("cat", "latest", "memory/scout/new-harbour.md");
  const { backups } = await ask<{ backups: readonly { readonly id: string }[] }>(agent, "backup", "list");
  await cli("diff", backups.at(-1)?.id ?? "", "latest");

  heading(5, "The bytes back, in another folder");
  await cli("restore", "latest", "--to", "../restored", "--yes");

  heading(6, "Is it all there?");
  await prove(join(folder, "restored"), agent, { before, after }, orchestrator);

  heading(7, "A bad day");
  appendFileSync(join(agent, "holdfast.yaml"), `\n${runtime.config}`);
  say("Holdfast is told how to stop and start the orchestrator, and how to ask for its health: `runtime:` in holdfast.yaml.");
  const sound = lookAt(agent);
  const saved = proveState(join(folder, "restored", find(join(folder, "restored"), "agent.db")));
  await runtime.stop();
  damage(agent);
  await runtime.start();
  const damaged = lookAt(agent);
  say(
    `An upgrade goes wrong: the table of tasks is dropped (${sound.tasks} rows before, ${damaged.tasks} now), orchestrator.json is cut off, the writer's ${sound.notes} notes are gone. The orchestrator starts, and goes on with what is left.`,
  );

  heading(8, "Back in place, while the orchestrator is stopped and started");
  await cli("restore", "latest:verified", "--dry-run");
  await cli("restore", "latest:verified", "--yes");
  const stops = runtime.stops();
  const back = lookAt(agent);
  if (back.tasks < saved.tasks || !back.jsonParses || back.notes !== sound.notes)
    throw new Error(`The restored state is not what it was: ${JSON.stringify({ sound, back })}`);
  const { last } = proveState(join(agent, "data", "agent.db"));
  if (last < before) throw new Error(`Transaction ${before} was committed before the backup began; the live journal ends at ${last}`);
  proved(`the orchestrator was stopped once by its command (${stops}), started again, and commits`);
  proved(`${back.tasks} tasks, ${back.notes} notes, JSON that parses; the journal is whole up to ${last}`);

  heading(9, "And undone, because it can be");
  await cli("restore", "--undo", "--yes");
  const undone = lookAt(agent);
  if (undone.notes !== 0 || undone.tasks > damaged.tasks + 1000)
    throw new Error(`The undone state is not the damaged one: ${JSON.stringify({ damaged, undone })}`);
  proved(`the damaged state is there again, as it was when it was replaced: ${undone.tasks} tasks, no notes of the writer`);
  await cli("restore", "latest:verified", "--yes");
  if (lookAt(agent).notes !== sound.notes) throw new Error("The second restore did not bring the notes back");
  proved("and the good one once more");

  heading(10, "Where things are");
  const places: readonly (readonly [string, string])[] = [
    [`${here(agent)}/holdfast.yaml`, "what is protected; every line may be edited"],
    [`${here(join(folder, "backups"))}/`, "the backups, encrypted; one more was taken before each restore"],
    [`${here(join(folder, "keys"))}/`, "the key file, and the recovery sheet: for your own, print it and delete it"],
    [`${here(join(folder, "restored"))}/`, "what came back in another folder"],
  ];
  const width = Math.max(...places.map(([place]) => place.length));
  for (const [place, what] of places) say(`${place.padEnd(width)}  ${what}`);
  say(`
Go on in ${here(agent)}/:
  npx holdfast status
  npx holdfast find '*.md'
  npx holdfast --help
The orchestrator stops now, and the commands under runtime: with it; take those out of holdfast.yaml, or write your own.
To see it work again: node scripts/quickstart/orchestrator.ts ${here(agent)}
To protect your own: npx holdfast protect /path/to/its/state`);
}

/** @throws Error unless the restored state is one whole committed state, and at least as new as the backup's beginning */
async function prove(
  restored: string,
  agent: string,
  cut: { readonly before: number; readonly after: number },
  orchestrator: RunningOrchestrator,
): Promise<void> {
  const { last, tasks } = proveState(join(restored, find(restored, "agent.db")));
  proved("integrity_check of the restored database says ok");
  proved(`the journal has rows 1 to ${last} without a gap, the two accounts add up, ${tasks} tasks`);
  if (last < cut.before)
    throw new Error(`Transaction ${cut.before} was committed before the backup began; the restored journal ends at ${last}`);
  if (last > orchestrator.committed())
    throw new Error(`The restored journal ends at ${last}, and only ${orchestrator.committed()} were ever committed`);
  proved(`every transaction committed before the backup began (${cut.before}) is in the restored database (${last})`);
  for (const name of ["note-01.md", "new-harbour.md", "company.yaml"]) {
    if (!readFileSync(join(restored, find(restored, name))).equals(readFileSync(join(agent, find(agent, name))))) {
      throw new Error(`The restored "${name}" differs`);
    }
  }
  proved("the notes and the configuration are the same, byte by byte");
  await orchestrator.reach(cut.after + 1);
  proved(`the orchestrator never stopped: it has committed ${orchestrator.committed()} transactions by now`);
}

function find(folder: string, name: string): string {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path === name || path.endsWith(`/${name}`));
  const [path] = paths;
  if (path === undefined || paths.length > 1)
    throw new Error(`"${folder}" holds ${paths.length} files named "${name}", and one was expected`);
  return path;
}
