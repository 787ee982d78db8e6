// Stories of update mode: the real engine on links with devices, a DNS that its
// lookups are answered from, primaries that it dials, and state files that outlive
// it. Bytes go between them, and take a few milliseconds.

import { formatAddress, type Prefix, parsePrefix } from "../../src/address.js";
import type { EngineConfig } from "../../src/engine/config.js";
import type { Effect, Input, Lookup } from "../../src/engine/io.js";
import { ms } from "../../src/time.js";
import { formatNote, readJournal, snapshotOf } from "../../src/update/journal.js";
import type { PublishedZone, UpdateTarget } from "../../src/update/options.js";
import { encodeFrame, FrameReader } from "../../src/wire/frame.js";
import { decodeMessage } from "../../src/wire/message.js";
import { isWithin, type Name, parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { parseRR } from "../../src/wire/text.js";
import { epoch, Primary, secret } from "../update/primary.js";
import { anyone, linkPrefixes, World } from "./story.js";
import type { LinkSetting } from "./story-link.js";

const key = { name: parseName("discd-link1.example"), algorithm: "hmac-sha256", secret } as const;

/** One way to what is on the wire: from the engine and back. */
const latency = ms(5);

export function target(subdomain: string, changes: Partial<UpdateTarget> = {}): UpdateTarget {
  return {
    subdomain: parseName(subdomain),
    primary: {
      subdomain: parseName(subdomain),
      domain: undefined,
      server: undefined,
      transport: undefined,
      zone: undefined,
      within: [parseName("discd.test")],
      ...changes.primary,
    },
    key,
    keys: [],
    allowsUnauthenticated: false,
    tls: { pins: [] },
    lifetime: "timeout",
    timeoutType: 65280,
    trustsClock: false,
    withdrawOnExit: false,
    ...changes,
  };
}

/** A link as it is published unless told otherwise: no domain around it, no networks. */
export function published(
  link: string,
  subdomain: string,
  changes: Partial<PublishedZone> & { readonly within?: readonly string[] } = {},
): PublishedZone {
  const name = parseName(subdomain);
  const usual = target(subdomain);
  const within = (changes.within ?? ["discd.test"]).map(parseName);
  return {
    served: {
      link,
      service: name,
      host: name,
      aliases: [],
      reverse: [],
      allow: anyone,
      services: { default: "allow", allow: [], deny: [] },
      translate: [],
      wait: ms(6000),
      gather: ms(200),
      ttlSeconds: 10,
      suppress: true,
      networks: linkPrefixes,
    },
    source: "config",
    domain: undefined,
    networks: [],
    ttlSecondsMax: 120,
    target: { ...usual, primary: { ...usual.primary, within, domain: changes.domain } },
    ...changes,
  };
}

export const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;

/** A printer as it speaks on its link. */
export function printer(instance: string, host = instance.toLowerCase(), last = 7): string {
  return `
    _services._dns-sd._udp.local. 4500 PTR _ipp._tcp.local.
    _ipp._tcp.local. 4500 PTR ${instance}._ipp._tcp.local.
    ${instance}._ipp._tcp.local. 120 SRV 0 0 631 ${host}.local.
    ${instance}._ipp._tcp.local. 4500 TXT "paper=A4"
    ${host}.local. 120 A 203.0.113.${last}`;
}

/** The same in a zone, as `Primary.lines` gives it. */
export function printerLines(
  zone: string,
  instance: string,
  host = instance.toLowerCase(),
  last = 7,
) {
  return [
    `${host}.${zone}. 120 A 203.0.113.${last}`,
    `${instance}._ipp._tcp.${zone}. 120 SRV 0 0 631 ${host}.${zone}.`,
    `${instance}._ipp._tcp.${zone}. 120 TXT "paper=A4"`,
    `_ipp._tcp.${zone}. 120 PTR ${instance}._ipp._tcp.${zone}.`,
    `_services._dns-sd._udp.${zone}. 120 PTR _ipp._tcp.${zone}.`,
  ].sort();
}

/** Lists to browse that lead to a subdomain, at a place. */
export const listLines = (place: string, subdomain: string): string[] =>
  ["b", "db", "lb"].map((kind) => `${kind}._dns-sd._udp.${place}. 120 PTR ${subdomain}.`);

/** A name server with several zones; down, it refuses connections. */
export class Server {
  readonly zones: Primary[];
  isDown = false;
  /** Connections accepted. */
  connections = 0;

  constructor(...zones: readonly Primary[]) {
    this.zones = [...zones];
  }

  answer(second: number, request: Uint8Array): readonly Uint8Array[] | undefined {
    const name = decodeMessage(request).questions[0]?.name as Name;
    const fitting = this.zones.filter(({ apex }) => isWithin(name, apex));
    fitting.sort((a, b) => b.apex.labels.length - a.apex.labels.length);
    return fitting[0]?.answer(second, request) ?? [];
  }
}

interface Dialled {
  readonly server: Server | undefined;
  readonly endpoint: string;
}

export class UpdateWorld extends World {
  /** By link. */
  readonly published = new Map<string, readonly PublishedZone[]>();
  readonly servers = new Map<string, Server>();
  /** What the resolver knows, as zone-file lines; SOAs tell which zones there are. */
  dns: string[] = [];
  /** Questions of lookups, as `type name`. */
  readonly lookups: string[] = [];
  /** Where connections went, in order. */
  readonly dials: string[] = [];
  /** State files by zone, as lines. */
  readonly journals = new Map<string, { readonly zone: Name; lines: string[] }>();
  readonly snapshots: string[] = [];
  /** Connections open at once, at most. */
  mostOpen = 0;
  isTrusted = true;
  readonly #open = new Map<number, Dialled>();
  #run = 0;
  #isBegun = false;

  /** A server at an address, and what the DNS says of its zones. */
  server(address: string, ...apexes: readonly string[]): Server {
    const server = new Server(...apexes.map((apex) => new Primary(apex)));
    this.servers.set(address, server);
    for (const apex of apexes) {
      this.dns.push(`${apex} 60 SOA ns1.${apex} root.${apex} 1 1 1 1 1`);
      this.dns.push(`ns1.${apex} 60 A ${address}`);
    }
    return server;
  }

  /** A link in mode "update". */
  publish(id: string, zones: readonly PublishedZone[], setting: LinkSetting = {}) {
    this.published.set(id, zones);
    return this.link(id, { served: false, ...setting });
  }

  /** Other settings for a link, told to the engine. */
  republish(id: string, zones: readonly PublishedZone[]): void {
    this.published.set(id, zones);
    this.reconfigure();
  }

  override config(): EngineConfig {
    const config = super.config();
    const links = config.links.map((link) => {
      const zones = this.published.get(link.id);
      return zones === undefined ? link : { ...link, published: zones };
    });
    return { ...config, links };
  }

  override input(input: Input): readonly Effect[] {
    if (!this.#isBegun) this.#begin();
    const effects = super.input(input);
    for (const effect of effects) this.#serve(effect);
    return effects;
  }

  /** Killed and started again: only the state files are left. Links come up at once. */
  restart(): void {
    this.kill();
    this.#run += 1;
    this.#open.clear();
    this.#isBegun = false;
    for (const link of this.links.values()) link.up();
  }

  /** Whether a connection of ours is open, or being opened. */
  get isConnected(): boolean {
    return this.#open.size > 0;
  }

  tellWallClock(): void {
    const origin = epoch * 1000 - this.began;
    this.input({ kind: "wall-clock", origin, isTrusted: this.isTrusted });
  }

  #begin(): void {
    this.#isBegun = true;
    this.tellWallClock();
    for (const { zone, lines } of this.journals.values()) {
      this.input({ kind: "restore", zone, own: readJournal(lines).own });
    }
  }

  #serve(effect: Effect): void {
    switch (effect.kind) {
      case "look-up":
        this.#lookUp(effect.question);
        break;
      case "dial":
        this.#dial(effect);
        break;
      case "dial-write":
        this.#write(effect.dial, effect.bytes);
        break;
      case "dial-close":
        this.#open.delete(effect.dial);
        break;
      case "remember":
        this.#journal(effect.zone).lines.push(...effect.notes.map(formatNote));
        break;
      case "snapshot":
        this.snapshots.push(effect.zone.labels.join("."));
        this.#journal(effect.zone).lines = snapshotOf(effect.own);
        break;
    }
  }

  #journal(zone: Name) {
    let journal = this.journals.get(zone.key);
    if (journal === undefined) {
      journal = { zone, lines: [] };
      this.journals.set(zone.key, journal);
    }
    return journal;
  }

  #lookUp(question: Lookup): void {
    this.lookups.push(`${question.type} ${question.name.labels.join(".")}`);
    const run = this.#run;
    this.plan(latency, () => {
      if (run !== this.#run) return;
      const { rcode, answers, authorities } = this.#resolve(question);
      this.input({ kind: "looked-up", question, answer: { rcode, answers, authorities } });
    });
  }

  #resolve({ name, type }: Lookup) {
    const rrs = this.dns.map(parseRR);
    const at = rrs.filter((rr) => rr.name.key === name.key);
    const answers = at.filter((rr) => rr.type === type);
    const soas = rrs.filter((rr) => rr.type === 6 && isWithin(name, rr.name));
    soas.sort((a: RR, b: RR) => b.name.labels.length - a.name.labels.length);
    const authorities = answers.length > 0 ? [] : soas.slice(0, 1);
    return { rcode: at.length > 0 ? 0 : 3, answers, authorities };
  }

  #dial({ dial, endpoint }: Extract<Effect, { kind: "dial" }>): void {
    const address = formatAddress(endpoint.address);
    const server = this.servers.get(address);
    this.dials.push(`${address} ${endpoint.port}`);
    this.#open.set(dial, { server, endpoint: address });
    this.mostOpen = Math.max(this.mostOpen, this.#open.size);
    this.#later(dial, () => {
      if (server === undefined || server.isDown) {
        this.#hangUp(dial, "connection refused");
        return;
      }
      server.connections += 1;
      this.input({ kind: "dial-opened", dial });
    });
  }

  #write(dial: number, bytes: Uint8Array): void {
    const frames = new FrameReader();
    frames.push(bytes);
    const request = frames.take();
    if (request === undefined || frames.size > 0) throw new Error("not one message in one piece");
    const server = this.#open.get(dial)?.server;
    if (server === undefined) throw new Error("written to what is not open");
    const answers = server.isDown ? undefined : server.answer(this.seconds, request);
    this.#later(dial, () => {
      if (answers === undefined) this.#hangUp(dial, "connection reset");
      for (const answer of answers ?? []) {
        if (this.#open.has(dial))
          this.input({ kind: "dial-bytes", dial, bytes: encodeFrame(answer) });
      }
    });
  }

  #hangUp(dial: number, reason: string): void {
    this.#open.delete(dial);
    this.input({ kind: "dial-closed", dial, reason });
  }

  #later(dial: number, act: () => void): void {
    const run = this.#run;
    this.plan(latency, () => {
      if (run === this.#run && this.#open.has(dial)) act();
    });
  }
}

export const zone = "link1.discd.test";

/** One link, one server, and one printer that answers. */
export function office(changes: Parameters<typeof published>[2] = {}) {
  const w = new UpdateWorld();
  const server = w.server("192.0.2.53", zone);
  const link = w.publish("eth0", [published("eth0", zone, changes)]);
  link.device(printer("Laser"));
  const [primary] = server.zones;
  if (primary === undefined) throw new Error("no zone");
  return { w, server, link, primary };
}
