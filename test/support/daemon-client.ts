import { readFileSync } from "node:fs";
import { createClient, type Client } from "../../src/contract/index.ts";
import type { RunningProgram } from "./daemon-program.ts";
import { inState, type DaemonStage } from "./daemon-stage.ts";

/** For a daemon that is to be asked: any free port. */
export const FREE_PORT: Readonly<Record<string, string>> = { HOLDFAST_SERVER__LISTEN: "127.0.0.1:0" };

/** Asks a daemon of the stage, with the token that may operate. */
export async function clientOf(stage: DaemonStage, daemon: RunningProgram): Promise<Client> {
  const [, url = ""] = await daemon.saw(/Listening on (http:[^\s"]+)\./);
  return createClient({ url, token: readFileSync(inState(stage, "tokens", "operate"), "utf8").trim() });
}
