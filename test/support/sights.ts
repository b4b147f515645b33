import type { Sight } from "../../src/operations/doctor/check.ts";

/** What a check saw, one line each: "problem persistence: It is not there" */
export const told = (sights: readonly Sight[]): string[] =>
  sights.map(({ verdict, subject, seen }) => `${verdict} ${subject ?? ""}: ${seen}`);

/** The same of what is not ok. */
export const wrong = (sights: readonly Sight[]): string[] => told(sights.filter(({ verdict }) => verdict !== "ok"));
