import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { lookAtProcess, type ProcessState } from "./process-identity.ts";

/** Every process of this namespace that has not ended. Linux. */
export function* runningProcesses(): Generator<ProcessState> {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const found = lookAtProcess(Number(name));
    if (found !== undefined && !found.ended) yield found;
  }
}

/** Those of one process group, which stays one when the process that it is named after has ended. */
export function processesOfGroup(group: number): ProcessState[] {
  return [...runningProcesses()].filter((found) => found.group === group);
}

/**
 * Processes that were started with a variable whose value begins so. What another account runs cannot be read, and
 * is not found.
 */
export function processesWithVariable(name: string, prefix: string): number[] {
  const wanted = Buffer.from(`\0${name}=${prefix}`);
  return [...runningProcesses()].filter(({ pid }) => environmentOf(pid).includes(wanted)).map(({ pid }) => pid);
}

function environmentOf(pid: number): Buffer {
  const own = readEnvironment(`/proc/${pid}`);
  // Of a process whose first thread has ended, the others still tell.
  const all = own.length > 0 ? [own] : tasksOf(pid).map((task) => readEnvironment(`/proc/${pid}/task/${task}`));
  return Buffer.concat([Buffer.of(0), ...all]);
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Empty for one that ended meanwhile, or belongs to somebody else. */
function readEnvironment(place: string): Buffer {
  try {
    return readFileSync(`${place}/environ`);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Processes with such a file open below a folder, also one that was removed since. Of other accounts, only root sees any. */
export function processesWithOpenFiles(folder: string, like: RegExp): number[] {
  const isMeant = (path: string): boolean => path.startsWith(`${folder}/`) && like.test(path);
  return [...runningProcesses()].filter(({ pid }) => openFilesOf(pid).some(isMeant)).map(({ pid }) => pid);
}

function openFilesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}
