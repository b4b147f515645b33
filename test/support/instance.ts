import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { holdfast, type HoldfastOptions } from "./holdfast.ts";
import type { ProgramResult } from "./run-program.ts";
import { formKeys, type StoredFormName } from "./stored-forms.ts";

export interface Instance {
  readonly folder: string;
  readonly config: string;
  readonly vault: string;
  run(...args: string[]): Promise<ProgramResult>;
  runWith(options: HoldfastOptions, ...args: string[]): Promise<ProgramResult>;
}

/** A configuration with these lines of `components:`, indented by two, and a vault in `backups`. */
export function makeInstance(
  folder: string,
  components: string,
  options: { readonly form?: StoredFormName; readonly compression?: boolean; readonly name?: string; readonly more?: string } = {},
): Instance {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, "holdfast.yaml");
  const { compression = true, form = compression ? "tar.gz" : "directory", name = "instance", more = "" } = options;
  const keys = ["path: backups", ...formKeys(form, folder)].join(", ");
  writeFileSync(config, `name: ${name}\ncomponents:\n${components}\nbackup: { ${keys} }\n${more}`);
  const runWith: Instance["runWith"] = (how, ...args) => holdfast(["--config", config, ...args], how);
  return { folder, config, vault: join(folder, "backups"), runWith, run: (...args) => runWith({}, ...args) };
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The error of a command that was run with --json, which printed one document, nothing else, and ended with this code. */
export function failureOf(result: ProgramResult, exitCode: number): Failure {
  expect(result.stderr).toBe("");
  const document = result.json<{ schema: string; error: Failure }>();
  expect(document.schema, result.stdout).toBe("holdfast.error/1");
  expect(result.exitCode, result.stdout).toBe(exitCode);
  return document.error;
}

/** The document of a command that was run with --json and ended with this code: one, and nothing else. */
export function documentOf<T>(result: ProgramResult, exitCode: number): T {
  expect(result.stderr).toBe("");
  const document = result.json<T & { schema: string }>();
  expect(document.schema, result.stdout).not.toBe("holdfast.error/1");
  expect(result.exitCode, result.stdout).toBe(exitCode);
  return document;
}

/** What `holdfast backup --json` prints, as far as tests look at it. */
export interface BackupDocument {
  readonly id: string;
  readonly status: "complete" | "partial";
  readonly location: string;
  readonly components: readonly { readonly name: string; readonly good: boolean; readonly bytes: number; readonly entries: number }[];
  readonly not_captured: readonly { readonly name: string; readonly code: string; readonly reason: string }[];
  readonly alarms: readonly string[];
  readonly warnings: readonly string[];
}

export interface StatusDocument {
  readonly safe: boolean;
  readonly backups: number;
  readonly newest: string | null;
  readonly components: readonly { readonly name: string; readonly safe: boolean; readonly problem: string | null }[];
  readonly problems: readonly string[];
}
