import { readFileSync, writeFileSync } from "node:fs";
import { SOAK_BODY, type SoakKind } from "./daemon-soak-body.ts";
import { daemonStage, type DaemonStage } from "./daemon-stage.ts";

const SECOND = 1000;
/** Past it a task is starving. */
export const SOAK_BOUND: number = 4 * SECOND;

/** Milliseconds. The backup's is that of its cron expression. */
export const SOAK_CADENCES: ReadonlyMap<string, number> = new Map([
  ["summary", 2 * SECOND],
  ["kbSync", 2 * SECOND],
  ["primary-dev-sync", 3 * SECOND],
  ["dream", 3 * SECOND],
  ["golden-path", 4 * SECOND],
  ["backup", 5 * SECOND],
  ["light", SECOND],
]);

/** The builtin backup, whose component is a body; five heavy tasks, a light one, and a service. */
export function soakStage(): DaemonStage {
  const stage = daemonStage({
    backup: `on_startup: false, on_shutdown: false, schedule: "*/5 * * * * *"`,
    orchestrator: `max_deferral: ${SOAK_BOUND}ms, shutdown_timeout: 2s`,
  });
  const { folder, config } = stage;
  writeFileSync(`${folder}/body.py`, SOAK_BODY);
  const command = (kind: SoakKind, task: string): string => JSON.stringify(soakCommand(stage, kind, task, "-"));
  const tasks = [...SOAK_CADENCES].flatMap(([name, cadence]) =>
    name === "backup" ? [] : [`  ${name}: { command: ${command(name === "light" ? "light" : "heavy", name)}, every: ${cadence}ms }`],
  );
  const service = `  service: { command: ${command("service", "service")}, keep_running: true }`;
  const dump = `components:\n  dump: { command: ${command("dump", "backup")}, as: dump.txt }`;
  const text = readFileSync(config, "utf8").replace("components:", dump);
  writeFileSync(config, `${text}\ntasks:\n${[...tasks, service].join("\n")}\n`);
  return stage;
}

export function soakCommand({ folder, stateDir }: DaemonStage, kind: SoakKind, task: string, run: string): string[] {
  return ["python3", `${folder}/body.py`, folder, stateDir, kind, task, run];
}
