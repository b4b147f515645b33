/**
 * Looks whether a host and a set-up are such that backups can be taken and restored: one file per check, each with what
 * it saw and what to do. Changes nothing but a probe file that is gone again, opens no database, and lets no check that
 * fails hide another: what could not be looked at is `unknown`, which is not the same as sound.
 */
export { doctor, type DoctorReport } from "./doctor.ts";
export type { Finding, Verdict } from "./check.ts";
