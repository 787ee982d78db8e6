// Multicast DNS packets by the host that sent them, or that they were sent to: who
// on a link asks, who answers, and whom we asked or answered by unicast.

import { type Address, parseAddress } from "../address.js";
import type { HostView } from "../api/shapes.js";

/** Addresses of one link that are counted; the one that was silent longest makes room. */
export const countedHostsMax = 4_096;

type Packets = HostView["mdns"];
type Count = { -readonly [K in keyof Packets]: number };

export class HostPackets {
  /** By the bytes of the address; the one that was counted last is the last. */
  readonly #counts = new Map<string, Count>();

  heard({ bytes: from }: Address, message: Uint8Array): void {
    const count = this.#countOf(keyOf(from));
    if (isResponse(message)) count.responsesIn += 1;
    else count.queriesIn += 1;
  }

  /** By unicast. */
  sent({ bytes: to }: Address, message: Uint8Array): void {
    const count = this.#countOf(keyOf(to));
    if (isResponse(message)) count.responsesOut += 1;
    else count.queriesOut += 1;
  }

  /** Of all addresses of a host together, as text. */
  of(addresses: readonly string[]): Packets {
    const sum = none();
    for (const text of addresses) {
      const address = parseAddress(text);
      const count = address === undefined ? undefined : this.#counts.get(keyOf(address.bytes));
      if (count === undefined) continue;
      for (const key of Object.keys(sum) as (keyof Count)[]) sum[key] += count[key];
    }
    return sum;
  }

  get size(): number {
    return this.#counts.size;
  }

  #countOf(key: string): Count {
    const count = this.#counts.get(key) ?? none();
    this.#counts.delete(key);
    if (this.#counts.size >= countedHostsMax) {
      const [oldest] = this.#counts.keys();
      if (oldest !== undefined) this.#counts.delete(oldest);
    }
    this.#counts.set(key, count);
    return count;
  }
}

const none = (): Count => ({ queriesIn: 0, responsesIn: 0, queriesOut: 0, responsesOut: 0 });

const keyOf = (bytes: Uint8Array): string => bytes.join(".");

/** The QR bit. */
const isResponse = (message: Uint8Array): boolean => ((message[2] ?? 0) & 0x80) !== 0;
