// The demo link: a broadcast domain inside the program, with a few devices that
// behave like real ones, so that discd has something to find on a machine
// without printers or network. It takes the packets that would go to the group
// and gives the packets that would come from it; no socket is involved.

import type { Endpoint, Family } from "../address.js";
import { assert } from "../assert.js";
import { Deadlines } from "../deadlines.js";
import { below, type Random } from "../random.js";
import { after, earliest, type Instant, ms } from "../time.js";
import { FormatError } from "../wire/errors.js";
import { decodeMessage, type Message } from "../wire/message.js";
import { cast, type Player } from "./cast.js";
import { ownRRs } from "./device.js";
import { Responder } from "./responder.js";

/** An mDNS packet that discd sends. */
export interface ToDemoLink {
  readonly family: Family;
  readonly source: Endpoint;
  readonly bytes: Uint8Array;
}

/** An mDNS packet that a device sends and discd hears. */
export interface FromDemoLink {
  readonly family: Family;
  readonly source: Endpoint;
  /** False for an answer to a question that asked for unicast. */
  readonly isMulticast: boolean;
  readonly bytes: Uint8Array;
}

interface Mouth {
  readonly player: Player;
  readonly responder: Responder;
  readonly source: Endpoint;
}

/** Devices start within this time, not all at once. */
const startWithin = ms(800);

const mdnsPort = 5353;

export class DemoLink {
  readonly #mouths: readonly Mouth[];
  readonly #visits = new Deadlines<Player>();
  readonly #present = new Set<Player>();
  #heard: FromDemoLink[] = [];

  constructor(now: Instant, random: Random, players: readonly Player[] = cast) {
    this.#mouths = players.flatMap((player) => {
      const rrs = ownRRs(player.device);
      return player.families.map((family) => {
        const responder = new Responder(rrs, family, random);
        return { player, responder, source: { address: sourceOf(player, family), port: mdnsPort } };
      });
    });
    for (const player of players) {
      this.#visits.set(player, after(now, ms(below(random, startWithin))));
    }
  }

  /** A packet of discd's for the group; every device of that family hears it. */
  receive(now: Instant, { family, source, bytes }: ToDemoLink): void {
    const message = decoded(bytes);
    if (message !== undefined) this.#deliver(now, family, source, true, message);
    this.#settle(now);
  }

  expire(now: Instant): void {
    for (;;) {
      const player = this.#visits.takeDue(now);
      if (player === undefined) break;
      this.#comeOrGo(now, player);
    }
    for (const { responder } of this.#mouths) responder.expire(now);
    this.#settle(now);
  }

  nextDeadline(): Instant | undefined {
    let next = this.#visits.next();
    for (const { responder } of this.#mouths) next = earliest(next, responder.nextDeadline());
    return next;
  }

  /** What discd hears of it, in order; each packet once. */
  takeDatagrams(): readonly FromDemoLink[] {
    const heard = this.#heard;
    if (heard.length > 0) this.#heard = [];
    return heard;
  }

  /** Every device says goodbye. */
  stop(now: Instant): void {
    for (const { responder } of this.#mouths) responder.leave(now);
    for (const player of [...this.#present]) this.#visits.clear(player);
    this.#settle(now);
  }

  #comeOrGo(now: Instant, player: Player): void {
    const isComing = !this.#present.has(player);
    for (const mouth of this.#mouths) {
      if (mouth.player !== player) continue;
      if (isComing) mouth.responder.start(now);
      else mouth.responder.leave(now);
    }
    if (isComing) this.#present.add(player);
    else this.#present.delete(player);
    const { visits } = player;
    if (visits !== undefined) {
      this.#visits.set(player, after(now, isComing ? visits.here : visits.away));
    }
  }

  /** Passes what devices say on, to discd and to the other devices, until all are silent. */
  #settle(now: Instant): void {
    for (const mouth of this.#mouths) {
      for (const { to, bytes } of mouth.responder.takeSaid()) {
        const isMulticast = to === "group";
        const { family } = mouth.responder;
        this.#heard.push({ family, source: mouth.source, isMulticast, bytes });
        if (!isMulticast) continue;
        const message = decodeMessage(bytes);
        // Hearing never makes a device speak at once, so one round is enough.
        this.#deliver(now, family, mouth.source, true, message, mouth);
      }
    }
  }

  #deliver(
    now: Instant,
    family: Family,
    source: Endpoint,
    isMulticast: boolean,
    message: Message,
    speaker?: Mouth,
  ): void {
    for (const mouth of this.#mouths) {
      if (mouth === speaker || mouth.responder.family !== family) continue;
      mouth.responder.receive(now, { source, isMulticast, message });
    }
  }
}

function decoded(bytes: Uint8Array): Message | undefined {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** IPv6 hosts speak from their link-local address, where they have one. */
function sourceOf(player: Player, family: Family) {
  const mine = player.device.addresses.filter((address) => address.family === family);
  const linkLocal = mine.find(({ bytes }) => bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80);
  const source = linkLocal ?? mine[0];
  assert(source !== undefined, "a device has an address of each family it speaks");
  return source;
}
