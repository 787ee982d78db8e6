// A device on a simulated link: the responder of the demo link, which is written
// from RFC 6762 and not on top of mdns/, and the things that go wrong with real
// ones. A device may be slow, be switched off without a word, start anew, change
// its address, and own RRs that no printer has.

import { type Address, type Endpoint, type Family, parseAddress } from "../../src/address.js";
import {
  type DeviceService,
  type OwnRR,
  ownRRs,
  unique,
  withDenials,
} from "../../src/demo/device.js";
import { type Manners, Responder } from "../../src/demo/responder.js";
import type { Random } from "../../src/random.js";
import { earliest, type Instant, ms } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import type { RR } from "../../src/wire/rr.js";
import { Packet, type Station, sameEndpoint } from "./air.js";

export interface DevicePlan {
  readonly host: string;
  /** Last byte of its addresses; devices of one link have different ones. */
  readonly number: number;
  readonly families: readonly Family[];
  /** Also has link-local addresses, which must not leave the link. */
  readonly hasLinkLocal: boolean;
  readonly services: readonly DeviceService[];
  /** More unique RRs, of any type. */
  readonly extra: readonly RR[];
  /** TTL of its unique RRs, where it is not the usual 120 and 4500 s. */
  readonly uniqueTtlSeconds: number | undefined;
  /** TTL of its shared RRs: one for all devices of a link, or sets would be known in part. */
  readonly sharedTtlSeconds: number | undefined;
  readonly manners: Manners;
}

function addressesOf(plan: DevicePlan, number: number): readonly Address[] {
  const texts = plan.families.flatMap((family) => {
    if (family === "ipv4")
      return [`192.0.2.${number}`, ...(plan.hasLinkLocal ? [`169.254.7.${number}`] : [])];
    return [`2001:db8::${number}`, ...(plan.hasLinkLocal ? [`fe80::${number}`] : [])];
  });
  return texts.map((text) => parseAddress(text)!);
}

interface Mouth {
  readonly family: Family;
  readonly responder: Responder;
  source: Endpoint;
}

export class Device implements Station {
  readonly plan: DevicePlan;
  readonly #mouths: readonly Mouth[];
  #number: number;
  #isStranded = false;

  constructor(plan: DevicePlan, random: Random) {
    this.plan = plan;
    this.#number = plan.number;
    const rrs = this.#rrs();
    this.#mouths = plan.families.map((family) => ({
      family,
      responder: new Responder(rrs, family, random, plan.manners),
      source: sourceOf(family, this.#number),
    }));
  }

  /** What it owns, on the link or not; without denials. */
  get owned(): readonly OwnRR[] {
    return this.#mouths[0]!.responder.rrs.filter((own) => !own.isDenial);
  }

  /** What it owns while it is on the link. */
  get truth(): readonly OwnRR[] {
    const isThere = this.#mouths.some(({ responder }) => responder.isAnswering);
    return isThere ? this.owned : [];
  }

  start(now: Instant): void {
    for (const { responder } of this.#mouths) responder.start(now);
  }

  /** Says goodbye. */
  leave(now: Instant): void {
    for (const { responder } of this.#mouths) responder.leave(now);
  }

  /** Is switched off. */
  vanish(): void {
    for (const { responder } of this.#mouths) responder.vanish();
  }

  /** Gets other addresses and says so. */
  renumber(now: Instant, number: number): void {
    this.#number = number;
    const rrs = this.#rrs();
    for (const mouth of this.#mouths) {
      mouth.source = sourceOf(mouth.family, number);
      mouth.responder.replace(now, rrs);
    }
  }

  /** Has nothing but link-local addresses, or has the others again, and says so. */
  strand(now: Instant, isStranded: boolean): void {
    if (this.#isStranded === isStranded) return;
    this.#isStranded = isStranded;
    const rrs = this.#rrs();
    for (const mouth of this.#mouths) mouth.responder.replace(now, rrs);
  }

  hear(now: Instant, packet: Packet): void {
    const { message, family, source } = packet;
    if (message === undefined) return;
    const isMulticast = packet.to === "group";
    for (const mouth of this.#mouths) {
      if (mouth.family === family) mouth.responder.receive(now, { source, isMulticast, message });
    }
  }

  expire(now: Instant): void {
    for (const { responder } of this.#mouths) responder.expire(now);
  }

  nextDeadline(): Instant | undefined {
    let next: Instant | undefined;
    for (const { responder } of this.#mouths) next = earliest(next, responder.nextDeadline());
    return next;
  }

  takePackets(): readonly Packet[] {
    return this.#mouths.flatMap(({ family, source, responder }) =>
      responder.takeSaid().map(({ to, bytes }) => new Packet(family, source, to, bytes)),
    );
  }

  owns(endpoint: Endpoint): boolean {
    return this.#mouths.some(({ source }) => sameEndpoint(source, endpoint));
  }

  #rrs(): readonly OwnRR[] {
    const { plan } = this;
    const { host, services } = plan;
    const all = addressesOf({ ...plan, hasLinkLocal: true }, this.#number);
    const addresses = this.#isStranded
      ? all.filter(isLinkLocalAddress)
      : addressesOf(plan, this.#number);
    const own = ownRRs({ host, services, addresses });
    const extra = plan.extra.map(unique);
    const owned = withDenials([...own.filter((one) => !one.isDenial), ...extra]);
    return owned.map((one) => {
      const ttlSeconds = one.isUnique ? plan.uniqueTtlSeconds : plan.sharedTtlSeconds;
      return ttlSeconds === undefined ? one : { ...one, rr: { ...one.rr, ttlSeconds } };
    });
  }
}

function sourceOf(family: Family, number: number): Endpoint {
  const text = family === "ipv4" ? `192.0.2.${number}` : `fe80::${number}`;
  return { address: parseAddress(text)!, port: 5353 };
}

export const goodDevice: Manners = { probes: true, slowness: ms(0) };

const isLinkLocalAddress = ({ family, bytes }: Address): boolean =>
  family === "ipv4" ? bytes[0] === 169 : bytes[0] === 0xfe;

/** Whether somebody elsewhere could use it: the rule for addresses, written anew. */
export function isLinkLocal(rr: RR): boolean {
  const { rdata } = rr;
  if (rr.type === RRType.A && rdata.kind === "a") {
    return rdata.address[0] === 169 && rdata.address[1] === 254;
  }
  return rdata.kind === "aaaa" && rdata.address[0] === 0xfe && (rdata.address[1]! & 0xc0) === 0x80;
}
