import { describe, expect, it } from "vitest";
import type { ApiEvent } from "../contract/index.ts";
import { EventHub } from "./event-hub.ts";

const event = (at: string): ApiEvent => ({ type: "lease.changed", at, lease: null });
const lines = (number: number, at: string): string =>
  `id: ${number}\nevent: lease.changed\ndata: {"type":"lease.changed","at":"${at}","lease":null}\n\n`;

function openHub(): { readonly hub: EventHub; readonly counts: number[] } {
  const counts: number[] = [];
  return { hub: new EventHub((count) => counts.push(count)), counts };
}

describe("EventHub", () => {
  it("gives every listener what is published while it listens, with its number", async () => {
    const { hub, counts } = openHub();
    hub.publish(event("before"));
    const listeners = [hub.open(null), hub.open(null)];
    hub.publish(event("now"));
    hub.close();
    for (const listener of listeners) expect(await new Response(listener).text()).toBe(`retry: 3000\n\n${lines(2, "now")}`);
    expect(counts).toEqual([1, 2, 1, 0]);
  });

  it("gives who comes back what it has missed", async () => {
    const { hub } = openHub();
    for (const at of ["1", "2", "3"]) hub.publish(event(at));
    const again = hub.open("1");
    hub.close();
    expect(await new Response(again).text()).toBe(`retry: 3000\n\n${lines(2, "2")}${lines(3, "3")}`);
  });

  it("forgets who has hung up, and lets go of who does not read", async () => {
    const { hub, counts } = openHub();
    await hub.open(null).cancel();
    expect(counts).toEqual([1, 0]);
    const asleep = hub.open(null);
    for (let n = 0; n < 300; n += 1) hub.publish(event(String(n)));
    expect(counts).toEqual([1, 0, 1, 0]);
    expect((await new Response(asleep).text()).split("\n\n").length).toBeLessThan(300);
    hub.close();
  });

  it("refuses more listeners than it can bear, and any once it is closed", () => {
    const { hub } = openHub();
    for (let n = 0; n < 64; n += 1) hub.open(null);
    expect(() => hub.open(null)).toThrow(expect.objectContaining({ code: "RATE_LIMITED" }));
    hub.close();
    expect(() => hub.open(null)).toThrow(expect.objectContaining({ code: "RATE_LIMITED" }));
  });
});
