import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { openReading } from "./open-reading.ts";
import type { ReadingRequest } from "./reading-request.ts";
import { drain, readBack, testPlace, type TestPlace } from "../../test/support/source-place.ts";

function commandRequest(place: TestPlace, argv: readonly string[], timeout = 60_000): ReadingRequest {
  return place.request({ path: null, command: { argv, as: "dump.sql", timeout } });
}

/** Whether a process is there, other than as one that has ended and was not waited for. */
function isAlive(pid: string): boolean {
  if (!existsSync(`/proc/${pid}`)) return false;
  return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

describe("openReading() of a command", () => {
  it("gives its standard output, run in the configuration's folder without a shell", async () => {
    using place = testPlace();
    const { entries, bytes, report } = await readBack(
      commandRequest(place, ["node", "-e", "process.stdout.write(process.cwd() + process.argv[1])", "$HOME *"]),
    );
    expect(bytes.get("dump.sql")?.toString()).toBe(`${place.folder}$HOME *`);
    expect(entries).toMatchObject([{ head: { path: "dump.sql", type: "file", mode: 0o600, size: 0 }, content: { kind: "stream" } }]);
    expect(report).toMatchObject({ source: "command", resolved_path: null, warnings: [] });
  });

  it("passes on an output larger than every buffer, whole", async () => {
    using place = testPlace();
    const { bytes } = await readBack(commandRequest(place, ["node", "-e", `process.stdout.write("x".repeat(50_000_000) + "end")`]));
    expect(bytes.get("dump.sql")?.length).toBe(50_000_003);
    expect(bytes.get("dump.sql")?.subarray(-3).toString()).toBe("end");
  });

  it("says so when the command wrote nothing", async () => {
    using place = testPlace();
    expect((await readBack(commandRequest(place, ["true"]))).report.warnings).toEqual(['The command "true" wrote nothing']);
  });

  it("fails when the exit code is not 0, with what it said and no secret", async () => {
    using place = testPlace();
    const reading = await openReading(
      commandRequest(place, ["sh", "-c", "echo half a dump; echo 'cannot connect to postgres://me:hunter2@db' >&2; exit 3"]),
    );
    await expect(drain(reading)).rejects.toMatchObject({
      code: "COMMAND_FAILED",
      message: expect.stringMatching(/exit code 3: cannot connect to postgres:\/\/\*\*\*@db$/),
    });
    await expect(reading.confirm()).rejects.toMatchObject({ code: "INTERNAL" });
    await reading.close();
  });

  it("fails when the command is killed, and when it does not exist", async () => {
    using place = testPlace();
    await expect(readBack(commandRequest(place, ["sh", "-c", "echo x; kill -9 $$"]))).rejects.toMatchObject({
      code: "COMMAND_FAILED",
      message: expect.stringContaining("SIGKILL"),
    });
    await expect(readBack(commandRequest(place, ["no-such-program-here"]))).rejects.toMatchObject({
      code: "COMMAND_FAILED",
      message: expect.stringContaining("cannot be started"),
    });
  });

  it("fails at its deadline and ends the whole process group", async () => {
    using place = testPlace();
    await expect(readBack(commandRequest(place, ["sh", "-c", "sleep 600 & echo $! > pid; wait"], 300))).rejects.toMatchObject({
      code: "COMMAND_FAILED",
      message: expect.stringContaining("did not end within"),
    });
    const pid = readFileSync(join(place.folder, "pid"), "utf8").trim();
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false));
  });

  it("ends the command when the reading is closed before its end", async () => {
    using place = testPlace();
    const reading = await openReading(commandRequest(place, ["sh", "-c", "echo $$; exec sleep 600"]));
    let pid = "";
    for await (const { content } of reading.entries()) {
      if (content.kind !== "stream") continue;
      const output = content.open();
      pid = await new Promise<string>((resolve) => output.once("data", (chunk: Buffer) => resolve(chunk.toString().trim())));
      output.on("error", () => {});
    }
    await reading.close();
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false));
  });

  it("ends the command when its signal is given", async () => {
    using place = testPlace();
    const controller = new AbortController();
    const reading = await openReading({
      ...commandRequest(place, ["sh", "-c", "echo started; exec sleep 600"]),
      signal: controller.signal,
    });
    for await (const { content } of reading.entries()) {
      if (content.kind !== "stream") continue;
      const output = content.open();
      const failed = new Promise((resolve) => output.once("error", resolve));
      output.once("data", () => controller.abort());
      await failed;
      break;
    }
    await expect(reading.confirm()).rejects.toMatchObject({ code: "INTERRUPTED" });
    await reading.close();
  });
});
