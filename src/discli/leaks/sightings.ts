// The packets of a run that hold its word, and where each of them passed.

import type { PresentInterface } from "../../os/interfaces.js";
import type { PassedPacket } from "../../os/packets.js";
import { readIpPacket } from "./ip-packet.js";
import { sideOf } from "./labels.js";
import type { Sighting } from "./verdict.js";

/** Packets kept as proof: a resolver that cannot stop asking fills no disk. */
export const packetsMax = 10_000;

export class Sightings {
  readonly all: Sighting[] = [];
  readonly packets: PassedPacket[] = [];
  /** Packets that were not kept, since there were too many. */
  passedOver = 0;
  readonly #word: string;
  readonly #interfaces: ReadonlyMap<number, PresentInterface>;

  constructor(word: string, interfaces: readonly PresentInterface[]) {
    this.#word = word;
    this.#interfaces = new Map(interfaces.map((one) => [one.index, one]));
  }

  /** @param passed  its bytes are only good until this returns */
  heard(passed: PassedPacket): void {
    const side = sideOf(passed.bytes, this.#word);
    if (side === undefined) return;
    if (this.packets.length >= packetsMax) {
      this.passedOver += 1;
      return;
    }
    const kept = { ...passed, bytes: passed.bytes.slice() };
    const packet = readIpPacket(kept.protocol, kept.bytes);
    const place = this.#interfaces.get(kept.interface);
    this.packets.push(kept);
    this.all.push({
      at: kept.at,
      interface: place?.name ?? `interface ${kept.interface}`,
      isLoopback: place?.isLoopback ?? false,
      isOutgoing: kept.isOutgoing,
      side,
      ...(packet === undefined ? {} : { packet }),
    });
  }
}
