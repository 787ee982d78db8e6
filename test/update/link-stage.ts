// A link in virtual time and the inventory that is taken of it: devices speak in
// zone-file text, `!` is the cache-flush bit; what is offered comes out as lines
// of the zone link1.discd.test. Times are seconds from the start.

import { expect } from "vitest";
import { Counts } from "../../src/counts.js";
import type { Log } from "../../src/log.js";
import { Link } from "../../src/mdns/link.js";
import type { ServedLink } from "../../src/proxy/options.js";
import { type Random, seededRandom } from "../../src/random.js";
import { earliest, type Instant } from "../../src/time.js";
import { Inventory, type InventorySettings } from "../../src/update/inventory.js";
import type { Offer } from "../../src/update/offer.js";
import {
  decodeMessage,
  encodeMessage,
  type Message,
  type Question,
} from "../../src/wire/message.js";
import { displayName, type Name, parseName } from "../../src/wire/name.js";
import { formatRR } from "../../src/wire/text.js";
import { at, options, prefixes, printer, rrs } from "../mdns/stage.js";
import { linkOf } from "../proxy/floor.js";

export const zoneName = "link1.discd.test";

/** A device with one service: what it says when it comes. */
export function device(
  instance: string,
  type = "_ipp._tcp",
  host = "printer",
  address = "A 192.0.2.5",
): string[] {
  return [
    `${type}.local 4500 PTR ${instance}.${type}.local`,
    `!${instance}.${type}.local 120 SRV 0 0 631 ${host}.local`,
    `!${instance}.${type}.local 4500 TXT "paper=A4"`,
    `!${host}.local 120 ${address}`,
  ];
}

export const typeList = (type = "_ipp._tcp") =>
  `_services._dns-sd._udp.local 4500 PTR ${type}.local`;

export class LinkStage {
  readonly counts = new Counts();
  readonly logged: string[] = [];
  readonly link: Link;
  readonly inventory: Inventory;
  /** All of the link: the first one, and those of `also`. */
  readonly #inventories: Inventory[] = [];
  readonly #random: Random;
  readonly #log: Log;
  now: Instant = at(0);
  /** Questions as they left over IPv4: second, name, type. */
  readonly asked: (readonly [second: number, question: string])[] = [];
  /** The same, as they stand in the packets. */
  readonly questions: Question[] = [];
  /** What came out, with the second: `+ title` and its lines, or `- title`. */
  readonly changes: { readonly second: number; readonly offer: Offer }[] = [];

  /** @param lists  that the inventory knows of from the start */
  constructor(
    served: Partial<ServedLink> = {},
    settings: Partial<InventorySettings> = {},
    seed = 1,
    lists: readonly Name[] = [],
  ) {
    const log: Log = { event: (_, name, fields) => this.logged.push(`${name} ${fields?.name}`) };
    const random = seededRandom(seed);
    this.#log = log;
    this.#random = random;
    this.link = new Link(
      { ...options, questionsMax: 20_000, cacheRecordsMax: 50_000 },
      random,
      this.counts,
    );
    this.inventory = this.#take(served, settings);
    this.link.up(this.now, { prefixes, mtu: 1500 });
    this.inventory.start(this.now, lists);
    this.drain();
  }

  /** Takes another inventory of the same link. */
  also(served: Partial<ServedLink>, settings: Partial<InventorySettings>): Inventory {
    const inventory = this.#take(served, settings);
    inventory.start(this.now);
    this.drain();
    return inventory;
  }

  #take(served: Partial<ServedLink>, settings: Partial<InventorySettings>): Inventory {
    const name = parseName(zoneName);
    const link = linkOf({ link: "eth0", service: name, host: name, ...served });
    const all = {
      zone: { kind: "service", apex: link.service, link, bases: [] } as const,
      ttlSecondsMax: 120,
      guarded: new Set([parseName(`ns1.${zoneName}`).key]),
      ...settings,
    };
    const inventory = new Inventory(this.link, all, this.#random, this.counts, this.#log);
    this.#inventories.push(inventory);
    return inventory;
  }

  /** Lets time pass up to a second from the start. */
  at(second: number): this {
    const end = at(second);
    for (let rounds = 0; ; rounds++) {
      let next = this.link.nextDeadline();
      for (const one of this.#inventories) next = earliest(next, one.nextDeadline());
      if (next === undefined || next > end) break;
      if (rounds > 100_000) expect.fail(`does not come to rest at ${next}`);
      if (next > this.now) this.now = next;
      this.link.expire(this.now);
      for (const one of this.#inventories) one.expire(this.now);
      this.drain();
    }
    this.now = end;
    return this;
  }

  hear(lines: readonly string[]): this {
    return this.hearMessage({ isResponse: true, aa: true, answers: rrs(lines) });
  }

  /** As `hear`, twice, as devices announce: the first time, nobody has asked for types yet. */
  appear(lines: readonly string[]): this {
    return this.hear(lines).hear(lines);
  }

  hearMessage(message: Partial<Message>): this {
    const bytes = encodeMessage(message, { compression: "mdns" });
    this.link.receive(this.now, { family: "ipv4", source: printer, isMulticast: true, bytes });
    this.drain();
    return this;
  }

  /** Changes since the last call: `+ title` or `- title`. */
  news(): string[] {
    return this.changes
      .splice(0)
      .map(({ offer }) => `${offer.rrs.length > 0 ? "+" : "-"} ${displayName(offer.title)}`);
  }

  /** The lines of the offers since the last call. */
  lines(): string[] {
    return this.changes
      .splice(0)
      .flatMap(({ offer }) => offer.rrs.map(({ rr }) => formatRR(rr)))
      .sort();
  }

  drain(): void {
    for (;;) {
      for (const { family, bytes } of this.link.takeDatagrams()) {
        if (family !== "ipv4") continue;
        const { questions } = decodeMessage(bytes);
        this.questions.push(...questions);
        for (const { name, type } of questions) {
          this.asked.push([(this.now - at(0)) / 1000, `${displayName(name)} ${type}`]);
        }
      }
      for (const offer of this.#inventories.flatMap((one) => one.takeChanges())) {
        this.changes.push({ second: (this.now - at(0)) / 1000, offer });
      }
      const changes = this.link.takeChanges();
      if (changes.length === 0) return;
      for (const one of this.#inventories) one.changed(this.now, changes);
    }
  }
}
