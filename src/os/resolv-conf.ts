// Whom this system asks: what resolv.conf(5) says. A broken line of that file is
// passed over, as the resolver library does.

import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { FormatError } from "../wire/errors.js";
import { type Name, parseName } from "../wire/name.js";

export interface Server {
  /** An address, IPv6 ones of one link with their scope. */
  readonly address: string;
  readonly port: number;
}

/** What of the system matters to a question. */
export interface ResolverFile {
  readonly servers: readonly Server[];
  readonly search: readonly Name[];
  /** One line for each part of the file that makes no sense. */
  readonly complaints: readonly string[];
}

export const resolverFile = "/etc/resolv.conf";
export const dnsPort = 53;
/** MAXNS of <resolv.h>. */
const serversMax = 3;

/** `192.0.2.1 port 53`. */
export const placeOf = ({ address, port }: Server): string => `${address} port ${port}`;

/** What a resolv.conf says; without servers in it this host is asked, as resolv.conf(5) has it. */
export function readResolver(text: string, file = resolverFile): ResolverFile {
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

/** What this system's file says now. */
export function readResolverFile(file = resolverFile): ResolverFile {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // Without the file the resolver library asks this host, too.
  }
  return readResolver(text, file);
}
