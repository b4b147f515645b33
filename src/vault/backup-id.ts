import { DamageError } from "../kernel/index.ts";

declare const brand: unique symbol;
/** `2026-03-15T14-30-00_scheduled`, with `-2`, `-3` … appended when the second was taken. */
export type BackupId = string & { readonly [brand]: "BackupId" };

export const TRIGGERS = ["scheduled", "shutdown", "startup", "manual", "pre-migration", "pre-restore"] as const;
/** Why a backup was taken. */
export type Trigger = (typeof TRIGGERS)[number];

const DATE = "\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])";
const TIME = "(?:[01]\\d|2[0-3])-[0-5]\\d-[0-5]\\d";
const PATTERN = new RegExp(`^${DATE}T${TIME}_(?:${TRIGGERS.join("|")})(?:-[1-9]\\d{0,4})?$`);

export function isBackupId(text: string): text is BackupId {
  return PATTERN.test(text) && isDay(text.slice(0, 10));
}

/** Of a month that there is. A listing asks ten thousand times, and a Date takes longer. */
function isDay(date: string): boolean {
  const day = Number(date.slice(8));
  if (day <= 28) return true;
  const [year, month] = [Number(date.slice(0, 4)), Number(date.slice(5, 7))];
  if (month !== 2) return day <= ([4, 6, 9, 11].includes(month) ? 30 : 31);
  return day === 29 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** When the backup began: whole seconds, in milliseconds since the epoch. */
export function backupTime(id: BackupId): number {
  const [date, time = ""] = id.slice(0, 19).split("T");
  return Date.parse(`${date}T${time.replaceAll("-", ":")}Z`);
}

export function toBackupId(text: string): BackupId {
  if (isBackupId(text)) return text;
  throw new DamageError("MANIFEST_INVALID", `Not a backup id: ${JSON.stringify(text.slice(0, 100))}`);
}

/**
 * @param time milliseconds since the epoch
 * @param attempt 1 for the plain id, 2 and above for the suffix
 */
export function makeBackupId(time: number, trigger: Trigger, attempt = 1): BackupId {
  const instant = new Date(time).toISOString().slice(0, 19).replaceAll(":", "-");
  return `${instant}_${trigger}${attempt > 1 ? `-${attempt}` : ""}` as BackupId;
}
