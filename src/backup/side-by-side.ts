import { aTurn } from "../kernel/index.ts";

/** Asked between the steps of a lane: whether another one has failed. */
type GoesOn = () => boolean;

/**
 * Several lanes of work at the same time. Each begins once the ones before it wait for something. The first failure ends all, each after its step, and is the
 * one that is thrown.
 */
export async function sideBySide(lanes: readonly ((goesOn: GoesOn) => Promise<void>)[]): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const run = async (lane: (goesOn: GoesOn) => Promise<void>, index: number): Promise<void> => {
    try {
      if (index > 0) await aTurn();
      await lane(() => failure === undefined);
    } catch (error) {
      failure ??= { error };
    }
  };
  await Promise.all(lanes.map(run));
  if (failure !== undefined) throw failure.error;
}
