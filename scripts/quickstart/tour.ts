import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { startOrchestrator, type RunningOrchestrator } from "./running-orchestrator.ts";
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
  await using orchestrator = startOrchestrator(agent);
  await orchestrator.reach(100);
  say(`${here(agent)}/ holds a database in WAL mode, a memory tree, JSON state, configuration, checkpoints and a log.`);
  say(
    `Process ${orchestrator.pid} commits to data/agent.db all the time, and has committed ${orchestrator.committed()} transactions by now.`,
  );
  say(`\nEverything below is typed in that folder; put npx in front.`);

  heading(2, "Protect it: detect, back up, read back, prove");
  await cli("protect", ".", "--vault", "../backups");

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

  heading(7, "Where things are");
  const places: readonly (readonly [string, string])[] = [
    [`${here(agent)}/holdfast.yaml`, "what is protected; every line may be edited"],
    [`${here(join(folder, "backups"))}/`, "two backups, readable with tar alone"],
    [`${here(join(folder, "restored"))}/`, "what came back"],
  ];
  const width = Math.max(...places.map(([place]) => place.length));
  for (const [place, what] of places) say(`${place.padEnd(width)}  ${what}`);
  say(`
Go on in ${here(agent)}/:
  npx holdfast status
  npx holdfast find '*.md'
  npx holdfast --help
The orchestrator stops now. To see it work again: node scripts/quickstart/orchestrator.ts ${here(agent)}
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
