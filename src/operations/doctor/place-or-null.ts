import { HoldfastError } from "../../kernel/index.ts";
import type { Patient } from "./check.ts";

/** Where a component lies; null for one that does not resolve, of which the check of the components tells. */
export async function placeOrNull(place: Patient["place"], name: string): Promise<string | null> {
  try {
    return await place(name);
  } catch (error) {
    if (error instanceof HoldfastError) return null;
    throw error;
  }
}
