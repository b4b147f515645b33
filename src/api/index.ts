/**
 * The HTTP application over operations: the table of contract, with a handler for each row. Opens no file of a component and
 * does nothing heavy in this process; what it starts goes on when the client hangs up. Nothing is answered without a token
 * but one word of health; nothing is changed by a page of another origin; no failure tells a secret, a home folder or a stack.
 */
export { createApi, type Api, type ApiParts } from "./create-api.ts";
export type { Listening } from "./listen.ts";
