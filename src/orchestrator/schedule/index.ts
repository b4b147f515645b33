/**
 * When a task is due: pure functions of its schedule, of what the ledger remembers, and of an instant handed in.
 * - No clock, no timer, no input or output: croner does the calendar, the poll does the waiting and the catching up.
 * - A run missed while down is owed once, however many were missed; changing a schedule starts nothing by itself.
 * - Whatever the clock did, nothing is due later than one cadence, its jitter and an hour from now.
 * - The retry window begins at the first failure of a streak and never slides.
 */
export { cadenceOf } from "./cadence-of.ts";
export { dueAt } from "./due-at.ts";
export { jitterOf } from "./jitter-of.ts";
export { noticeChange } from "./notice-change.ts";
export { overdueBy } from "./overdue-by.ts";
export { reasonOf, type Schedule } from "./schedule.ts";
