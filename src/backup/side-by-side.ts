/** Asked between the steps of a lane: whether another one has failed. */
type GoesOn = () => boolean;

/** Several lanes of work at the same time. The first failure ends all, each after its step, and is the one that is thrown. */
export async function sideBySide(lanes: readonly ((goesOn: GoesOn) => Promise<void>)[]): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const run = async (lane: (goesOn: GoesOn) => Promise<void>): Promise<void> => {
    try {
      await lane(() => failure === undefined);
    } catch (error) {
      failure ??= { error };
    }
  };
  await Promise.all(lanes.map(run));
  if (failure !== undefined) throw failure.error;
}
