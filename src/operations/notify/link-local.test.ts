import { describe, expect, it } from "vitest";
import { isLinkLocal, refuseLinkLocal, safeLookup } from "./link-local.ts";

describe("refuseLinkLocal()", () => {
  it.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.0.1:8080/",
    "http://2852039166/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://①⑥⑨.254.169.254/",
    "http://[fe80::1]/",
    "http://[febf::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[fd00:ec2::254]/",
  ])("refuses %s", (address) => {
    expect(() => refuseLinkLocal(new URL(address))).toThrow("link-local");
  });

  it.each([
    "http://127.0.0.1/",
    "http://10.0.0.1/",
    "http://169.253.255.255/",
    "http://169.255.0.0/",
    "http://[::1]/",
    "http://[fec0::1]/",
  ])("lets %s pass", (address) => {
    expect(() => refuseLinkLocal(new URL(address))).not.toThrow();
  });

  it("knows an address with a zone, as a resolver gives one", () => {
    expect(isLinkLocal("fe80::1%eth0")).toBe(true);
    expect(isLinkLocal("hc-ping.com")).toBe(false);
  });
});

describe("safeLookup()", () => {
  const look = async (host: string, all: boolean): Promise<unknown> =>
    await new Promise((resolve) => {
      safeLookup(host, { all }, (error, address) => resolve(error ?? address));
    });

  it("gives what the connection asks for, one address or all", async () => {
    expect(await look("127.0.0.1", false)).toBe("127.0.0.1");
    expect(await look("127.0.0.1", true)).toEqual([{ address: "127.0.0.1", family: 4 }]);
  });

  it("gives an error and no address for a name that stands for a link-local one", async () => {
    for (const all of [true, false])
      expect(await look("169.254.169.254", all)).toMatchObject({ message: expect.stringContaining("link-local") });
  });

  it("gives the resolver's own error for a name that there is not", async () => {
    expect(await look("nowhere.invalid", true)).toMatchObject({ code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) });
  });
});
