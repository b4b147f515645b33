import { sqliteLease } from "../../src/lease/index.ts";
import type { BackupConfig, Config } from "../../src/config/index.ts";
import type { Instance } from "../../src/operations/index.ts";
import type { BackupId, BackupReader, Listing, MarkKind, Vault } from "../../src/vault/index.ts";

export interface FakeVault extends Vault {
  /** Every change that was asked for, in order. */
  readonly changes: readonly (readonly unknown[])[];
  disposed: number;
}

/** The Vault port over a listing that a test makes up. Takes no backup. */
export function fakeVault(listing: Partial<Listing> = {}, readers: Readonly<Record<string, BackupReader>> = {}): FakeVault {
  const changes: unknown[][] = [];
  return {
    location: "/vault",
    identity: { id: "00000000-0000-4000-8000-000000000000", instance: "acme", form: "archive", created_at: "2026-03-15T00:00:00Z" },
    changes,
    disposed: 0,
    list: async () => ({ backups: [], damaged: [], unfinished: [], foreign: [], missing: [], chain: [], trash: [], ...listing }),
    begin: async () => {
      throw new Error("a fake vault takes no backup");
    },
    open: async (id: BackupId) => {
      const reader = readers[id];
      if (reader === undefined) throw new Error(`no reader for ${id}`);
      return reader;
    },
    setMark: async (id: BackupId, kind: MarkKind, mark: unknown) => void changes.push(["mark", id, kind, mark]),
    remove: async (ids: readonly BackupId[], reason: string, time: number) => void changes.push(["remove", ids, reason, time]),
    removeDamaged: async (name: string, reason: string, time: number) => void changes.push(["remove damaged", name, reason, time]),
    sweepTrash: async () => {
      changes.push(["sweep"]);
      return [];
    },
    undelete: async (id: BackupId, time: number) => void changes.push(["undelete", id, time]),
    async [Symbol.asyncDispose]() {
      this.disposed += 1;
    },
  };
}

export const NO_RETENTION: Pick<
  BackupConfig,
  "format" | "encryption" | "retention" | "enabled" | "onStartup" | "onShutdown" | "schedule" | "scheduleHours"
> = {
  format: "archive",
  encryption: null,
  enabled: true,
  onStartup: true,
  onShutdown: true,
  schedule: { every: 6 * 3_600_000 },
  scheduleHours: 6,
  retention: { maxCount: 10, maxAgeDays: 30, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepTags: [], timezone: "UTC" },
};

export const FAKE_NOW: number = Date.parse("2026-03-15T12:00:00Z");

/** An instance over a vault that a test makes up; its clock stands still. */
export function fakeInstance(vault: Vault | (() => Promise<Vault>), config: Partial<Config> & { readonly stateDir: string }): Instance {
  return {
    config: {
      file: "/srv/acme/holdfast.yaml",
      folder: "/srv/acme",
      name: "acme",
      components: [],
      backup: { path: "/vault", compression: true, include: [], ...NO_RETENTION },
      schemaVersion: undefined,
      verify: { every: null, sample: 0.1, sampleText: "10%", maxAge: 30 * 86_400_000 },
      runtime: null,
      tasks: [],
      hooks: null,
      notify: [],
      server: { host: "127.0.0.1", port: 0, tokensFile: `${config.stateDir}/tokens.json`, allowedHosts: [], insecure: false },
      orchestrator: { pollInterval: 3000, maxDeferral: null, maxHold: 1_800_000, shutdownTimeout: 8000, startupWait: 60_000 },
      ...config,
    },
    env: {},
    clock: { now: () => FAKE_NOW },
    remark: () => {},
    leaseToken: null,
    runEngine: () => Promise.reject(new Error("A made-up instance runs no commands")),
    engine: (args) => ["false", ...args],
    openLease: () => sqliteLease({ stateDir: config.stateDir, blocking: true }),
    openVault: typeof vault === "function" ? vault : async () => vault,
  };
}
