// Links that live inside the program, such as the demo link: packets for their
// group are handed over instead of sent, and what their devices say comes back
// as if it had arrived on a socket. Their deadlines run on the driver's timer.

import type { Endpoint, Family, Prefix } from "../address.js";
import type { Input, LinkId } from "../engine/io.js";
import { earliest, type Instant } from "../time.js";

interface Datagram {
  readonly family: Family;
  readonly source: Endpoint;
  readonly bytes: Uint8Array;
}

/** A broadcast domain without a network. */
export interface VirtualLink {
  receive(now: Instant, datagram: Datagram): void;
  expire(now: Instant): void;
  nextDeadline(): Instant | undefined;
  takeDatagrams(): readonly (Datagram & { readonly isMulticast: boolean })[];
}

/** A virtual link and where discd stands on it. */
export interface VirtualPlace {
  readonly link: VirtualLink;
  readonly own: Readonly<Record<Family, Endpoint>>;
  readonly prefixes: readonly Prefix[];
  readonly mtu: number;
}

export class VirtualLinks {
  readonly #places: ReadonlyMap<LinkId, VirtualPlace>;
  /** Whether something was handed over since the last `takeInputs`. */
  #isStirred = false;
  #next: Instant | undefined;

  constructor(places: ReadonlyMap<LinkId, VirtualPlace>) {
    this.#places = places;
  }

  /** Whether a link is one of them. */
  has(link: LinkId): boolean {
    return this.#places.has(link);
  }

  /** The inputs that bring every virtual link up. */
  start(): readonly Input[] {
    this.#isStirred = true;
    return [...this.#places].map(([link, { prefixes, mtu }]) => {
      return { kind: "link-up", link, prefixes, mtu };
    });
  }

  /** Takes a packet for the group of a link; unicast to a device is not needed by anybody. */
  send(now: Instant, link: LinkId, family: Family, bytes: Uint8Array): void {
    const place = this.#places.get(link);
    place?.link.receive(now, { family, source: place.own[family], bytes });
    this.#isStirred = true;
  }

  expire(now: Instant): void {
    for (const { link } of this.#places.values()) {
      const next = link.nextDeadline();
      if (next === undefined || next > now) continue;
      link.expire(now);
      this.#isStirred = true;
    }
  }

  /** As of the last `takeInputs`. */
  nextDeadline(): Instant | undefined {
    return this.#next;
  }

  /** What the devices have said since last time. */
  takeInputs(): readonly Input[] {
    if (!this.#isStirred) return [];
    this.#isStirred = false;
    const inputs: Input[] = [];
    this.#next = undefined;
    for (const [link, place] of this.#places) {
      this.#next = earliest(this.#next, place.link.nextDeadline());
      for (const datagram of place.link.takeDatagrams()) {
        inputs.push({ kind: "multicast", link, ...datagram });
      }
    }
    return inputs;
  }
}
