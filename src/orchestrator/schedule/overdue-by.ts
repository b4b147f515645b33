/** How late a task is, in cadences, so that one of ten minutes and one of a day can be put in order; negative when not due yet. */
export function overdueBy(now: number, due: number, cadence: number): number {
  return (now - due) / cadence;
}
