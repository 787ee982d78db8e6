// A Push server beside a real link, in virtual time: devices speak in zone-file
// text, subscribers keep their copies (subscriber.ts). Zone `lab.example.com`.
// Times are seconds from the start.

import { expect } from "vitest";
import { type Address, parseAddress, parsePrefix } from "../../src/address.js";
import { Counts } from "../../src/counts.js";
import { Link } from "../../src/mdns/link.js";
import type { ProxyOptions, ServedLink } from "../../src/proxy/options.js";
import { tablesOf } from "../../src/proxy/tables.js";
import { visible } from "../../src/proxy/visible.js";
import { type PushLimits, PushServer, type StreamOpening } from "../../src/push/server.js";
import { type Instant, instant, seconds } from "../../src/time.js";
import { RRType, typeName } from "../../src/wire/codes.js";
import { decodeMessage, encodeMessage } from "../../src/wire/message.js";
import { formatName, parseName } from "../../src/wire/name.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { bytesOf } from "../dso/stage.js";
import { linkOf, optionsOf } from "../proxy/floor.js";
import { Subscriber } from "./subscriber.js";

/** The start; not zero, so that a forgotten `now` shows. */
const origin = 3_000_000;

export const at = (second: number): Instant => instant(origin + Math.round(second * 1000));

export const lab = "lab.example.com.";

export const limits: PushLimits = {
  dsoInactivity: seconds(30),
  dsoKeepalive: seconds(3600),
  subscriptions: 100,
  subscriptionsPerSession: 20,
  writeQueue: 1024 * 1024,
};

/** The lab's link, with no host zone of its own. */
export function labLink(over: Partial<ServedLink> = {}): ServedLink {
  return linkOf({ service: parseName(lab), host: parseName(lab), ...over });
}

export const labOptions = (over: Partial<ProxyOptions> = {}): ProxyOptions =>
  optionsOf({ links: [labLink()], ...over });

/** Goodbyes are believed, and cache-flush bits set on everything but PTRs. */
function announced(line: string) {
  const rr = parseRR(line);
  return rr.type === RRType.PTR ? rr : { ...rr, class: rr.class | 0x8000 };
}

export const secure: StreamOpening = { address: "192.0.2.99", isSecure: true, takesPush: true };

export class Stage {
  readonly counts = new Counts();
  readonly link: Link;
  readonly server: PushServer;
  now: Instant = at(0);
  /** Questions that left over IPv4, each as `name type`, with its second. */
  asked: string[] = [];
  /** Whether the link is one that discd uses. */
  isUsed = true;
  /** Whether Push is switched on from the next configuration on. */
  isOn = true;
  #options: ProxyOptions;
  readonly #clients = new Map<number, Subscriber>();

  constructor(options = labOptions(), over: Partial<PushLimits> & { questions?: number } = {}) {
    this.#options = options;
    const mdns = {
      families: ["ipv4"] as const,
      packetsPerSecond: 1000,
      cacheRecordsMax: 20_000,
      questionsMax: over.questions ?? 1000,
      announce: { b: [], db: [], lb: [] },
    };
    this.link = new Link(mdns, { uint32: () => 0 }, this.counts);
    const findLink = (id: string) => (id === "net1" && this.isUsed ? this.link : undefined);
    const all = { ...limits, ...over };
    this.server = new PushServer(
      { isOn: true, proxy: options, limits: all },
      findLink,
      this.counts,
    );
    this.linkUp();
  }

  linkUp(): void {
    const prefix = parsePrefix("192.0.2.1/24") ?? expect.fail("prefix");
    this.link.up(this.now, { prefixes: [prefix], mtu: 1500 });
    this.settle();
  }

  linkDown(): void {
    this.link.down(this.now);
    this.server.linkDown(this.now, "net1");
    this.settle();
  }

  configure(options: ProxyOptions, over: Partial<PushLimits> = {}): void {
    this.#options = options;
    const isOn = this.isOn;
    this.server.configure(this.now, { isOn, proxy: options, limits: { ...limits, ...over } });
    this.settle();
  }

  client(stream = 1, opening: Partial<StreamOpening> = {}): Subscriber {
    const client = new Subscriber(stream);
    this.#clients.set(stream, client);
    this.server.open(this.now, stream, { ...secure, ...opening });
    return client;
  }

  /** The client says something: hex, or the id of an example. */
  says(client: Subscriber, text: string): boolean {
    const isOrdinary = this.server.receive(this.now, client.stream, bytesOf(text));
    this.settle();
    return isOrdinary;
  }

  subscribe(client: Subscriber, id: number, name: string, type: string, rrClass = 1): void {
    this.says(client, client.wants(id, name, type, rrClass));
  }

  unsubscribe(client: Subscriber, id: number): void {
    this.says(client, client.wantsNoMore(id));
  }

  leave(client: Subscriber): void {
    this.#clients.delete(client.stream);
    this.server.streamClosed(this.now, client.stream);
    this.settle();
  }

  /** Devices announce records, in one packet; a TTL of 0 is a goodbye. */
  announce(...lines: readonly string[]): this {
    const answers = lines.map(announced);
    const bytes = encodeMessage({ isResponse: true, aa: true, answers }, { compression: "mdns" });
    const address: Address = parseAddress("192.0.2.10") ?? expect.fail("address");
    const source = { address, port: 5353 };
    this.link.receive(this.now, { family: "ipv4", source, isMulticast: true, bytes });
    this.settle();
    return this;
  }

  /** Lets time pass, doing all that falls due on the way. */
  run(until: number): this {
    for (let rounds = 0; rounds < 20_000; rounds++) {
      const next = Math.min(
        this.link.nextDeadline() ?? Number.POSITIVE_INFINITY,
        this.server.nextDeadline() ?? Number.POSITIVE_INFINITY,
      );
      if (next > at(until)) break;
      if (next > this.now) this.now = instant(next);
      this.link.expire(this.now);
      this.server.expire(this.now);
      this.settle();
    }
    this.now = at(until);
    return this;
  }

  /** The tail of every input, as the engine's. */
  settle(): void {
    const changes = this.link.takeChanges();
    if (changes.length > 0) this.server.linkChanged(this.now, "net1", changes);
    for (const { bytes } of this.link.takeDatagrams()) {
      for (const { name, type } of decodeMessage(bytes).questions) {
        const second = (this.now - origin) / 1000;
        this.asked.push(`${second} ${formatName(name)} ${typeName(type)}`);
      }
    }
    for (const output of this.server.takeOutputs()) {
      const client = this.#clients.get(output.stream) ?? expect.fail("a closed stream");
      if (output.kind === "message") client.receives(output.bytes);
      else {
        client.isReset = true;
        this.#clients.delete(output.stream);
      }
    }
  }

  /** Whether each copy equals what the client could see now. */
  check(): void {
    const tables = tablesOf(this.#options);
    const view = {
      find: (name: Parameters<Link["find"]>[1], type: number) =>
        this.isUsed ? this.link.find(this.now, name, type) : [],
      denies: (name: Parameters<Link["find"]>[1], type: number) =>
        this.isUsed && this.link.denies(this.now, name, type),
    };
    const client = tables.clients.classify(parseAddress("192.0.2.99") ?? expect.fail("address"));
    for (const subscriber of this.#clients.values()) {
      const names = new Map(subscriber.wanted.map(({ name }) => [name.key, name]));
      for (const name of names.values()) {
        const truth = new Set<string>();
        for (const wanted of subscriber.wanted) {
          const zone = tables.zones.find(wanted.name);
          const isHere = wanted.name.key === name.key && wanted.class !== 3;
          if (!isHere || zone === undefined || zone.kind === "records") continue;
          const at = { tables, view, zone, client, counts: this.counts };
          for (const { rr } of visible(at, { name, type: wanted.type, class: 1 }).rrs) {
            if (rr.name.key === name.key) truth.add(formatRR({ ...rr, name }).toLowerCase());
          }
        }
        const copy = subscriber.copyOf(name).map((line) => line.toLowerCase());
        expect(copy.sort()).toEqual([...truth].sort());
      }
    }
  }
}
