import { NotFoundError } from "../kernel/index.ts";
import type { Listing } from "../vault/index.ts";
import type { Instance } from "./instance.ts";

const NOTHING: Listing = { backups: [], damaged: [], unfinished: [], foreign: [], missing: [], chain: [], trash: [] };

/** What the vault holds; nothing where there is no vault yet, which is no error for who only looks. */
export async function readListing(instance: Instance): Promise<Listing> {
  try {
    await using vault = await instance.openVault();
    return await vault.list({ recalling: true });
  } catch (error) {
    if (error instanceof NotFoundError) return NOTHING;
    throw error;
  }
}

/**
 * What is sealed with newer keys than those at hand: a rotation came in between, and nothing is wrong with it. And the
 * listing without it.
 */
export function splitLocked(listing: Listing): { readonly locked: readonly string[]; readonly rest: Listing } {
  const isLocked = ({ code }: Listing["damaged"][number]): boolean => code === "KEY_WRONG";
  return {
    locked: listing.damaged.filter((one) => isLocked(one)).map(({ name }) => name),
    rest: { ...listing, damaged: listing.damaged.filter((one) => !isLocked(one)) },
  };
}

/** Everything in a listing that should not be, one line each. */
export function damageIn({ damaged, missing, chain }: Listing): string[] {
  return [
    ...damaged.map(({ name, problem }) => `${name}: ${problem}`),
    ...missing.map((sequence) => `backup number ${sequence} is gone, and no removal record names it`),
    ...chain,
  ];
}
