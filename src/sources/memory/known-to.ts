import type { KnownState } from "../../vault/index.ts";
import type { ReadingRequest } from "../reading-request.ts";

/** What a reading may rely on, and leaves for the next one: what is copied under a pause, or salvaged, is read whole, whatever it looks like. */
export function knownTo({ cut, raw = false, known }: ReadingRequest): KnownState | undefined {
  return cut || raw !== false ? undefined : known;
}
