/** Small files beside a manifest, one per backup and kind. Everything that may change after commit lives in one. */
export interface PinMark {
  readonly at: string;
  readonly note?: string;
}

/** Every byte was read back and compared with the manifest; or every pack of it was, and `at` is when the oldest of them was. */
export interface VerifiedMark {
  readonly at: string;
  readonly holdfast_version: string;
  /** Of the manifest's bytes: a verdict belongs to exactly one document. */
  readonly manifest_sha256: string;
  readonly entries: number;
  readonly bytes: number;
  /** false keeps the record of a failed reading; the verdict is then "damaged". */
  readonly ok: boolean;
  readonly problem?: string;
}

export interface Marks {
  readonly pin?: PinMark;
  readonly verified?: VerifiedMark;
}
export type MarkKind = keyof Marks;
