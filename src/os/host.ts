// What this host is called.

import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { domainToASCII } from "node:url";

/**
 * The host's fully qualified name where it is known without asking a server: the host name
 * itself, or its canonical form in /etc/hosts. Otherwise the host name, which has no dot.
 */
export function findHostName(hosts = readHosts(), name = hostname()): string {
  if (name.includes(".")) return name;
  for (const line of hosts.split("\n")) {
    const [, canonical, ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    const isOurs = [canonical, ...aliases].includes(name);
    if (isOurs && canonical?.startsWith(`${name}.`)) return canonical;
  }
  return name;
}

/**
 * Names as the Host field of a request may have them, in small letters and without a final dot:
 * as they are, and as browsers send what is not ASCII, in Punycode (RFC 3492).
 */
export function hostFields(names: readonly string[]): ReadonlySet<string> {
  const both = names.flatMap((name) => [name.toLowerCase(), domainToASCII(name)]);
  // Empty: the name is none that a browser would ask for.
  return new Set(both.map((name) => name.replace(/\.$/, "")).filter((name) => name !== ""));
}

function readHosts(): string {
  try {
    return readFileSync("/etc/hosts", "utf8");
  } catch {
    return "";
  }
}
