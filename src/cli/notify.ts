import { Command } from "commander";
import { ConfigError } from "../kernel/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import { printable } from "./table.ts";

export function notifyCommand(runner: Runner): Command {
  const group = new Command("notify")
    .summary("who is told what became of backups")
    .description("Endpoints of `notify`: addresses, pings and programs that are told what became of backups");
  const about = {
    summary: "send a test to every endpoint, and say what came of it; exits 1 when one did not take it",
    examples: ["notify test", "notify test --json"],
  };
  group.addCommand(
    makeCommand("test", about, runner, async ({ io, instance }) => {
      const { testNotify } = await import("../operations/index.ts");
      const opened = await instance();
      if (opened.config.notify.length === 0)
        throw new ConfigError("CONFIG_INVALID", `"${opened.config.file}" declares nobody to tell`, {
          hint: "Add an endpoint: notify: [{ url: https://hc-ping.com/your-uuid, style: healthchecks }]",
        });
      const endpoints = await testNotify(opened, io.signal);
      io.document({ schema: "holdfast.notify-test/1", endpoints });
      for (const { endpoint, on, delivered, problem } of endpoints) {
        const sign = delivered ? io.paint.green("delivered") : io.paint.red("FAILED");
        io.print(`${sign} ${printable(endpoint)} (told of ${on.join(", ")})${problem === null ? "" : `: ${printable(problem)}`}`);
      }
      return endpoints.every(({ delivered }) => delivered) ? 0 : 1;
    }),
  );
  return group;
}
