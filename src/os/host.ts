// What this host is called.

import { readFileSync } from "node:fs";
import { hostname } from "node:os";

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

function readHosts(): string {
  try {
    return readFileSync("/etc/hosts", "utf8");
  } catch {
    return "";
  }
}
