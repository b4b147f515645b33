import { describe, expect, it } from "vitest";
import { stressLease } from "../support/lease-stress.ts";

describe("sqliteLease(), wanted by eight processes that are killed and stopped at random", () => {
  it("is held by one at a time, whatever happens to holders, children and parents, and is free in the end", async () => {
    const report = await stressLease({ seconds: 10 });
    console.log(report.summary());
    report.expectSound({ breaks: false, namespaces: false });
  });

  it("lets nobody commit whose lease was broken, and steps come in the order of their generations", async () => {
    const report = await stressLease({ seconds: 6, breaks: true });
    console.log(report.summary());
    report.expectSound({ breaks: true, namespaces: false });
  });

  it("is held by one at a time across namespaces of processes", async () => {
    const report = await stressLease({ seconds: 5, namespaces: true });
    console.log(report.summary());
    report.expectSound({ breaks: false, namespaces: true });
  });
});

describe("the oracle of the stress", () => {
  it("sees two at work where a lease goes by the number of its holder alone, and not by what he started", async () => {
    const report = await stressLease({ seconds: 60, wrong: "orphans", until: ({ overlaps }) => overlaps.body.length > 0 });
    console.log(report.summary());
    expect(report.overlaps.body.length).toBeGreaterThan(0);
    expect(report.survivors).toBe(0);
  });

  it("sees a step of an older generation where one looks first and acts then, without a fence", async () => {
    const wrongSteps = (report: Awaited<ReturnType<typeof stressLease>>): number => report.disorder() + report.overlaps.step.length;
    const report = await stressLease({ seconds: 60, breaks: true, wrong: "unfenced", until: (soFar) => wrongSteps(soFar) > 0 });
    console.log(report.summary());
    expect(wrongSteps(report)).toBeGreaterThan(0);
    expect(report.survivors).toBe(0);
  });
});
