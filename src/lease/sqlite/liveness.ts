import {
  bootId,
  identityOfProcess,
  isRunning,
  pidNamespace,
  processesOfGroup,
  processesWithVariable,
  type ProcessIdentity,
} from "../../kernel/index.ts";
import { LEASE_VARIABLE } from "../keeper.ts";
import type { LeaseMember, LeaseRow, Seat } from "../lease-row.ts";
import type { Beginning } from "../view.ts";
import { askBeacon } from "./beacon.ts";
import { storeDamaged } from "./store-error.ts";

export function seatOfThisProcess(): Seat {
  return seatOfProcess(process.pid);
}

export function seatOfProcess(pid: number): Seat {
  return { ...identityOfProcess(pid), pid_ns: pidNamespace() };
}

/** Whether a seat's number means something to this process: same kernel, same namespace. */
function isReadable(seat: Seat): boolean {
  return seat.boot_id === bootId() && seat.pid_ns === pidNamespace();
}

export function isSeatTaken(seat: Seat): boolean {
  return isReadable(seat) && isRunning(seat);
}

/**
 * Whether whoever holds the lease lives, by three ways, because no single one reaches everybody: the beacon (not inherited by
 * the children of Node and Python), recorded processes and their groups, and the token in the environment of what they
 * started. From another kernel's time everybody is dead; that is sound because network file systems are refused.
 *
 * @throws HostError when only the beacon could tell and it is gone
 */
export function isAlive(folder: string, row: LeaseRow, members: () => readonly LeaseMember[]): boolean {
  if (row.state === "free" || row.holder === null || row.beacon === null) return false;
  if (row.holder.boot_id !== bootId()) return false;
  const beacon = askBeacon(folder, row.beacon);
  if (beacon === "reader") return true;
  if (!isReadable(row.holder)) {
    if (beacon === "gone") throw storeDamaged(folder, `beacon "${row.beacon}" was removed, and its holder cannot be seen from here`);
    return false;
  }
  return whoIsAlive(row, members()).length > 0;
}

/** Whom this account can see working under the lease. Reads the table of processes. */
export function whoIsAlive(row: LeaseRow, members: readonly LeaseMember[]): Beginning[] {
  const found = new Map<number, Beginning>();
  const add = (one: Beginning): void => {
    if (!found.has(one.pid)) found.set(one.pid, one);
  };
  // While it drains, the one who released it is no holder any more.
  if (row.state === "held" && row.holder !== null && isSeatTaken(row.holder))
    add({ pid: row.holder.pid, role: "holder", label: row.owner });
  for (const one of livingMembers(members)) add(one);
  if (row.token !== null)
    for (const pid of processesWithVariable(LEASE_VARIABLE, `${row.token}\0`))
      if (pid !== process.pid) add({ pid, role: "environment", label: null });
  return [...found.values()];
}

/** Members, and what runs on in the process group of one that has ended. */
export function livingMembers(members: readonly LeaseMember[]): Beginning[] {
  return members.filter(isReadable).flatMap((member): Beginning[] => {
    if (isRunning(member)) return [{ pid: member.pid, role: member.role, label: member.label }];
    return member.role === "child" ? groupOf(member).map((pid) => ({ pid, role: "child", label: member.label })) : [];
  });
}

/** A number that leads a group again, with another start time, is another group's: then ours has ended. */
function groupOf(member: ProcessIdentity): number[] {
  const group = processesOfGroup(member.pid);
  return group.some(({ pid }) => pid === member.pid) ? [] : group.map(({ pid }) => pid);
}
