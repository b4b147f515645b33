/** Which backups stay, and for how long. A tier of 0 is off. */
export interface RetentionPolicy {
  readonly maxCount: number;
  readonly maxAgeDays: number;
  /** For how many of the newest hours, days, ISO weeks, months and years that have a good backup the newest of each stays. */
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  /** A backup that carries one of these stays. A tag keeps and never removes: a mistyped one removes nothing. */
  readonly keepTags: readonly string[];
  /** IANA name of the time zone in which hours, days, weeks, months and years begin. */
  readonly timezone: string;
}

export const TIERS = ["hourly", "daily", "weekly", "monthly", "yearly"] as const;
export type Tier = (typeof TIERS)[number];
