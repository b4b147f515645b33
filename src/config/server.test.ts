import { describe, expect, it } from "vitest";
import { LEAST, testPlace } from "./test-place.ts";

const server = (text: string): string => `${LEAST}server:\n  ${text}\n`;

describe("loadConfig() of `server`", () => {
  it("listens on loopback, with the tokens in the state folder, unless told otherwise", () => {
    using place = testPlace();
    expect(place.load(LEAST).server).toEqual({
      host: "127.0.0.1",
      port: 7420,
      tokensFile: place.join(".holdfast", "tokens.json"),
      allowedHosts: [],
      insecure: false,
    });
  });

  it("reads every key", () => {
    using place = testPlace();
    const text = server(
      "{ listen: '0.0.0.0:80', insecure: true, tokens_file: etc/tokens.json, allowed_hosts: [Backup.Example, '[fd00::1]'] }",
    );
    expect(place.load(text).server).toEqual({
      host: "0.0.0.0",
      port: 80,
      tokensFile: place.join("etc", "tokens.json"),
      allowedHosts: ["backup.example", "[fd00::1]"],
      insecure: true,
    });
    expect(place.load(server("listen: '[::1]:0'")).server).toMatchObject({ host: "::1", port: 0 });
    expect(place.load(LEAST, { HOLDFAST_SERVER__LISTEN: "localhost:7421" }).server).toMatchObject({ host: "localhost", port: 7421 });
  });

  it.each([
    ["an address that other machines reach", "listen: 192.168.1.2:7420", 6, 11, "this version has no TLS"],
    ["all addresses, with insecure: false", "{ listen: '0.0.0.0:7420', insecure: false }", 6, 13, "this version has no TLS"],
    ["a name that only begins like loopback", "listen: 127.0.0.1.example:7420", 6, 11, "this version has no TLS"],
    ["insecure without effect", "insecure: true", 6, 3, "`insecure` has an effect with an address that other machines reach only"],
    ["a port alone", "listen: '7420'", 6, 11, "must be a host and a port"],
    ["a port that is none", "listen: 127.0.0.1:65536", 6, 11, "must have a port from 0 to 65535"],
    ["a URL", "listen: http://127.0.0.1:7420", 6, 11, "must be a host and a port"],
    ["an allowed host with a port", "allowed_hosts: ['a.example:80']", 6, 19, "must be a host name or address, without a port"],
    ["tls, which is not there yet", "tls: { cert: a.pem }", 6, 3, "`tls` is not available in this version"],
    ["a mistyped key", "listn: 127.0.0.1:1", 6, 3, "Unknown key `listn`"],
  ])("refuses %s", (_what, text, line, column, message) => {
    using place = testPlace();
    const problems = place.problems(server(text));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ line, column });
    expect(problems[0]?.message).toContain(message);
  });
});
