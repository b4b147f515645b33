export interface ListenAddress {
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
}

/** "127.0.0.1:7420", "[::1]:7420", "localhost:0"; or what is wrong with it. */
export function listenOf(text: string): ListenAddress | string {
  const [, address, name, digits = ""] = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9][A-Za-z0-9.-]{0,252})):(\d{1,5})$/.exec(text) ?? [];
  const host = address ?? name;
  if (host === undefined) return "must be a host and a port, such as 127.0.0.1:7420 or [::1]:7420";
  const port = Number(digits);
  return port > 65_535 ? "must have a port from 0 to 65535" : { host: host.toLowerCase(), port };
}

/** Whether only this machine reaches it. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
