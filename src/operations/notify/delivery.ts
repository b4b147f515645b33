/** What came of one attempt. `again`: the same may work later. */
export type Delivery = { readonly delivered: true } | { readonly delivered: false; readonly problem: string; readonly again: boolean };

export const DELIVERED: Delivery = { delivered: true };

export function undone(problem: string, again: boolean): Delivery {
  return { delivered: false, problem, again };
}
