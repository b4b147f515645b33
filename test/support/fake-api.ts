import { readFileSync } from "node:fs";
import { createApi, type Api } from "../../src/api/index.ts";
import { openLedger, type SqliteLedger } from "../../src/ledger/index.ts";
import type { EngineRun, Instance } from "../../src/operations/index.ts";
import type { Listing, Vault } from "../../src/vault/index.ts";
import { FAKE_NOW, fakeInstance, fakeVault } from "./fake-vault.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface FakeApi extends Disposable {
  readonly api: Api;
  readonly instance: Instance;
  readonly folder: string;
  readonly logged: readonly string[];
  readonly token: (name: "read" | "operate" | "restore") => string;
  /** The instance's; closed by the caller. */
  readonly ledger: () => SqliteLedger;
  /** Moves the clock. Milliseconds. */
  readonly pass: (millis: number) => void;
  readonly fetch: (path: string, init?: RequestInit & { readonly as?: "read" | "operate" | "restore" }) => Promise<Response>;
}

export interface FakeApiOptions {
  readonly listing?: Partial<Listing>;
  readonly vault?: () => Promise<Vault>;
  readonly engine?: (run: EngineRun) => Promise<Readonly<Record<string, unknown>>>;
  readonly server?: Partial<Instance["config"]["server"]>;
  readonly backup?: Partial<Instance["config"]["backup"]>;
}

/** The API over a vault that a test makes up, and an engine that does what the test says. */
export function fakeApi({ listing = {}, vault, engine, server = {}, backup = {} }: FakeApiOptions = {}): FakeApi {
  const folder = temporaryFolder();
  let now = FAKE_NOW;
  const made = fakeInstance(vault ?? fakeVault(listing), { stateDir: folder.path });
  const instance: Instance = {
    ...made,
    config: { ...made.config, server: { ...made.config.server, ...server }, backup: { ...made.config.backup, ...backup } },
    clock: { now: () => now },
    ...(engine === undefined ? {} : { runEngine: engine }),
  };
  const logged: string[] = [];
  const api = createApi({ instance: () => instance, log: (level, message) => void logged.push(`${level} ${message}`) });
  const token: FakeApi["token"] = (name) => readFileSync(folder.join("tokens", name), "utf8").trim();
  return {
    api,
    instance,
    folder: folder.path,
    logged,
    token,
    ledger: () => openLedger(folder.path, () => {}),
    pass: (millis) => (now += millis),
    fetch: async (path, { as, headers, ...init } = {}) =>
      await api.fetch(
        new Request(`http://127.0.0.1:7420${path}`, {
          ...init,
          headers: { ...(as === undefined ? {} : { authorization: `Bearer ${token(as)}` }), ...(headers as Record<string, string>) },
        }),
      ),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}
