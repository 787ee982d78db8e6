// One zone that is kept, and the connection to its primary. Everything that
// stands in the zone because of us goes through here, whichever subdomains it
// belongs to, so that one message is under way at a time (UP-62) and what two of
// them write is known as wanted by both (UP-56).

import { type Endpoint, formatAddress } from "../address.js";
import type { Counts } from "../counts.js";
import type { Log } from "../log.js";
import type { Random } from "../random.js";
import { after, earliest, type Instant } from "../time.js";
import { displayName, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { Note } from "./journal.js";
import { afterlifeMax, journalNotesMin } from "./limits.js";
import type { Offer } from "./offer.js";
import type { TlsTrust } from "./options.js";
import { hasSameServers, type Primary } from "./primary.js";
import { Publisher } from "./publisher.js";
import type { PublisherSettings, PublisherState } from "./settings.js";

/** How the other end of a dial has to prove who it is. */
export interface DialTls {
  /** For SNI and the certificate; undefined where only an address is known. */
  readonly serverName: string | undefined;
  /** Certificates of authorities in PEM; absent: the system's. */
  readonly ca?: string;
  /** SHA-256 of public keys in Base64; with any, nothing else is trusted. */
  readonly pins: readonly string[];
}

export type PostEffect =
  | {
      readonly kind: "dial";
      readonly dial: number;
      readonly endpoint: Endpoint;
      readonly tls?: DialTls;
    }
  | { readonly kind: "dial-write"; readonly dial: number; readonly bytes: Uint8Array }
  | { readonly kind: "dial-close"; readonly dial: number }
  | { readonly kind: "remember"; readonly zone: Name; readonly notes: readonly Note[] }
  | { readonly kind: "snapshot"; readonly zone: Name; readonly own: readonly RR[] };

/** Where the zone is updated, and whom to believe there. */
export interface Station {
  readonly primary: Primary;
  readonly tls: TlsTrust;
}

export class Post {
  readonly zone: Name;
  /** Key of the subdomain whose search tells where the zone is updated. */
  owner: string;
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #log: Log;
  readonly #nextDial: () => number;
  #settings: PublisherSettings;
  #publisher: Publisher;
  #station: Station;
  #dial: number | undefined;
  #endpoint: Endpoint | undefined;
  /** Which of the primary's endpoints is used. */
  #turn = 0;
  /** What each subdomain has put here, by the keys of its offers. */
  readonly #placed = new Map<string, Map<string, Offer>>();
  #notes = 0;
  #snapshotAt = journalNotesMin;
  #retiresBy: Instant | undefined;
  #effects: PostEffect[] = [];

  /**
   * @param owner     key of the subdomain that brings it
   * @param own       what the state file holds
   * @param nextDial  a number for a connection, never used before
   */
  constructor(
    now: Instant,
    owner: string,
    station: Station,
    settings: PublisherSettings,
    own: readonly RR[],
    nextDial: () => number,
    random: Random,
    counts: Counts,
    log: Log,
  ) {
    this.zone = settings.zone;
    this.owner = owner;
    this.#station = station;
    this.#settings = settings;
    this.#nextDial = nextDial;
    this.#random = random;
    this.#counts = counts;
    this.#log = log;
    this.#publisher = this.#begin(now, own);
  }

  get station(): Station {
    return this.#station;
  }

  /** Whether all that is wanted is acknowledged, and nothing under way. */
  get isSettled(): boolean {
    return this.#publisher.isSettled;
  }

  /** Whether the zone takes no updates at the moment (UP-13). */
  get isTurnedDown(): boolean {
    return this.#publisher.isTurnedDown;
  }

  /** Everything of ours in the zone, for its state file. */
  own(): readonly RR[] {
    return [...this.#publisher.own()];
  }

  state(): PublisherState {
    return this.#publisher.state();
  }

  /** Puts an offer of a subdomain into the zone; one without records takes it back. */
  place(now: Instant, subdomain: string, offer: Offer): void {
    let placed = this.#placed.get(subdomain);
    if (placed === undefined) {
      placed = new Map();
      this.#placed.set(subdomain, placed);
    }
    if (offer.rrs.length > 0) placed.set(offer.key, offer);
    else placed.delete(offer.key);
    this.#publisher.offer(now, inZone(subdomain, offer));
  }

  /** All that a subdomain has here, and nothing else of it. */
  fill(now: Instant, subdomain: string, offers: ReadonlyMap<string, Offer>): void {
    for (const offer of [...(this.#placed.get(subdomain)?.values() ?? [])]) {
      if (!offers.has(offer.key)) this.place(now, subdomain, { ...offer, rrs: [] });
    }
    for (const offer of offers.values()) this.place(now, subdomain, offer);
  }

  /** Takes back all that a subdomain has put here. */
  vacate(now: Instant, subdomain: string): void {
    this.fill(now, subdomain, new Map());
    this.#placed.delete(subdomain);
  }

  /** Other settings; what is known of the zone, and wanted in it, stays. */
  configure(now: Instant, settings: PublisherSettings): void {
    const isOtherType = settings.timeoutType !== this.#settings.timeoutType;
    this.#settings = settings;
    if (!isOtherType) {
      this.#publisher.configure(now, settings);
      return;
    }
    // What carries the old number is no TIMEOUT any more: as after a restart.
    const own = this.own();
    this.#hangUp();
    this.#publisher = this.#begin(now, own);
    for (const [subdomain, offers] of this.#placed) this.fill(now, subdomain, offers);
  }

  /** The zone is updated elsewhere, or somebody else is to be believed there. */
  redirect(now: Instant, station: Station): void {
    const { primary } = this.#station;
    this.#station = station;
    if (hasSameServers(primary, station.primary)) return;
    this.#turn = 0;
    const stays = station.primary.endpoints.some(
      (endpoint) => this.#endpoint !== undefined && textOf(endpoint) === textOf(this.#endpoint),
    );
    if (stays && primary.isTls === station.primary.isTls) return;
    if (this.#dial === undefined) return;
    this.#hangUp();
    this.#publisher.closed(now, "the zone is updated elsewhere now");
  }

  has(dial: number): boolean {
    return this.#dial === dial;
  }

  opened(now: Instant): void {
    this.#publisher.opened(now);
  }

  received(now: Instant, bytes: Uint8Array): void {
    this.#publisher.received(now, bytes);
  }

  /** The connection ended, or could not be had: the next server's turn (UP-20). */
  closed(now: Instant, reason: string): void {
    this.#dial = undefined;
    this.#turn += 1;
    this.#publisher.closed(now, reason);
  }

  expire(now: Instant): void {
    this.#publisher.expire(now);
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#publisher.nextDeadline(), this.#retiresBy);
  }

  /**
   * Whether the zone can be left, now that no subdomain is in it: when nothing of ours is there any
   * more, or after a day in which its server did not take that. What another proxy was about to
   * leave at the same moment may be left to our TIMEOUTs; they are seen to their end, as long.
   */
  isDone(now: Instant): boolean {
    this.#retiresBy ??= after(now, afterlifeMax);
    if (this.#publisher.isSettled && this.#publisher.isBare) return true;
    return now >= this.#retiresBy;
  }

  /** A subdomain is in it (again). */
  stay(): void {
    this.#retiresBy = undefined;
  }

  /** What the edge is to do, in this order; drains it. */
  takeEffects(): readonly PostEffect[] {
    this.#forward();
    return this.#effects.splice(0);
  }

  /** Ends the connection, if there is one. */
  end(): readonly PostEffect[] {
    this.#forward();
    this.#hangUp();
    return this.#effects.splice(0);
  }

  #begin(now: Instant, own: readonly RR[]): Publisher {
    const publisher = new Publisher(this.#settings, this.#random, this.#counts, this.#log);
    publisher.restore(own);
    publisher.start(now);
    return publisher;
  }

  #hangUp(): void {
    if (this.#dial !== undefined) this.#effects.push({ kind: "dial-close", dial: this.#dial });
    this.#dial = undefined;
  }

  #forward(): void {
    this.#note(this.#publisher.takeNotes());
    for (const effect of this.#publisher.takeEffects()) {
      switch (effect.kind) {
        case "write":
          if (this.#dial === undefined) break;
          this.#effects.push({ kind: "dial-write", dial: this.#dial, bytes: effect.bytes });
          break;
        case "close":
          if (effect.isFault) this.#turn += 1;
          this.#hangUp();
          break;
        case "open":
          this.#open();
          break;
      }
    }
  }

  #note(notes: readonly Note[]): void {
    if (notes.length === 0) return;
    const { zone } = this;
    this.#effects.push({ kind: "remember", zone, notes });
    this.#notes += notes.length;
    if (this.#notes < this.#snapshotAt) return;
    const own = this.own();
    this.#effects.push({ kind: "snapshot", zone, own });
    this.#notes = 0;
    this.#snapshotAt = Math.max(journalNotesMin, own.length);
  }

  #open(): void {
    const { primary, tls } = this.#station;
    const { endpoints, serverName } = primary;
    const endpoint = endpoints[this.#turn % endpoints.length] as Endpoint;
    const dial = this.#nextDial();
    this.#dial = dial;
    this.#endpoint = endpoint;
    if (!primary.isTls) {
      this.#effects.push({ kind: "dial", dial, endpoint });
      return;
    }
    const name = tls.name ?? (serverName && displayName(serverName));
    const { ca, pins } = tls;
    const proof = { serverName: name, pins, ...(ca === undefined ? {} : { ca }) };
    this.#effects.push({ kind: "dial", dial, endpoint, tls: proof });
  }
}

const textOf = ({ address, port }: Endpoint) => `${formatAddress(address)} ${port}`;

/** One link may be published under several subdomains of one zone (UP-10). */
function inZone(subdomain: string, offer: Offer): Offer {
  return { ...offer, key: `${offer.key} ${subdomain}` };
}
