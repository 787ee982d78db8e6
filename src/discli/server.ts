// Whom to ask: what `--server` says, or what resolv.conf(5) says. A broken line
// of that file is passed over, as the resolver library does.

import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { isIP, isIPv6 } from "node:net";
import { FormatError } from "../wire/errors.js";
import { type Name, parseName } from "../wire/name.js";
import { UsageError } from "./usage.js";

export interface Server {
  /** An address, IPv6 ones of one link with their scope. */
  readonly address: string;
  readonly port: number;
}

/** What of the system matters to a question. */
export interface SystemResolver {
  readonly servers: readonly Server[];
  readonly search: readonly Name[];
  /** One line for each part of the file that makes no sense. */
  readonly complaints: readonly string[];
}

export const resolverFile = "/etc/resolv.conf";
const dnsPort = 53;
/** MAXNS of <resolv.h>. */
const serversMax = 3;

/** `192.0.2.1 port 53`. */
export const placeOf = ({ address, port }: Server): string => `${address} port ${port}`;

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

/** What a resolv.conf says; without servers in it this host is asked, as resolv.conf(5) has it. */
export function readResolver(text: string, file = resolverFile): SystemResolver {
  const complaints: string[] = [];
  const servers: Server[] = [];
  let search: Name[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, "")
      .split(/\s+/)
      .filter(Boolean);
    if (keyword === "nameserver") {
      const [address = ""] = words;
      if (isIP(address) === 0) complaints.push(`${file}: nameserver "${address}" is no address`);
      else servers.push({ address, port: dnsPort });
    } else if (keyword === "search" || keyword === "domain") {
      // The last such line counts.
      search = words.flatMap((word) => searchDomain(word, file, complaints));
    }
  }
  if (servers.length === 0) servers.push({ address: "127.0.0.1", port: dnsPort });
  return { servers: servers.slice(0, serversMax), search, complaints };
}

/** A dot alone is how systemd writes "none". */
function searchDomain(word: string, file: string, complaints: string[]): Name[] {
  if (word === ".") return [];
  try {
    return [parseName(word)];
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    complaints.push(`${file}: search domain "${word}": ${error.message}`);
    return [];
  }
}

/** The resolver that this system uses. */
export function systemResolver(): SystemResolver {
  let text = "";
  try {
    text = readFileSync(resolverFile, "utf8");
  } catch {
    // Without the file the resolver library asks this host, too.
  }
  return readResolver(text);
}
