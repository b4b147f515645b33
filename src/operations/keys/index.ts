/**
 * Keys of a vault in repository form, as a person meets them: a key file is made, a key is proved to open this vault, a
 * further one is let in, one is taken out, a new epoch is begun, a recovery code is made and written on a sheet.
 * - A secret comes out of a file, standard input or a question, never out of an argument, and is in no message and no document.
 * - A recovery code is stored nowhere: whoever makes one hands it over once, and a lost one is replaced by another.
 * - No key file and no sheet is ever written over. The vault's keys change under its write lock alone.
 */
export { addGivenKey, findSlot, newRecoveryCode, removeSlot, rotate, slotsOf, type NewCode } from "./change-key.ts";
export { checkKey, type KeyCheckReport } from "./check-key.ts";
export { generateKey } from "./generate-key.ts";
export { readGivenSecrets, type GivenSecrets } from "./given-secrets.ts";
export { chooseKeyPlace, keysHome, refuseInsideVault } from "./key-place.ts";
export { makeKeyedVault, type KeyedVault } from "./make-keyed-vault.ts";
