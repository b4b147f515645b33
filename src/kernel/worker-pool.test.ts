import { describe, expect, it } from "vitest";
import type { EchoJob } from "../../test/support/echo-worker.ts";
import { runProgram } from "../../test/support/run-program.ts";
import { WorkerPool } from "./worker-pool.ts";

/** A pool for each test: a module has one in a process. */
function echoPool(name: string): WorkerPool<EchoJob, string> {
  return WorkerPool.of<EchoJob, string>(new URL(`../../test/support/echo-worker.ts?${name}`, import.meta.url), 1);
}

const here = ({ text }: EchoJob): string => `${text} here`;

describe("WorkerPool", () => {
  it("share() leaves jobs to the thread until so many wait for it, and works itself then", async () => {
    const pool = echoPool("share");
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const first = pool.share({ text: "one", gate }, here);
    const second = pool.share({ text: "two" }, here);
    expect(await pool.share({ text: "three" }, here)).toBe("three here");
    open(gate);
    expect(await first).toMatch(/^one by thread/);
    expect(await second).toMatch(/^two by thread/);
  });

  it("share() gives the thread what still waits for this one, once it has room again", async () => {
    const pool = echoPool("again");
    const [gate, answered] = [new Int32Array(new SharedArrayBuffer(4)), new Int32Array(new SharedArrayBuffer(4))];
    const blocked = [pool.share({ text: "one", gate }, here), pool.share({ text: "two", answered }, here)];
    // Until the thread has answered all that it was given.
    const slowly = (job: EchoJob): string => {
      open(gate);
      Atomics.wait(answered, 0, 0);
      return here(job);
    };
    const waiting = [pool.share({ text: "three" }, slowly), pool.share({ text: "four" }, slowly)];
    expect(await Promise.all(waiting)).toEqual(["three here", expect.stringMatching(/^four by thread/)]);
    await Promise.all(blocked);
  });

  it("warm() keeps no process alive that gives the thread nothing to do", async () => {
    const [pool, worker] = [
      new URL("./worker-pool.ts", import.meta.url).href,
      new URL("../../test/support/echo-worker.ts", import.meta.url).href,
    ];
    const script = `
      const { WorkerPool } = await import(${JSON.stringify(pool)});
      WorkerPool.of(new URL(${JSON.stringify(worker)}), 1).warm();
      console.log("done");`;
    // Ended by force it has no exit code.
    const ended = await runProgram([process.execPath, "--input-type=module", "-e", script], { timeout: 20_000 });
    expect(ended).toMatchObject({ exitCode: 0, stdout: "done\n" });
  });

  it("share() fails with what this thread failed with, and goes on", async () => {
    const pool = echoPool("fails");
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const blocked = [pool.share({ text: "one", gate }, here), pool.share({ text: "two" }, here)];
    const failing = pool.share({ text: "three" }, () => {
      throw new RangeError("no");
    });
    const next = pool.share({ text: "four" }, here);
    await expect(failing).rejects.toThrow(RangeError);
    expect(await next).toBe("four here");
    open(gate);
    await Promise.all(blocked);
  });

  it("share() has nothing wait behind what takes long", async () => {
    const pool = echoPool("long");
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const long = pool.runLong({ text: "long", gate });
    expect(await pool.share({ text: "one" }, here)).toBe("one here");
    open(gate);
    expect(await long).toMatch(/^long by thread/);
    expect(await pool.share({ text: "two" }, here)).toMatch(/^two by thread/);
  });

  it("warm() starts the one thread that is used then", async () => {
    const pool = echoPool("warm");
    expect(pool.started).toBe(false);
    pool.warm();
    pool.warm();
    expect(pool.started).toBe(true);
    const [one, two] = await Promise.all([pool.run({ text: "one" }), pool.run({ text: "two" })]);
    expect(one.replace("one", "two")).toBe(two);
  });
});

function open(gate: Int32Array): void {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
}
