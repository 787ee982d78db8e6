// One link in virtual time, for the tests of this folder: devices and foreign
// queriers speak in zone-file text, what the link sends is kept with the moment
// it was sent. A leading `!` marks the cache-flush bit of a record, QU of a
// question. Times are seconds from the start, as in `at(3.2)`.

import { expect } from "vitest";
import { type Endpoint, type Family, parseAddress, parsePrefix } from "../../src/address.js";
import { Counts } from "../../src/counts.js";
import {
  type Change,
  type Interest,
  Link,
  type LinkOptions,
  type OutDatagram,
  type WatchId,
} from "../../src/mdns/link.js";
import type { Random } from "../../src/random.js";
import { type Instant, instant } from "../../src/time.js";
import { parseType, RRType, typeName } from "../../src/wire/codes.js";
import {
  decodeMessage,
  encodeMessage,
  type Message,
  type Question,
} from "../../src/wire/message.js";
import { formatName, parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR, parseRR } from "../../src/wire/text.js";

/** The start; not zero, so that a forgotten `now` shows. */
const origin = 1_000_000;

export const at = (secondsFromStart: number): Instant =>
  instant(origin + Math.round(secondsFromStart * 1000));

/** Chance that always says the same: 0 the least of every range, 1 the most. */
export const steady = (share: number): Random => ({
  uint32: () => Math.floor(share * 0xffff_ffff),
});

export const options: LinkOptions = {
  families: ["ipv4", "ipv6"],
  packetsPerSecond: 20,
  cacheRecordsMax: 1_000,
  questionsMax: 100,
  announce: { b: [], db: [], lb: [] },
};

export const prefixes = ["192.0.2.1/24", "fe80::1/64", "2001:db8::1/64"].map(
  (text) => parsePrefix(text) ?? expect.fail(text),
);

export function endpoint(address: string, port = 5353): Endpoint {
  return { address: parseAddress(address) ?? expect.fail(address), port };
}

export const printer = endpoint("192.0.2.10");
export const neighbour = endpoint("192.0.2.20");

/** A record from a line; a leading `!` sets the cache-flush bit. */
export function rr(line: string): RR {
  if (!line.startsWith("!")) return parseRR(line);
  const plain = parseRR(line.slice(1));
  return { ...plain, class: plain.class | 0x8000 };
}

export const rrs = (lines: readonly string[]): RR[] => lines.map(rr);

/** A question from `name type`; a leading `!` sets the QU bit. */
export function question(text: string): Question {
  const isUnicast = text.startsWith("!");
  const [name = "", type = ""] = text.slice(isUnicast ? 1 : 0).split(/ (?=\S+$)/);
  const number = parseType(type) ?? expect.fail(text);
  return { name: parseName(name), type: number, class: isUnicast ? 0x8001 : 1 };
}

/** As it stands in a packet: class 1 is left out, the cache-flush bit is `!`. */
export function line(record: RR): string {
  const text = formatRR({ ...record, class: record.class & 0x7fff }).replace(" IN ", " ");
  return (record.class & 0x8000) === 0 ? text : `!${text}`;
}

export interface Sent {
  /** Seconds from the start. */
  readonly at: number;
  readonly datagram: OutDatagram;
  readonly message: Message;
}

/** `name type` of the questions of a packet. */
export function questionsOf(sent: Sent): string[] {
  return sent.message.questions.map(
    (each) =>
      `${(each.class & 0x8000) === 0 ? "" : "!"}${formatName(each.name)} ${typeName(each.type)}`,
  );
}

export const answersOf = (sent: Sent): string[] => sent.message.answers.map(line);

export interface From {
  readonly source?: Endpoint;
  readonly family?: Family;
  readonly isMulticast?: boolean;
}

export class Stage {
  readonly link: Link;
  readonly counts = new Counts();
  readonly sent: Sent[] = [];
  /** Changes as lines: `+ rr`, `- rr`, `? name`; one list for each batch that was not empty. */
  readonly batches: string[][] = [];
  now: Instant = at(0);

  constructor(changed: Partial<LinkOptions> = {}, random: Random = steady(0)) {
    this.link = new Link({ ...options, ...changed }, random, this.counts);
  }

  /** A stage whose link is up at second 0. */
  static up(changed: Partial<LinkOptions> = {}, random: Random = steady(0)): Stage {
    const stage = new Stage(changed, random);
    stage.up();
    return stage;
  }

  up(mtu = 1500, places = prefixes, mayAskUnicast = false): void {
    this.link.up(this.now, { prefixes: places, mtu, mayAskUnicast });
    this.drain();
  }

  /** Lets time pass, doing all that falls due on the way. */
  run(until: number): void {
    for (let rounds = 0; ; rounds++) {
      const next = this.link.nextDeadline();
      if (next === undefined || next > at(until)) break;
      if (rounds > 20_000) expect.fail(`does not come to rest at ${next}`);
      if (next > this.now) this.now = next;
      this.link.expire(this.now);
      this.drain();
    }
    this.now = at(until);
  }

  /** Says something at a moment, everything due before it done first. */
  at(second: number): this {
    this.run(second);
    return this;
  }

  hear(message: Partial<Message>, from: From = {}): void {
    this.hearBytes(encodeMessage(message, { compression: "mdns" }), from);
  }

  hearBytes(bytes: Uint8Array, from: From = {}): void {
    this.link.receive(this.now, {
      family: from.family ?? "ipv4",
      source: from.source ?? printer,
      isMulticast: from.isMulticast ?? true,
      bytes,
    });
    this.drain();
  }

  /** A device answers or announces. */
  response(lines: readonly string[], from: From = {}): void {
    this.hear({ isResponse: true, aa: true, answers: rrs(lines) }, from);
  }

  /** Another host asks. */
  query(
    questions: readonly string[],
    known: readonly string[] = [],
    from: From & { readonly tc?: boolean } = {},
  ): void {
    this.hear(
      { tc: from.tc ?? false, questions: questions.map(question), answers: rrs(known) },
      { source: neighbour, ...from },
    );
  }

  watch(text: string, kind: Interest["kind"] = "one-shot", client = "client"): WatchId | undefined {
    const { name, type } = question(text);
    const id = this.link.watch(this.now, { name, type }, { kind, client });
    this.drain();
    return id;
  }

  /** A standing watch whose answers may come by unicast. */
  watchByUnicast(text: string): WatchId | undefined {
    const { name, type } = question(text);
    const interest = { kind: "standing", client: "", takesUnicast: true } as const;
    const id = this.link.watch(this.now, { name, type }, interest);
    this.drain();
    return id;
  }

  unwatch(id: WatchId | undefined): void {
    this.link.unwatch(this.now, id ?? expect.fail("no watch"));
    this.drain();
  }

  /** A one-shot that begins and ends: afterwards shared answers are taken in. */
  asked(text: string): void {
    this.unwatch(this.watch(text));
  }

  find(text: string): string[] {
    const { name, type } = question(text);
    return this.link.find(this.now, name, type).map((heard) => line(heard.rr));
  }

  denies(text: string): boolean {
    const { name, type } = question(text);
    return this.link.denies(this.now, name, type);
  }

  wasAsked(text: string): boolean {
    return this.link.wasAsked(question(text));
  }

  startedAt(text: string): Instant | undefined {
    return this.link.startedAt(question(text));
  }

  /** When a question left in a family, in seconds. */
  times(text: string, family: Family = "ipv4"): number[] {
    const wanted = questionsOf({ message: { questions: [question(text)] } } as unknown as Sent)[0];
    return this.sent
      .filter((sent) => sent.datagram.family === family)
      .filter((sent) => questionsOf(sent).includes(wanted as string))
      .map((sent) => sent.at);
  }

  /** Packets of one family, responses or queries. */
  packets(family: Family = "ipv4"): Sent[] {
    return this.sent.filter((sent) => sent.datagram.family === family);
  }

  /** The batches since the last call, flattened. */
  changes(): string[] {
    return this.batches.splice(0).flat();
  }

  drain(): void {
    for (const datagram of this.link.takeDatagrams()) {
      const message = decodeMessage(datagram.bytes);
      this.sent.push({ at: (this.now - origin) / 1000, datagram, message });
    }
    const changes = this.link.takeChanges().map(changeLine);
    if (changes.length > 0) this.batches.push(changes);
  }
}

function changeLine(change: Change): string {
  if (change.kind === "deny") return `? ${formatName(change.name)}`;
  return `${change.kind === "add" ? "+" : "-"} ${line(change.rr)}`;
}

/** An NSEC as devices send it: the next name is the owner, the bit of NSEC itself is clear. */
export function nsec(name: string, ttlSeconds: number, types: string): string {
  return `!${name} ${ttlSeconds} NSEC ${name} ${types}`;
}

export { RRType };
