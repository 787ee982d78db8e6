// Seeded disorder in update mode: two proxies on the same two links, devices that
// come, change and go, primaries that fail, processes that are killed, links that
// flap, configurations and delegations that change. Whatever happened: no record
// of anybody else is changed, what lives is published once the trouble is over,
// and what is dead is gone when its lifetime is.

import { below, type Random, seededRandom } from "../../src/random.js";
import { type Duration, instant, ms, seconds } from "../../src/time.js";
import type { PublishedZone } from "../../src/update/options.js";
import { encodeMessage } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import { parseRRs } from "../../src/wire/text.js";
import { flagged, isAsked } from "../engine/story-link.js";
import {
  listLines,
  prefix,
  printer,
  printerLines,
  published,
  Server,
  UpdateWorld,
} from "../engine/update-world.js";
import { type Answer, Primary } from "../update/primary.js";

/** Virtual time in which one proxy may be ahead of the other. */
const slice = ms(250);

const reverse = "113.0.203.in-addr.arpa";
const within = ["discd.test", reverse];

/** Stand in every zone from the beginning to the end. */
const foreign = (apex: string): readonly string[] => [
  `keep.${apex}. 120 A 192.0.2.77`,
  `ns1.${apex}. 120 A 127.0.0.1`,
  `other.${apex}. 120 MX 10 keep.${apex}.`,
];

interface Device {
  readonly link: string;
  readonly instance: string;
  last: number;
}

/** A name that devices of a link would like to have and somebody else has. */
const taken = "keep";

export class UpdateSim {
  readonly proxies: UpdateWorld[] = [];
  readonly zones = new Map<string, Primary>();
  readonly servers: Server[] = [];
  /** What was done, for the report of a failure. */
  readonly told: string[] = [];
  readonly #random: Random;
  readonly #devices = new Map<string, Device>();
  readonly #dns: string[] = [];
  /** Name of the first link's subdomain by proxy. */
  readonly #names: string[];
  readonly #links = ["eth0", "eth1"];
  readonly #dead = new Set<UpdateWorld>();
  #isZone = true;
  #seconds = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#serve("192.0.2.53", "discd.test", reverse);
    this.#serve("192.0.2.54", "b.discd.test", "c.discd.test");
    this.#names = ["a.discd.test", "a.discd.test"];
    for (const index of [0, 1]) {
      const proxy = new UpdateWorld({ seed: seed * 10 + index });
      this.proxies.push(proxy);
      proxy.dns = this.#dns;
      for (const server of this.servers) {
        proxy.servers.set(this.servers.indexOf(server) === 0 ? "192.0.2.53" : "192.0.2.54", server);
      }
      for (const link of this.#links) {
        proxy.publish(link, [this.#zoneOf(link, index)]).listener((sent) => {
          if (sent.family === "ipv4" && !sent.message.isResponse) this.#asked(link, sent.message);
        });
      }
    }
  }

  /** One scene, and some time. */
  play(): void {
    const scenes = [
      () => this.#come(),
      () => this.#come(),
      () => this.#change(),
      () => this.#leave(),
      () => this.#fall(),
      () => this.#failures(),
      () => this.#well(),
      () => this.#reach(),
      () => this.#kill(),
      () => this.#flap(),
      () => this.#rename(),
      () => this.#pull(),
      () => this.#delegate(),
    ];
    (scenes[below(this.#random, scenes.length)] as () => void)();
    this.run(seconds(below(this.#random, 40)));
  }

  /** All trouble is over; both proxies are told the same. */
  calm(): void {
    this.#tell("calm");
    this.#well();
    for (const server of this.servers) server.isDown = false;
    if (!this.#isZone) this.#delegate();
    this.#names.fill(this.#names[0] as string);
    for (const proxy of this.proxies) this.#configure(proxy);
    for (const proxy of this.proxies) for (const link of proxy.links.values()) link.up();
  }

  /** One proxy is killed and never comes back. */
  bury(): void {
    const proxy = this.proxies[below(this.#random, 2)] as UpdateWorld;
    this.#tell(`proxy ${this.proxies.indexOf(proxy)} dies`);
    proxy.kill();
    this.#dead.add(proxy);
  }

  run(span: Duration): void {
    const end = this.#seconds + span / 1000;
    while (this.#seconds < end) {
      this.#seconds = Math.min(end, this.#seconds + slice / 1000);
      for (const proxy of this.proxies) {
        if (!this.#dead.has(proxy)) proxy.runUntil(instant(proxy.began + this.#seconds * 1000));
      }
    }
  }

  /** Somebody else's records that are not there any more, or others than before. */
  damaged(): string[] {
    return [...this.zones].flatMap(([apex, primary]) => {
      const lines = new Set(primary.lines());
      return foreign(apex).filter((line) => !lines.has(line));
    });
  }

  /** What the proxies published, of all zones. */
  published(): string[] {
    return [...this.zones]
      .flatMap(([apex, primary]) => {
        const others = foreign(apex);
        return primary.lines().filter((line) => !others.includes(line));
      })
      .sort();
  }

  /** What should be there. */
  expected(): string[] {
    const names = { eth0: this.#names[0] as string, eth1: "b.discd.test" };
    const lines = new Set<string>();
    for (const name of Object.values(names)) {
      for (const line of [name, "discd.test"].flatMap((place) => listLines(place, name))) {
        lines.add(line);
      }
      for (const line of listLines(`0.${reverse}`, name)) lines.add(line);
    }
    for (const { link, instance, last } of this.#devices.values()) {
      const name = names[link as keyof typeof names];
      if (this.#isTaken(name, instance)) continue;
      for (const line of printerLines(name, instance, instance.toLowerCase(), last))
        lines.add(line);
    }
    return [...lines].sort();
  }

  /** `keep.<subdomain>` is somebody else's where the subdomain is a zone. */
  #isTaken(name: string, instance: string): boolean {
    return instance.toLowerCase() === taken && this.zones.has(name);
  }

  #serve(address: string, ...apexes: readonly string[]): void {
    const zones = apexes.map((apex) => {
      const primary = new Primary(apex, [`other.${apex} 120 MX 10 keep.${apex}`]);
      this.zones.set(apex, primary);
      this.#dns.push(`${apex} 60 SOA ns.${apex} root.test 1 1 1 1 1`, `ns.${apex} 60 A ${address}`);
      return primary;
    });
    this.servers.push(new Server(...zones));
  }

  #zoneOf(link: string, proxy: number): PublishedZone {
    const name = link === "eth0" ? (this.#names[proxy] as string) : "b.discd.test";
    const networks = [prefix("203.0.113.0/24")];
    return published(link, name, { domain: parseName("discd.test"), networks, within });
  }

  #configure(proxy: UpdateWorld): void {
    const index = this.proxies.indexOf(proxy);
    for (const link of this.#links) proxy.published.set(link, [this.#zoneOf(link, index)]);
    proxy.reconfigure();
  }

  #tell(text: string): void {
    this.told.push(`${Math.round(this.#seconds)} s: ${text}`);
  }

  #pick<T>(list: readonly T[]): T {
    return list[below(this.#random, list.length)] as T;
  }

  get #pickProxy(): UpdateWorld {
    return this.#pick(this.proxies);
  }

  #come(): void {
    const link = this.#pick(this.#links);
    const instance = this.#pick(["A", "B", "C", "D", "Keep"]);
    const key = `${link} ${instance}`;
    const device = this.#devices.get(key) ?? { link, instance, last: 1 + below(this.#random, 50) };
    this.#devices.set(key, device);
    this.#tell(`${key} announces itself, .${device.last}`);
    this.#say(link, recordsOf(device));
  }

  #change(): void {
    const device = this.#pick([...this.#devices.values()]);
    if (device === undefined) return;
    device.last = 1 + below(this.#random, 50);
    this.#tell(`${device.link} ${device.instance} moves to .${device.last}`);
    this.#say(device.link, recordsOf(device));
  }

  #leave(): void {
    const device = this.#pick([...this.#devices.values()]);
    if (device === undefined) return;
    this.#devices.delete(`${device.link} ${device.instance}`);
    this.#tell(`${device.link} ${device.instance} says goodbye`);
    const own = recordsOf(device)
      .split("\n")
      .filter((line) => !line.includes("_services") && line.trim() !== "");
    this.#say(device.link, own.join("\n").replace(/ (120|4500) /g, " 0 "));
  }

  #fall(): void {
    const device = this.#pick([...this.#devices.values()]);
    if (device === undefined) return;
    this.#devices.delete(`${device.link} ${device.instance}`);
    this.#tell(`${device.link} ${device.instance} falls silent`);
  }

  #failures(): void {
    const primary = this.#pick([...this.zones.values()]);
    const fault = this.#pick<Answer>([
      "silence",
      "close",
      2,
      { rcode: 0, proof: "none" },
      { rcode: 5, proof: "none" },
    ]);
    const random = this.#random;
    this.#tell(`${primary.apex.labels.join(".")}: ${JSON.stringify(fault)} now and then`);
    primary.script = () => (below(random, 3) === 0 ? fault : undefined);
  }

  #well(): void {
    for (const primary of this.zones.values()) primary.script = () => undefined;
  }

  #reach(): void {
    const server = this.#pick(this.servers);
    server.isDown = !server.isDown;
    this.#tell(`server ${this.servers.indexOf(server)} ${server.isDown ? "is down" : "is up"}`);
  }

  #kill(): void {
    const proxy = this.#pickProxy;
    this.#tell(`proxy ${this.proxies.indexOf(proxy)} is killed and starts`);
    proxy.restart();
  }

  #flap(): void {
    const proxy = this.#pickProxy;
    const link = proxy.links.get(this.#pick(this.#links));
    const span = below(this.#random, 30);
    this.#tell(`proxy ${this.proxies.indexOf(proxy)}: ${link?.id} is down for ${span} s`);
    link?.down();
    proxy.plan(seconds(span), () => link?.up());
  }

  #rename(): void {
    const proxy = this.#pickProxy;
    const index = this.proxies.indexOf(proxy);
    this.#names[index] = this.#pick(["a.discd.test", "c.discd.test", "x.discd.test"]);
    this.#tell(`proxy ${index}: eth0 is ${this.#names[index]}`);
    this.#configure(proxy);
  }

  /** A link leaves the configuration for a while. */
  #pull(): void {
    const proxy = this.#pickProxy;
    const id = this.#pick(this.#links);
    const span = below(this.#random, 30);
    this.#tell(`proxy ${this.proxies.indexOf(proxy)}: without ${id} for ${span} s`);
    proxy.published.delete(id);
    proxy.reconfigure();
    proxy.plan(seconds(span), () => this.#configure(proxy));
  }

  /** The zone of the second link is cut off, or belongs to its parent again. */
  #delegate(): void {
    const soa = "b.discd.test 60 SOA ns.b.discd.test root.test 1 1 1 1 1";
    if (this.#isZone) this.#dns.splice(this.#dns.indexOf(soa), 1);
    else this.#dns.push(soa);
    this.#isZone = !this.#isZone;
    this.#tell(this.#isZone ? "b is a zone" : "b belongs to its parent");
  }

  #say(link: string, records: string): void {
    for (const proxy of this.proxies) {
      if (!this.#dead.has(proxy)) proxy.links.get(link)?.says(records);
    }
  }

  /** Every device that has something to say answers, to all who listen. */
  #asked(link: string, query: Parameters<typeof isAsked>[0]): void {
    for (const device of this.#devices.values()) {
      if (device.link !== link) continue;
      const answers = parseRRs(recordsOf(device)).filter((rr) => isAsked(query, rr));
      if (answers.length === 0) continue;
      const message = {
        isResponse: true,
        aa: true,
        answers: answers.map((rr) => flagged(rr, undefined)),
      };
      const bytes = encodeMessage(message, { compression: "mdns" });
      for (const proxy of this.proxies) {
        if (this.#dead.has(proxy)) continue;
        proxy.plan(ms(20), () => proxy.links.get(link)?.hears(bytes));
      }
    }
  }
}

const recordsOf = ({ instance, last }: Device) => printer(instance, instance.toLowerCase(), last);
