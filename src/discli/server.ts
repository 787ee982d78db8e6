// Whom to ask when `--server` says it.

import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import { dnsPort, type Server } from "../os/resolv-conf.js";
import { UsageError } from "./command.js";

/**
 * Reads `ADDR`, `ADDR:PORT` or `[ADDR]:PORT`, where ADDR may be the name of a host.
 *
 * @throws UsageError
 */
export function parseServer(text: string): { readonly host: string; readonly port: number } {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  const plain = /^([^:[\]\s]+)(?::(\d{1,5}))?$/.exec(text);
  const [, host, digits] = bracketed ?? plain ?? (isIPv6(text) ? [text, text] : []);
  const port = Number(digits ?? dnsPort);
  const isSound = bracketed === null || isIPv6(host ?? "");
  if (host !== undefined && isSound && port >= 1 && port <= 65_535) return { host, port };
  throw new UsageError(`--server ${text}: write ADDR, ADDR:PORT or [ADDR]:PORT`);
}

/**
 * The server that `--server` means.
 *
 * @throws UsageError
 */
export async function findServer(text: string): Promise<Server> {
  const { host, port } = parseServer(text);
  if (isIP(host) !== 0) return { address: host, port };
  try {
    return { address: (await lookup(host)).address, port };
  } catch {
    throw new UsageError(`--server ${text}: this host finds no address of ${host}; give one`);
  }
}
