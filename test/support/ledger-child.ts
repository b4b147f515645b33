/**
 * A process that is present in a ledger: claims what it is told, one command a line on standard input as JSON, one line of
 * answer to each. Argument: the state folder.
 */
import { createInterface } from "node:readline";
import { bePresent, openLedger } from "../../src/ledger/index.ts";
import type { LedgerCommand } from "./ledger-process.ts";

const stateDir = process.argv[2] ?? "";
const remarks: string[] = [];
const ledger = openLedger(stateDir, (text) => remarks.push(text));
const presence = bePresent(stateDir);

function obey(command: LedgerCommand): unknown {
  switch (command.do) {
    case "claim":
      return ledger.claim({
        task: command.task,
        kind: "task",
        trigger: "t",
        now: command.now,
        presence: presence.id,
        lastRunAt: command.lastRunAt,
      });
    case "wait":
      return ledger.addWaiter(presence.id, { owner: command.owner, pid: process.pid, since: command.now });
    default:
      throw new Error(`Unknown command ${JSON.stringify(command satisfies never)}`);
  }
}

console.log(JSON.stringify({ result: { presence: presence.id, remarks } }));
for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify({ result: obey(JSON.parse(line) as LedgerCommand) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
  }
}
process.exit(0);
