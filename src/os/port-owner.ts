// Which program holds a port, for the one error message that everybody meets:
// the port is taken; and whether it is ours alone. Read from /proc; without root
// only one's own programs show by name, but everybody's sockets do.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Address } from "../address.js";

/** As /proc/net/udp spells it: 32-bit words in the byte order of the machine. */
function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (let word = 0; word < bytes.length; word += 4) {
    const four = Buffer.from(bytes.subarray(word, word + 4)).reverse();
    text += four.toString("hex").toUpperCase();
  }
  return text;
}

/** Inodes of sockets that are bound to the address, or to every address, at the port. */
function inodesAt(transport: "udp" | "tcp", address: Address, port: number): ReadonlySet<string> {
  const at = port.toString(16).toUpperCase().padStart(4, "0");
  const places = new Set(
    [hexOf(address.bytes), "0".repeat(8), "0".repeat(32)].map((text) => `${text}:${at}`),
  );
  const found = new Set<string>();
  for (const table of [transport, `${transport}6`]) {
    let text = "";
    try {
      text = readFileSync(`/proc/net/${table}`, "latin1");
    } catch {
      continue;
    }
    for (const line of text.split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      // TCP: 0A is LISTEN; a connection through the port is not what holds it.
      if (transport === "tcp" && fields[3] !== "0A") continue;
      if (places.has(fields[1] ?? "") && fields[9] !== undefined) found.add(fields[9]);
    }
  }
  return found;
}

/** `named (pid 812)`, if it can be seen. */
export function findPortOwner(
  transport: "udp" | "tcp",
  address: Address,
  port: number,
): string | undefined {
  const inodes = inodesAt(transport, address, port);
  if (inodes.size === 0) return undefined;
  for (const pid of entriesOf("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      for (const fd of entriesOf(`/proc/${pid}/fd`)) {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
        if (inode === undefined || !inodes.has(inode)) continue;
        return `${readFileSync(`/proc/${pid}/comm`, "utf8").trim()} (pid ${pid})`;
      }
    } catch {
      // Closed by now.
    }
  }
  return undefined;
}

/**
 * Whether this process alone has sockets at a UDP port, whatever their addresses: those of its
 * network namespace are seen, other users' among them. Cheap enough for a look every two seconds:
 * descriptors are read only when a socket appears.
 */
export class PortWatch {
  readonly #suffix: string;
  /** Sockets at the port by inode, and whether they are ours. */
  #known = new Map<string, boolean>();

  constructor(port: number) {
    this.#suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  }

  /** False too where it cannot be told. */
  isAlone(): boolean {
    let present: Set<string>;
    try {
      present = new Set(["udp", "udp6"].flatMap((table) => this.#inodes(table)));
    } catch {
      return false;
    }
    const isNews = [...present].some((inode) => !this.#known.has(inode));
    const ours = isNews ? ownSockets() : undefined;
    const known = [...present].map((inode) => {
      return [inode, this.#known.get(inode) ?? ours?.has(inode) ?? false] as const;
    });
    this.#known = new Map(known);
    return known.every(([, isOurs]) => isOurs);
  }

  #inodes(table: string): string[] {
    let text: string;
    try {
      text = readFileSync(`/proc/net/${table}`, "latin1");
    } catch (error) {
      // A kernel without IPv6 has no second table.
      if (table === "udp6") return [];
      throw error;
    }
    const inodes: string[] = [];
    for (const line of text.split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [, local = "", , , , , , , , inode] = fields;
      if (local.endsWith(this.#suffix) && inode !== undefined) inodes.push(inode);
    }
    return inodes;
  }
}

/** Inodes of the sockets that this process has open. */
function ownSockets(): ReadonlySet<string> {
  const inodes = new Set<string>();
  for (const fd of entriesOf("/proc/self/fd")) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // Closed by now.
    }
  }
  return inodes;
}

/** Another user's folder, or one that is gone by now, is empty. */
function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
