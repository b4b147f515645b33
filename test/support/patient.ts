import type { ComponentConfig, Config } from "../../src/config/index.ts";
import type { Patient } from "../../src/operations/doctor/check.ts";
import { patientOf } from "../../src/operations/doctor/doctor.ts";
import type { Listing } from "../../src/vault/index.ts";
import { FAKE_NOW, fakeInstance, fakeVault, NO_RETENTION } from "./fake-vault.ts";

export function componentAt(name: string, path: string, rest: Partial<ComponentConfig> = {}): ComponentConfig {
  return {
    name,
    path: { literal: path },
    command: null,
    kind: undefined,
    importance: undefined,
    exclude: [],
    include: [],
    excludeLarger: undefined,
    excludeCaches: true,
    oneFileSystem: false,
    optional: false,
    group: undefined,
    pause: undefined,
    read: "staged",
    position: { file: "holdfast.yaml", line: 1, column: 1 },
    ...rest,
  };
}

/** An instance in a folder of its own, as the checks of doctor see it. */
export function patientIn(
  folder: string,
  {
    components = [],
    listing = {},
    config = {},
    now = FAKE_NOW,
    env = {},
  }: {
    readonly components?: readonly ComponentConfig[];
    readonly listing?: Partial<Listing> | Error;
    readonly config?: Partial<Config>;
    readonly now?: number;
    readonly env?: NodeJS.ProcessEnv;
  } = {},
): Patient {
  const vault = async (): Promise<ReturnType<typeof fakeVault>> => {
    if (listing instanceof Error) throw listing;
    return fakeVault(listing);
  };
  const made = fakeInstance(vault, {
    file: `${folder}/holdfast.yaml`,
    folder,
    stateDir: `${folder}/.holdfast`,
    components,
    backup: { ...NO_RETENTION, path: `${folder}/vault`, compression: true, include: components.map(({ name }) => name) },
    ...config,
  });
  return patientOf({ ...made, env, clock: { now: () => now } }, { env, now, versions: process.versions });
}
