// One simulated link: stations that hear each other over air that loses, delays,
// doubles and reorders, in each direction on its own. The engine is one of those
// who hear; its own packets come back to it, as multicast loopback does.

import { type Endpoint, type Family, parseAddress } from "../../src/address.js";
import { after, earliest, type Instant, ms } from "../../src/time.js";
import { FormatError } from "../../src/wire/errors.js";
import { decodePartial, type Message } from "../../src/wire/message.js";
import type { Agenda } from "./agenda.js";
import type { Chance } from "./chance.js";

/** One packet in the air. It is decoded once for all who hear it. */
export class Packet {
  readonly family: Family;
  readonly source: Endpoint;
  readonly to: "group" | Endpoint;
  readonly bytes: Uint8Array;
  #message: Message | undefined | "unread" = "unread";

  constructor(family: Family, source: Endpoint, to: "group" | Endpoint, bytes: Uint8Array) {
    this.family = family;
    this.source = source;
    this.to = to;
    this.bytes = bytes;
  }

  /** What can be read of it; undefined when not even the header can. */
  get message(): Message | undefined {
    if (this.#message === "unread") this.#message = readable(this.bytes);
    return this.#message;
  }
}

function readable(bytes: Uint8Array): Message | undefined {
  try {
    return decodePartial(bytes).message;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Anything on the link but the engine. */
export interface Station {
  hear(now: Instant, packet: Packet): void;
  expire(now: Instant): void;
  nextDeadline(): Instant | undefined;
  takePackets(): readonly Packet[];
  /** Whether a unicast packet to this address is for it. */
  owns(endpoint: Endpoint): boolean;
}

export interface Faults {
  /** Probabilities, 0 to 1. */
  readonly loss: number;
  readonly doubling: number;
  /** A packet that comes much later than those after it. */
  readonly straying: number;
  /** Milliseconds. */
  readonly jitter: number;
}

export const calm: Faults = { loss: 0, doubling: 0, straying: 0, jitter: 0 };

/** What the faults of one direction concern: to the engine, or to the stations. */
export type Direction = "in" | "out";

export const proxyAddress: Readonly<Record<Family, Endpoint>> = {
  ipv4: { address: parseAddress("192.0.2.250")!, port: 5353 },
  ipv6: { address: parseAddress("fe80::250")!, port: 5353 },
};

export const isEngineAddress = (endpoint: Endpoint) =>
  sameEndpoint(endpoint, proxyAddress.ipv4) || sameEndpoint(endpoint, proxyAddress.ipv6);

export class Air {
  readonly id: string;
  readonly stations: Station[] = [];
  readonly faults: Record<Direction, Faults> = { in: calm, out: calm };
  /** Nothing passes in this direction. */
  readonly outage: Record<Direction, boolean> = { in: false, out: false };
  /** Whether the engine's interface carries packets. */
  isUp = true;
  readonly #agenda: Agenda;
  readonly #chance: Chance;
  readonly #toEngine: (packet: Packet) => void;

  constructor(id: string, agenda: Agenda, chance: Chance, toEngine: (packet: Packet) => void) {
    this.id = id;
    this.#agenda = agenda;
    this.#chance = chance;
    this.#toEngine = toEngine;
  }

  /** The engine sends. */
  sendFromEngine(now: Instant, family: Family, to: "group" | Endpoint, bytes: Uint8Array): void {
    if (!this.isUp) return;
    const packet = new Packet(family, proxyAddress[family], to, bytes);
    if (to === "group") this.#arrive(now, 1, () => this.#engineHears(packet));
    this.#spread(now, packet, undefined);
  }

  expire(now: Instant): void {
    for (const station of this.stations) {
      const due = station.nextDeadline();
      if (due !== undefined && due <= now) station.expire(now);
      this.#collect(now, station);
    }
  }

  nextDeadline(): Instant | undefined {
    let next: Instant | undefined;
    for (const station of this.stations) next = earliest(next, station.nextDeadline());
    return next;
  }

  #collect(now: Instant, station: Station): void {
    for (const packet of station.takePackets()) {
      if (packet.to === "group" || isEngineAddress(packet.to)) {
        this.#pass(now, "in", () => this.#engineHears(packet));
      }
      this.#spread(now, packet, station);
    }
  }

  #engineHears(packet: Packet): void {
    if (this.isUp) this.#toEngine(packet);
  }

  #spread(now: Instant, packet: Packet, speaker: Station | undefined): void {
    for (const station of this.stations) {
      if (station === speaker) continue;
      if (packet.to !== "group" && !station.owns(packet.to)) continue;
      this.#pass(now, "out", (at) => {
        station.hear(at, packet);
        this.#collect(at, station);
      });
    }
  }

  #pass(now: Instant, direction: Direction, arrive: (at: Instant) => void): void {
    const { loss, doubling, straying, jitter } = this.faults[direction];
    if (this.outage[direction] || this.#chance.is(loss)) return;
    const copies = this.#chance.is(doubling) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const late = this.#chance.is(straying) ? 100 + this.#chance.below(900) : 0;
      this.#arrive(now, 1 + this.#chance.below(jitter + 1) + late, arrive);
    }
  }

  #arrive(now: Instant, delay: number, arrive: (at: Instant) => void): void {
    const at = after(now, ms(delay));
    this.#agenda.plan(at, () => arrive(at));
  }
}

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  const [x, y] = [a.address.bytes, b.address.bytes];
  return a.port === b.port && x.length === y.length && x.every((byte, at) => byte === y[at]);
}
