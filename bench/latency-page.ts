import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BackupPage } from "../src/contract/index.ts";
import { benchInstance, type BenchDaemon, residentSet } from "./latency-daemon.ts";
import type { LatencyRow } from "./latency-report.ts";
import { HOUR, multiply } from "./latency-vault.ts";
import { median } from "./pairs.ts";

const BACKUPS = 10_000;
/** In a round. */
const HEALTHS = 400;
const PAGES = 100;
const PAGE = "/api/v1/admin/backups?limit=50";

/** What a page of a long list costs, beside the least that can be asked for. */
export async function page(folder: string, rounds: number, say: (line: string) => void): Promise<LatencyRow[]> {
  say("Building the package");
  const yaml = "components:\n  state: { path: data/state.json }\n  memory: { path: memory }";
  const instance = await benchInstance(
    join(folder, "many"),
    yaml,
    "compression: false, enabled: false, on_startup: false, on_shutdown: false",
  );
  for (const name of ["data", "memory"]) mkdirSync(join(instance.folder, name));
  writeFileSync(join(instance.folder, "data", "state.json"), '{"turn":1}\n');
  writeFileSync(join(instance.folder, "memory", "note.md"), "one\n");
  await instance.holdfast("backup");
  say(`Making ${BACKUPS} backups`);
  multiply(instance.vault, BACKUPS);
  await using daemon = await instance.daemon();
  const first = await daemon.ask("GET", PAGE);
  checkPage(first.body);
  const last = `${PAGE}&cursor=${Buffer.from(`${Date.now() - (BACKUPS - 25) * HOUR} 1`).toString("base64url")}`;
  const found: Record<"health" | "page" | "last" | "worst" | "changed", number[]> = {
    health: [],
    page: [],
    last: [],
    worst: [],
    changed: [],
  };
  const id = (JSON.parse(first.body) as BackupPage).backups[0]?.id ?? "";
  for (let round = 0; round < rounds; round += 1) {
    say(`Measuring: page, round ${round + 1} of ${rounds}`);
    found.health.push(median(await several(daemon, "/health", HEALTHS / 2)));
    const pages = await several(daemon, PAGE, PAGES);
    found.page.push(median(pages));
    found.worst.push(Math.max(...pages));
    found.last.push(median(await several(daemon, last, PAGES)));
    await daemon.ask("POST", `/api/v1/admin/backups/${id}/pin`, { note: `round ${round}` });
    found.changed.push((await daemon.ask("GET", PAGE)).took);
  }
  return [
    { what: "GET /health", values: found.health, judged: "median", must: null },
    {
      what: "GET of the first page of 50, of 10,000 backups, beside it",
      values: found.page,
      beside: found.health,
      counted: "times",
      judged: "ratio",
      must: 50,
    },
    {
      what: "GET of the last page, beside it",
      values: found.last,
      beside: found.health,
      counted: "times",
      judged: "ratio",
      must: 50,
    },
    { what: "the slowest of 100 first pages in a round", values: found.worst, judged: "median", must: null },
    { what: "the first page after something in the vault has changed", values: found.changed, judged: "median", must: null },
    { what: "the first page that a daemon ever gives", values: [first.took], judged: "median", must: null },
    { what: "resident memory of that daemon", values: [residentSet(daemon.pid) / 1e6], unit: "MB", judged: "median", must: null },
  ];
}

async function several(daemon: BenchDaemon, path: string, times: number): Promise<number[]> {
  const took: number[] = [];
  for (let count = 0; count < times; count += 1) {
    const answer = await daemon.ask("GET", path);
    if (answer.status !== 200) throw new Error(`GET ${path} was answered with ${answer.status}: ${answer.body.slice(0, 500)}`);
    took.push(answer.took);
  }
  return took;
}

/** A vault that were not taken for sound would be read in another way. */
function checkPage(body: string): void {
  const { total, problems, backups } = JSON.parse(body) as BackupPage;
  if (total === BACKUPS && problems.length === 0 && backups.every(({ verified }) => verified?.ok === true)) return;
  throw new Error(`The vault lists ${total} backups, with ${problems.length} problems: ${problems.slice(0, 3).join("; ")}`);
}
