// Which programs of this host have sockets at the port of multicast DNS: discd
// lives beside others, but two that answer for the host quarrel about its name.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { pass, type Verdict, warn } from "./verdict.js";

export interface Holder {
  /** As in /proc/PID/comm; undefined: only root may see. */
  readonly program: string | undefined;
  readonly pids: readonly number[];
  readonly sockets: number;
}

/** Programs that answer for the host's own name, by /proc/PID/comm. */
const responders: Readonly<Record<string, string>> = {
  "avahi-daemon": "avahi-daemon",
  "systemd-resolve": "systemd-resolved",
  mdnsd: "mDNSResponder",
  mDNSResponder: "mDNSResponder",
};

export function judgeHolders(holders: readonly Holder[]): Verdict {
  const evidence = holders.map(({ program, pids, sockets }) => {
    const who = program === undefined ? "programs of others (root sees which)" : program;
    const at = pids.length === 0 ? "" : ` (pid ${pids.join(", ")})`;
    return `${who}${at}: ${sockets} socket${sockets === 1 ? "" : "s"}`;
  });
  const answering = holders.flatMap(({ program }) => responders[program ?? ""] ?? []);
  if (answering.length > 1) {
    const text = `${answering.join(" and ")} both answer for this host's name`;
    const remedy = [
      "let one of them do it: MulticastDNS=no in /etc/systemd/resolved.conf, or stop avahi-daemon;",
      "disallow-other-stacks=yes in avahi-daemon.conf keeps avahi from starting beside another, discd too",
    ];
    return warn("MDNS-STACKS", text, remedy, evidence);
  }
  if (holders.length === 0) return pass("no program listens to multicast DNS here");
  return pass("programs at port 5353 do not quarrel", evidence);
}

const mdnsPort = ":14E9";

/** Inodes of this network namespace's UDP sockets at port 5353. */
function inodesAtPort(): string[] {
  return ["udp", "udp6"].flatMap((table) => {
    try {
      const lines = readFileSync(`/proc/net/${table}`, "latin1").split("\n").slice(1);
      return lines.flatMap((line) => {
        const fields = line.trim().split(/\s+/);
        return fields[1]?.endsWith(mdnsPort) === true ? [fields[9] ?? ""] : [];
      });
    } catch {
      return [];
    }
  });
}

export function findHolders(): Holder[] {
  const left = new Set(inodesAtPort());
  const found = new Map<string, { pids: number[]; sockets: number }>();
  for (const pid of left.size === 0
    ? []
    : readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
    try {
      const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
        return /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1] ?? "";
      });
      const own = links.filter((inode) => left.has(inode));
      if (own.length === 0) continue;
      const program = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
      const known = found.get(program) ?? { pids: [], sockets: 0 };
      known.pids.push(Number(pid));
      known.sockets += own.length;
      found.set(program, known);
      for (const inode of own) left.delete(inode);
    } catch {
      // Somebody else's, or ended by now.
    }
  }
  const seen = [...found].map(([program, rest]) => ({ program, ...rest }));
  const unseen = left.size === 0 ? [] : [{ program: undefined, pids: [], sockets: left.size }];
  return [...seen, ...unseen];
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
