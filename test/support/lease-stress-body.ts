/** What a holder of the stress starts: works under its lease, as somebody who was handed it, or as one who joins it. */
import { join } from "node:path";
import { errnoOf, HoldfastError } from "../../src/kernel/errors.ts";
import { tell, type StressPlan } from "./lease-stress-log.ts";
import { oneIn, takeStep, workAlone } from "./lease-stress-work.ts";

const [, , text = "", kind, number] = process.argv;
const plan = JSON.parse(text) as StressPlan;
const generation = Number(number);
const log = join(plan.folder, "log");

async function joinAndWork(): Promise<void> {
  // Half of them need no lease at all, and start faster without.
  const { LEASE_VARIABLE, sqliteLease } = await import("../../src/lease/index.ts");
  const token = process.env[LEASE_VARIABLE];
  if (token === undefined) throw new Error("There is no token");
  await using keeper = sqliteLease({ stateDir: plan.stateDir, blocking: oneIn(2) });
  const answer = await keeper.acquire({ owner: "child", token });
  if (answer.outcome !== "inherited") {
    tell(log, generation, { e: "foreign" });
    if (answer.outcome === "acquired") await answer.lease.release();
    return;
  }
  await using lease = answer.lease;
  tell(log, lease.generation, { e: "joined" });
  await workAlone(plan, lease.generation, async () => await takeStep(plan, lease));
  tell(log, lease.generation, { e: "released", outcome: await lease.release(), again: false });
}

try {
  if (kind === "joiner") await joinAndWork();
  else await workAlone(plan, generation);
} catch (error) {
  const lost = error instanceof HoldfastError && error.code === "LEASE_LOST";
  tell(
    log,
    generation,
    lost ? { e: "lost" } : { e: "error", text: `${kind}: ${error instanceof Error ? error.stack : (errnoOf(error) ?? "")}` },
  );
}
