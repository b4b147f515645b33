import type { KnownRecords, RecordSink } from "../../src/vault/index.ts";

/** Takes the records of a reading and gives them to the next one. */
export class KeptRecords implements RecordSink {
  #bytes: Buffer = Buffer.alloc(0);

  append(bytes: Uint8Array): number {
    const position = this.#bytes.length;
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    return position;
  }

  known(head: Uint8Array): KnownRecords {
    const bytes = this.#bytes;
    return {
      head,
      read: (position, length) => (position + length > bytes.length ? undefined : bytes.subarray(position, position + length)),
    };
  }
}
