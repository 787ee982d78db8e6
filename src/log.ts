// The log as the cores see it: an event name and fields. The name is short,
// lower-case and stable, so that operators can search for it and tests can
// demand that something happened. os/log.ts writes the lines.

import { type Address, formatAddress, parseAddress } from "./address.js";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** How much of a client's address stands in the log: all of it, its network, nothing. */
export type ClientLog = "full" | "network" | "none";

/** Bits that are left of an address: what a site has, not what a person has. */
const networkBits = { ipv4: 24, ipv6: 48 } as const;

export interface Log {
  event(level: LogLevel, name: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * The address of a client as the log may hold it; it stands in a field called `client`, in
 * whatever line.
 *
 * @returns undefined: nothing at all
 */
export function shownClient(client: string, how: ClientLog): string | undefined {
  if (how === "full") return client;
  const address = how === "network" ? parseAddress(client) : undefined;
  return address === undefined ? undefined : networkText(address);
}

function networkText({ family, bytes }: Address): string {
  const bits = networkBits[family];
  const kept = bytes.map((byte, at) => (at < bits / 8 ? byte : 0));
  return `${formatAddress({ family, bytes: kept })}/${bits}`;
}

/** A log that keeps nothing, for tests and tools. */
export const silentLog: Log = { event() {} };
