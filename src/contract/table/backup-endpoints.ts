import * as z from "zod/mini";
import {
  BACKUP_DETAIL,
  BACKUP_PAGE,
  BACKUP_QUERY,
  BACKUP_REQUEST,
  BACKUP_STARTED,
  BACKUP_TAKEN,
  CONTENT_QUERY,
  DIFF_QUERY,
  PIN_REQUEST,
  PINNED,
} from "../backups.ts";
import { DIFF, ENTRIES_QUERY, ENTRY_PAGE, SEARCH_QUERY, SEARCH_RESULT } from "../contents.ts";
import { SAMPLE_REPORT, SAMPLE_REQUEST, VERIFY_REPORT, WAIT_REQUEST } from "../runs.ts";
import { flag } from "../schema.ts";
import type { Endpoints } from "../endpoints.ts";
import { EXACT, REFERENCE, STARTED } from "./parts.ts";

/** Backups: take, list, look inside, verify, keep, delete. */
export const BACKUP_ENDPOINTS: Pick<
  Endpoints,
  | "takeBackup"
  | "listBackups"
  | "showBackup"
  | "deleteBackup"
  | "verifyBackup"
  | "verifySample"
  | "pinBackup"
  | "unpinBackup"
  | "listEntries"
  | "diffBackup"
  | "readContent"
  | "search"
> = {
  takeBackup: {
    method: "POST",
    path: "/admin/backup",
    scope: "operate",
    changes: true,
    summary: "Take a backup",
    body: BACKUP_REQUEST,
    answers: {
      202: { means: "It has begun and has its id; Location is the run", schema: BACKUP_STARTED },
      201: { means: "With `wait`: it is committed; Location is the backup", schema: BACKUP_TAKEN },
    },
    errors: ["LEASE_HELD", "VAULT_BUSY", "COMPONENT_NOT_FOUND", "COMPONENT_MISSING", "BACKUP_EMPTY", "NO_SPACE"],
  },
  listBackups: {
    method: "GET",
    path: "/admin/backups",
    scope: "read",
    changes: false,
    summary: "List the backups, newest first",
    query: BACKUP_QUERY,
    answers: { 200: { means: "One page", schema: BACKUP_PAGE } },
    errors: [],
  },
  showBackup: {
    method: "GET",
    path: "/admin/backups/{id}",
    scope: "read",
    changes: false,
    summary: "Show one backup with its manifest",
    params: REFERENCE,
    answers: { 200: { means: "The backup", schema: BACKUP_DETAIL } },
    errors: ["BACKUP_NOT_FOUND"],
  },
  deleteBackup: {
    method: "DELETE",
    path: "/admin/backups/{id}",
    scope: "operate",
    changes: true,
    summary: "Move a backup to the trash; a protected one with force",
    params: EXACT,
    query: z.strictObject({ force: z.optional(flag()) }),
    answers: { 204: { means: "It lies in the trash until the next prune", schema: null } },
    errors: ["BACKUP_NOT_FOUND", "BACKUP_PROTECTED", "VAULT_BUSY"],
  },
  verifyBackup: {
    method: "POST",
    path: "/admin/backups/{id}/verify",
    scope: "operate",
    changes: true,
    summary: "Read a backup back, compare every byte, and set the verdict",
    params: REFERENCE,
    body: WAIT_REQUEST,
    answers: { 202: STARTED, 200: { means: "With `wait`: the verdict, which may be that it is damaged", schema: VERIFY_REPORT } },
    errors: ["BACKUP_NOT_FOUND", "VAULT_BUSY"],
  },
  verifySample: {
    method: "POST",
    path: "/admin/verify",
    scope: "operate",
    changes: true,
    summary: "Read back a part of the vault, what was read back longest ago first, and set the verdicts",
    body: SAMPLE_REQUEST,
    answers: { 202: STARTED, 200: { means: "With `wait`: what it covered, and what is damaged", schema: SAMPLE_REPORT } },
    errors: ["BACKUP_NOT_FOUND", "VAULT_BUSY"],
  },
  pinBackup: {
    method: "POST",
    path: "/admin/backups/{id}/pin",
    scope: "operate",
    changes: true,
    summary: "Keep a backup until it is unpinned",
    params: REFERENCE,
    body: PIN_REQUEST,
    answers: { 200: { means: "No retention removes it", schema: PINNED } },
    errors: ["BACKUP_NOT_FOUND", "VAULT_BUSY"],
  },
  unpinBackup: {
    method: "DELETE",
    path: "/admin/backups/{id}/pin",
    scope: "operate",
    changes: true,
    summary: "Let go of a pinned backup",
    params: REFERENCE,
    answers: { 200: { means: "Retention decides again", schema: PINNED } },
    errors: ["BACKUP_NOT_FOUND", "VAULT_BUSY"],
  },
  listEntries: {
    method: "GET",
    path: "/admin/backups/{id}/entries",
    scope: "read",
    changes: false,
    summary: "List what is inside a backup, by name",
    params: REFERENCE,
    query: ENTRIES_QUERY,
    answers: { 200: { means: "One level, or with `recursive` everything below", schema: ENTRY_PAGE } },
    errors: ["BACKUP_NOT_FOUND", "PATH_NOT_FOUND"],
  },
  diffBackup: {
    method: "GET",
    path: "/admin/backups/{id}/diff",
    scope: "read",
    changes: false,
    summary: "Compare a backup with another, or with the state as it is now",
    params: REFERENCE,
    query: DIFF_QUERY,
    answers: { 200: { means: "What differs, by name", schema: DIFF } },
    errors: ["BACKUP_NOT_FOUND", "ENGINE_KILLED"],
  },
  readContent: {
    method: "GET",
    path: "/admin/backups/{id}/content",
    scope: "restore",
    changes: false,
    summary: "Download one file of a backup",
    params: REFERENCE,
    query: CONTENT_QUERY,
    answers: { 200: { means: "Its bytes, each compared with its hash", schema: null, media: "application/octet-stream" } },
    errors: ["BACKUP_NOT_FOUND", "PATH_NOT_FOUND"],
  },
  search: {
    method: "GET",
    path: "/admin/search",
    scope: "read",
    changes: false,
    summary: "Search the paths of all backups",
    query: SEARCH_QUERY,
    answers: { 200: { means: "Newest backup first", schema: SEARCH_RESULT } },
    errors: ["BACKUP_NOT_FOUND", "ENGINE_KILLED"],
  },
};
