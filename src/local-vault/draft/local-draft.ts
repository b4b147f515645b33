import { mkdirSync, rmSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { crashpoint, HoldfastError, InternalError, namedSystemError, unguarded, type Guard, throwIfAborted } from "../../kernel/index.ts";
import type { BackupHead, BackupId, Draft, KnownState, ManifestBody, StoredComponent, StoreRequest } from "../../vault/index.ts";
import type { DraftBody, FinishedBody, NewBody, Sealed, StoredForm } from "../stored-form.ts";

/** What only the vault knows: numbers, marks, locks. */
export interface DraftOwner {
  readonly id: BackupId;
  /** The draft's folder, claimed. */
  readonly folder: string;
  readonly forms: readonly StoredForm[];
  newBody(request: Pick<NewBody, "staging">): DraftBody;
  /** Writes the manifest, makes everything durable, and renames it into place. */
  publish(body: ManifestBody, draft: FinishedDraft): Promise<BackupHead>;
  /** Gives back the write lock; runs once. */
  release(): void;
}

export interface FinishedDraft extends FinishedBody {
  readonly sizeBytes: number;
  readonly guard: Guard;
  seal(manifest: Buffer): Promise<Sealed>;
}

/** A backup while it is built, below a dot-name. Holds the vault's write lock until it ends. */
export class LocalDraft implements Draft {
  readonly id: BackupId;
  readonly staging: string;
  readonly #owner: DraftOwner;
  readonly #body: DraftBody;
  readonly #stored: Map<string, StoredComponent & { readonly storedAs: string }> = new Map();
  #state: "open" | "broken" | "ended" = "open";
  /** What broke it. */
  #failed: HoldfastError | undefined;
  #ending: Promise<void> | undefined;

  constructor(owner: DraftOwner) {
    this.id = owner.id;
    this.#owner = owner;
    this.staging = join(owner.folder, "staging");
    mkdirSync(this.staging, { mode: 0o700 });
    this.#body = owner.newBody({ staging: this.staging });
  }

  get storesSeveral(): boolean {
    return this.#body.storesSeveral === true;
  }

  known(component: string): KnownState | undefined {
    this.#mustBeOpen();
    return this.#body.known?.(component);
  }

  async store(request: StoreRequest): Promise<StoredComponent> {
    this.#mustBeOpen();
    if (this.#stored.has(request.component)) throw new InternalError(`Component "${request.component}" is stored twice`);
    const stop = (): void => this.#body.interrupt();
    request.signal?.addEventListener("abort", stop, { once: true });
    try {
      const stored = await this.#body.store(request);
      this.#stored.set(request.component, { ...stored, storedAs: request.storedAs });
      crashpoint("backup-component-stored");
      return stored;
    } catch (error) {
      const failure = this.#failure(error, request);
      if (failure.row.kind === "host" || failure.row.kind === "interrupted") this.#break(failure);
      throw failure;
    } finally {
      request.signal?.removeEventListener("abort", stop);
    }
  }

  #failure(error: unknown, { component, signal }: StoreRequest): HoldfastError {
    try {
      throwIfAborted(signal);
    } catch (interrupted) {
      if (interrupted instanceof HoldfastError) return interrupted;
    }
    return namedSystemError(error, `store component "${component}"`);
  }

  async commit(body: ManifestBody, guard: Guard = unguarded): Promise<BackupHead> {
    this.#mustBeOpen();
    this.#check(body);
    try {
      const finished = await this.#body.finish();
      crashpoint("backup-all-stored");
      const head = await this.#owner.publish(body, {
        ...finished,
        guard,
        sizeBytes: [...this.#stored.values()].reduce((sum, { bytes }) => sum + bytes, 0),
        seal: async (manifest) => await this.#body.seal(manifest),
      });
      // It is listed and on disk: what cannot be cleared away is told as unfinished, and cleared away by the next writer.
      await this.#end().catch(() => {});
      return head;
    } catch (error) {
      const failure = namedSystemError(error, `commit backup "${this.id}"`);
      this.#break(failure);
      throw failure;
    }
  }

  /** What the manifest says of a component is what was stored of it. */
  #check({ components, component_details: details }: ManifestBody): void {
    const wrong = components.length !== this.#stored.size || components.some((name) => !this.#stored.has(name));
    if (wrong)
      throw new InternalError(
        `The manifest names ${components.join(", ") || "no component"}, and ${[...this.#stored.keys()].join(", ") || "none"} is stored`,
      );
    for (const [name, stored] of this.#stored) {
      const told = details[name];
      if (told?.bytes !== stored.bytes || told.entries !== stored.entries || told.stored_as !== stored.storedAs) {
        throw new InternalError(`The manifest does not describe component "${name}" as it was stored`);
      }
    }
  }

  #break(failure: HoldfastError): void {
    this.#state = "broken";
    this.#failed ??= failure;
  }

  #mustBeOpen(): void {
    // Who stores something else at the same time is told of that, and not of a draft.
    if (this.#state === "broken" && this.#failed !== undefined) throw this.#failed;
    if (this.#state !== "open") throw new InternalError(`The draft of "${this.id}" is ${this.#state}`);
  }

  abort(): Promise<void> {
    return this.#end();
  }

  /** Removes whatever is left of the draft; after a commit that is staging and claim. */
  #end(): Promise<void> {
    this.#ending ??= (async () => {
      this.#state = "ended";
      try {
        await this.#body[Symbol.asyncDispose]();
        removeDraftFolder(this.#owner.folder, this.#owner.forms);
      } finally {
        this.#owner.release();
      }
    })();
    return this.#ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}

/** The claim goes last, so that what is left after a crash is still known to be ours. */
export function removeDraftFolder(folder: string, forms: readonly StoredForm[]): void {
  for (const name of [...forms.flatMap(({ draftNames }) => draftNames), "staging", "claim.json"]) {
    rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 3 });
  }
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw namedSystemError(error, `remove "${folder}"`);
  }
}
