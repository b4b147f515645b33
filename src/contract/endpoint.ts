import type { ErrorCode } from "../kernel/index.ts";
import type { Schema } from "./schema.ts";

export type Method = "GET" | "POST" | "DELETE";
/** What a token must be allowed; `none` needs no token. */
export type Scope = "read" | "operate" | "restore" | "none";
export const SCOPES: readonly Exclude<Scope, "none">[] = ["read", "operate", "restore"];

/** What one call takes and gives. */
export interface Call {
  readonly params?: object;
  readonly query?: object;
  readonly body?: object;
  readonly answer: Answer;
}
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}
export interface Answered<Status extends number, Body> extends Answer {
  readonly status: Status;
  readonly body: Body;
}

export type Media = "application/json" | "application/octet-stream" | "text/event-stream" | "text/plain";

/** One answer by status; null where it has no body. */
export interface AnswerSpec<Body> {
  readonly means: string;
  readonly schema: Schema<Body> | null;
  readonly media?: Media;
}

type BodyOf<A extends Answer, Status> = A extends { readonly status: Status; readonly body: infer Body } ? Body : never;
/** What is not JSON has no schema. */
type JsonOf<Body> = Body extends ReadableStream | string | null ? never : Body;

export type Endpoint<C extends Call = Call> = {
  readonly method: Method;
  /** Below /api/v1, with `{names}`. */
  readonly path: string;
  readonly scope: Scope;
  readonly summary: string;
  /** Changes something: written to the audit log, refused while a restore runs unless told. */
  readonly changes: boolean;
  /** Not refused while a restore runs: that may wait for the very runtime that asks. */
  readonly besideRestore?: true;
  readonly answers: { readonly [Status in C["answer"]["status"]]: AnswerSpec<JsonOf<BodyOf<C["answer"], Status>>> };
  /** Besides those that every route may answer with. */
  readonly errors: readonly ErrorCode[];
} & Part<"params", C["params"]> &
  Part<"query", C["query"]> &
  Part<"body", C["body"]>;

/** A schema for what the call takes, and for nothing that it does not take. */
type Part<Name extends string, Value> = [Value] extends [object]
  ? { readonly [N in Name]: Schema<Value> }
  : { readonly [N in Name]?: undefined };

/** Any endpoint of the table, for what goes over all of them. */
export interface AnyEndpoint {
  readonly method: Method;
  readonly path: string;
  readonly scope: Scope;
  readonly summary: string;
  readonly changes: boolean;
  readonly besideRestore?: true;
  readonly answers: Readonly<Record<number, { readonly means: string; readonly schema: Schema<unknown> | null; readonly media?: Media }>>;
  readonly errors: readonly ErrorCode[];
  readonly params?: Schema<unknown> | undefined;
  readonly query?: Schema<unknown> | undefined;
  readonly body?: Schema<unknown> | undefined;
}
