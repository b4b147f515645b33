import { thisProcess, type ProcessIdentity } from "../../kernel/index.ts";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Who builds a draft, so that its folder can be told from one that somebody else left here. */
export interface Claim extends ProcessIdentity {
  /** Id of the vault that the draft is for. */
  readonly vault: string;
}

const NAME = "claim.json";

export function writeClaim(folder: string, vault: string): void {
  writeFileSync(join(folder, NAME), `${JSON.stringify({ vault, ...thisProcess() } satisfies Claim)}\n`, { mode: 0o600, flag: "wx" });
}

/** undefined when a folder has no claim that can be read: then it is not ours. */
export function readClaim(folder: string): Claim | undefined {
  try {
    const claim = JSON.parse(readFileSync(join(folder, NAME), "utf8")) as Partial<Claim> | null;
    return typeof claim?.vault === "string" && typeof claim.pid === "number" ? ({ boot_id: "", start: "", ...claim } as Claim) : undefined;
  } catch {
    return undefined;
  }
}
