import type { EntryHead, LiveFacts } from "../../vault/index.ts";

/** What the walk saw, corrected by what the file said when its bytes were read. */
export function withFacts(head: EntryHead, size: number, facts: LiveFacts | undefined): EntryHead {
  if (facts === undefined) return head.size === size ? head : { ...head, size };
  const { user, group, ...rest } = head;
  return {
    ...rest,
    mode: facts.mode,
    uid: facts.uid,
    gid: facts.gid,
    // A name belongs to the number that it was looked up for.
    ...(user === undefined || facts.uid !== head.uid ? {} : { user }),
    ...(group === undefined || facts.gid !== head.gid ? {} : { group }),
    mtime_ns: facts.mtimeNs.toString(),
    size,
  };
}
