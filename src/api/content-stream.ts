import { InterruptedError } from "../kernel/index.ts";

/** Without a byte taken: whoever reads holds the vault's lock, and keeps its trash from being emptied. Milliseconds. */
const PATIENCE = 60_000;
/** Of one piece, so that a slow client, who takes a kilobyte in a second, is not taken for one who hangs. Bytes. */
const PIECE = 65_536;

/**
 * Bytes as the client takes them: what is wrong before the first rejects, what is wrong later ends the stream. A client who takes
 * nothing for long is one who hung up: `give` is ended by a rejected write.
 *
 * @param give hands over one chunk after the other, each of which is its own again when its promise resolves
 */
export async function contentStream(
  give: (write: (chunk: Uint8Array) => Promise<void>) => Promise<void>,
  patience: number = PATIENCE,
): Promise<ReadableStream<Uint8Array>> {
  let end: (error: Error) => void = () => {};
  // Through its controller: to abort the writer would wait for the very write that nobody takes.
  const pipe = new TransformStream<Uint8Array, Uint8Array>({ start: (controller) => void (end = (error) => controller.error(error)) });
  const writer = pipe.writable.getWriter();
  const first = Promise.withResolvers<void>();
  const hand = async (piece: Uint8Array): Promise<void> => {
    const waited = setTimeout(
      () => end(new InterruptedError("DEADLINE", `The client took nothing of the content for ${patience} ms`)),
      patience,
    );
    try {
      await writer.write(piece);
    } finally {
      clearTimeout(waited);
    }
  };
  give(async (chunk) => {
    first.resolve();
    for (let at = 0; at < chunk.length; at += PIECE) {
      // oxlint-disable-next-line no-await-in-loop -- one piece after the other
      await hand(Uint8Array.from(chunk.subarray(at, at + PIECE)));
    }
  })
    .then(
      async () => {
        first.resolve();
        await writer.close();
      },
      async (error: unknown) => {
        first.reject(error);
        await writer.abort(error);
      },
    )
    .catch(() => {
      // The client has hung up, and what was open is closed.
    });
  await first.promise;
  return pipe.readable;
}
