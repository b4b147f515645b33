import { vi } from "vitest";

/** Moves this process's own clock on, the one that nobody sets, while something is done. */
export async function later<T>(millis: number, work: () => Promise<T>): Promise<T> {
  const real = process.hrtime.bind(process);
  const moved = (): [number, number] => {
    const [seconds, nanoseconds] = real();
    return [seconds + millis / 1000, nanoseconds];
  };
  const spy = vi.spyOn(process, "hrtime").mockImplementation(Object.assign(moved, { bigint: process.hrtime.bigint }));
  try {
    return await work();
  } finally {
    spy.mockRestore();
  }
}
