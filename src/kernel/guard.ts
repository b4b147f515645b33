/**
 * Runs one irreversible step while nobody can take away the right to it, or does not run it at all. Rooms that commit are
 * handed one, and know nothing of where the right comes from.
 *
 * @param label what the step is, for a person who waits for its end
 */
export type Guard = <T>(label: string, step: () => Promise<T> | T) => Promise<T>;

/** For work that needs no right, such as an import beside which nothing else is excluded. */
export const unguarded: Guard = async (_label, step) => await step();
