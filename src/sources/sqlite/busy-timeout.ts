/** Milliseconds that a locked database is waited for. */
export const BUSY_TIMEOUT = 30_000;
