import { resolvePath } from "../../config/index.ts";
import { HoldfastError, namedSystemError } from "../../kernel/index.ts";
import type { Instance } from "../instance.ts";
import { readVault, type SeenVault } from "../read-vault.ts";
import type { Finding, Host, Patient, Sights, Verdict } from "./check.ts";
import { checkClock } from "./clock.ts";
import { checkCommands } from "./commands.ts";
import { checkComponents } from "./components.ts";
import { checkConfiguration } from "./configuration.ts";
import { checkDisk } from "./disk.ts";
import { checkEncryption } from "./encryption.ts";
import { checkFileSystems } from "./file-systems.ts";
import { checkFreshness } from "./freshness.ts";
import { checkLease } from "./lease.ts";
import { checkLeftovers } from "./leftovers.ts";
import { checkNode } from "./node.ts";
import { checkNotify } from "./notify.ts";
import { checkRuntime } from "./runtime.ts";
import { checkSpace } from "./space.ts";
import { checkSqlite } from "./sqlite.ts";
import { checkVaultContents } from "./vault-contents.ts";
import { checkVault } from "./vault.ts";

export interface DoctorReport {
  /** Whether no check found a problem, and none could not look. */
  readonly healthy: boolean;
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly findings: readonly Finding[];
}

const OF_THE_HOST: Readonly<Record<string, (host: Host) => Sights>> = { node: checkNode, sqlite: checkSqlite };

const OF_THE_INSTANCE: Readonly<Record<string, (patient: Patient) => Sights>> = {
  configuration: checkConfiguration,
  clock: checkClock,
  encryption: checkEncryption,
  vault: checkVault,
  "vault-contents": checkVaultContents,
  "file-systems": checkFileSystems,
  space: checkSpace,
  disk: checkDisk,
  lease: checkLease,
  components: checkComponents,
  commands: checkCommands,
  notify: checkNotify,
  runtime: checkRuntime,
  leftovers: checkLeftovers,
  freshness: checkFreshness,
};

export interface DoctorRequest {
  /** The instance, or why there is none: a configuration that cannot be read is a finding, and the host is looked at all the same. */
  readonly instance: Instance | HoldfastError;
  readonly env: NodeJS.ProcessEnv;
  readonly now: number;
  readonly versions?: Host["versions"];
}

/** Runs every check; none of them throws, whatever it meets. */
export async function doctor({ instance, env, now, versions = process.versions }: DoctorRequest): Promise<DoctorReport> {
  const host: Host = { env, now, versions };
  const findings: Finding[] = [];
  for (const [name, look] of Object.entries(OF_THE_HOST)) findings.push(...(await run(name, () => look(host))));
  if (instance instanceof HoldfastError) {
    findings.push({ check: "configuration", subject: null, verdict: "problem", seen: instance.message, todo: instance.hint ?? null });
  } else {
    const patient = patientOf(instance, host);
    for (const [name, look] of Object.entries(OF_THE_INSTANCE)) findings.push(...(await run(name, () => look(patient))));
  }
  const counts = { ok: 0, warning: 0, problem: 0, unknown: 0 };
  for (const { verdict } of findings) counts[verdict] += 1;
  return { healthy: counts.problem === 0 && counts.unknown === 0, counts, findings };
}

/** What a check throws becomes its finding. */
export async function run(check: string, look: () => Sights): Promise<readonly Finding[]> {
  try {
    const sights = await look();
    return sights.map(({ subject = null, verdict, seen, todo }) => ({ check, subject, verdict, seen, todo }));
  } catch (error) {
    const { message, hint } = error instanceof HoldfastError ? error : namedSystemError(error, "look");
    return [
      { check, subject: null, verdict: "unknown", seen: message, todo: hint ?? "Look into this first: it keeps the check from looking" },
    ];
  }
}

export function patientOf(instance: Instance, host: Host): Patient {
  let seen: Promise<SeenVault> | undefined;
  const vault = (): Promise<SeenVault> => (seen ??= readVault(instance, ({ backups }) => backups));
  return {
    ...host,
    instance,
    vault,
    listing: async () => (await vault()).listing,
    place: async (name) => {
      const path = instance.config.components.find((component) => component.name === name)?.path ?? null;
      return path === null ? null : (await resolvePath(path, { env: instance.env })).path;
    },
  };
}
