import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bePresent } from "../ledger/index.ts";
import { counting, DAY, ends, lightTask, names, taskOf, taskStage } from "../../test/support/task-stage.ts";
import { Services } from "./kept-services.ts";

/** Writes down what a program was given of the lease. */
const given = (name: string): string =>
  `{ echo "token=\${HOLDFAST_LEASE:-none}"; if [ -e /proc/self/fd/40 ]; then echo descriptor; fi; } > ${name}.tmp; mv ${name}.tmp ${name}.given`;

describe("what a child is given of the lease", () => {
  it.each([{ blocking: true }, { blocking: false }])(
    "a heavy task has token and descriptor 40, a light one neither (blocking: $blocking)",
    async ({ blocking }) => {
      await using stage = taskStage({ blocking });
      const [heavy, light] = [taskOf("summary", given("summary")), lightTask("sweep", given("sweep"))];
      stage.seen(DAY, heavy, light);
      // The lease is in hand already when the light one starts.
      const started = await stage.orchestrator([heavy, light]).poll();
      expect(names(started)).toEqual(["summary", "sweep"]);
      await ends(started);
      expect(readFileSync(stage.join("summary.given"), "utf8")).toMatch(/^token=[0-9a-f]{12}-[0-9a-f]{32}\ndescriptor\n$/);
      expect(readFileSync(stage.join("sweep.given"), "utf8")).toBe("token=none\n");
    },
  );

  it("a service has neither, and keeps no lease held", async () => {
    await using stage = taskStage();
    const holder = await stage.keeper.acquire({ owner: "somebody" });
    if (holder.outcome === "held") throw new Error("held");
    const { ledger, presence, clock, log, stateDir, cwd, env, grace } = stage.parts([], { presence: bePresent(stage.stateDir) });
    const services = new Services({
      services: [{ name: "chroma", label: "chroma daemon", argv: ["sh", "-c", `${given("chroma")}; exec sleep 600`], ready: null }],
      ledger,
      presence,
      clock,
      log,
      stateDir,
      cwd,
      env,
      grace,
      awaitReady: async () => null,
    });
    await services.poll();
    await stage.made("chroma.given");
    expect(readFileSync(stage.join("chroma.given"), "utf8")).toBe("token=none\n");
    expect(await holder.lease.release()).toBe("released");
    expect(await stage.keeper.inspect()).toMatchObject({ state: "free", alive: [] });
    await services.close();
  });

  it("a light task is never deferred, whoever holds the lease and whomever it is kept for", async () => {
    await using stage = taskStage();
    const holder = await stage.keeper.acquire({ owner: "somebody" });
    if (holder.outcome === "held") throw new Error("held");
    await stage.keeper.reserve("backup");
    const light = lightTask("sweep", counting("sweep"));
    stage.seen(DAY, light);
    expect(await ends(await stage.orchestrator([light]).poll())).toEqual(["completed"]);
    expect(stage.ledger.streaks()).toEqual([]);
    await stage.keeper.withdraw("backup");
    await holder.lease.release();
  });

  it("a heavy task joins its own lease by that token, as this program's own backup does", async () => {
    await using stage = taskStage();
    const task = taskOf("backup", "echo $HOLDFAST_LEASE > token.tmp; mv token.tmp token; while [ ! -e backup.go ]; do sleep 0.02; done");
    stage.seen(DAY, task);
    const started = await stage.orchestrator([task]).poll();
    await stage.made("token");
    const joined = await stage.keeper.acquire({ owner: "backup", token: readFileSync(stage.join("token"), "utf8").trim() });
    expect(joined.outcome).toBe("inherited");
    if (joined.outcome !== "held") await joined.lease.release();
    stage.letGo("backup");
    expect(await ends(started)).toEqual(["completed"]);
  });
});
