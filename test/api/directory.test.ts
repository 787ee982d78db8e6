// The directory over a real link in virtual time: devices announce and leave, and
// what is listed and told of it follows.

import { beforeEach, expect, test } from "vitest";
import { Directory, settledAtOnce, settlingTime } from "../../src/api/directory.js";
import { addressesMax } from "../../src/api/listing.js";
import { mismatch } from "../../src/api/shape.js";
import { hostShape, type Service, serviceShape } from "../../src/api/shapes.js";
import { pairsMax } from "../../src/api/txt.js";
import { Counts } from "../../src/counts.js";
import { Link } from "../../src/mdns/link.js";
import type { ServedLink } from "../../src/proxy/options.js";
import { type Tables, tablesOf, type Vantage } from "../../src/proxy/tables.js";
import type { LinkZone } from "../../src/proxy/zones.js";
import { after, type Instant, ms } from "../../src/time.js";
import { encodeMessage } from "../../src/wire/message.js";
import { at, options, prefixes, printer, question, rrs, steady } from "../mdns/stage.js";
import { linkOf, optionsOf } from "../proxy/floor.js";

const anything = { hidden: false };

class Floor {
  readonly counts = new Counts();
  readonly link = new Link({ ...options, cacheRecordsMax: 50_000 }, steady(0), this.counts);
  readonly directory = new Directory((id, now) => this.#look(id, now));
  now: Instant = at(0);
  /** Names of events and the instances they are about, since the last `run`. */
  told: string[] = [];
  #tables: Tables = tablesOf(optionsOf());
  /** Most services that were made anew in one call. */
  longest = 0;

  constructor() {
    this.directory.isFollowed = true;
    this.link.up(this.now, { prefixes, mtu: 1500, mayAskUnicast: false });
    for (const text of [
      "_ipp._tcp.local PTR",
      "_x._sub._ipp._tcp.local PTR",
      "_ssh._tcp.local PTR",
    ]) {
      this.ask(text);
    }
  }

  ask(text: string): void {
    const { name, type } = question(text);
    this.link.watch(this.now, { name, type }, { kind: "standing", client: "" });
  }

  serve(over: Partial<ServedLink>): void {
    this.#tables = tablesOf(optionsOf({ links: [linkOf(over)] }));
    this.directory.reconfigured(this.now);
  }

  hear(...lines: string[]): void {
    const message = { isResponse: true, aa: true, answers: rrs(lines) };
    const bytes = encodeMessage(message, { compression: "mdns" });
    const packet = { family: "ipv4", source: printer, isMulticast: true, bytes } as const;
    this.link.receive(this.now, packet);
    this.#deliver();
  }

  down(): void {
    this.link.down(this.now);
    this.#deliver();
  }

  /** Lets a time in milliseconds pass. */
  run(span: number): void {
    const end = after(this.now, ms(span));
    for (;;) {
      const next = [this.link.nextDeadline(), this.directory.nextDeadline()]
        .filter((one) => one !== undefined)
        .sort((a, b) => a - b)[0];
      if (next === undefined || next > end) break;
      if (next > this.now) this.now = next;
      this.link.expire(this.now);
      this.#deliver();
      this.directory.expire(this.now);
      this.#take();
    }
    this.now = end;
  }

  services(filter = anything): Service[] {
    const found = [...this.directory.services(filter)].map((text): Service => JSON.parse(text));
    for (const one of found) expect(mismatch(serviceShape, one)).toBeUndefined();
    return found;
  }

  takeTold(): string[] {
    return this.told.splice(0);
  }

  #deliver(): void {
    this.link.takeDatagrams();
    this.directory.changed(this.now, "net1", this.link.takeChanges());
  }

  #take(): void {
    const events = this.directory.takeEvents();
    this.longest = Math.max(this.longest, events.length);
    for (const { name, json } of events) {
      this.told.push(`${name.replace("service-", "")} ${JSON.parse(json).instance}`);
    }
  }

  #look(id: string, now: Instant): Vantage | undefined {
    if (id !== "net1") return undefined;
    const zone = this.#tables.zones.zones.find(({ kind }) => kind === "service") as LinkZone;
    const view = {
      find: (name: Parameters<Link["find"]>[1], type: number) => this.link.find(now, name, type),
      denies: (name: Parameters<Link["find"]>[1], type: number) =>
        this.link.denies(now, name, type),
    };
    const client = { id: "", browse: {}, isAllowed: true, allows: () => true };
    return { tables: this.#tables, view, zone, client, counts: this.counts };
  }
}

let floor: Floor;
beforeEach(() => {
  floor = new Floor();
});

const ptr = "_ipp._tcp.local. 4500 PTR Dr\\.\\032Smith._ipp._tcp.local.";
const whole = [
  ptr,
  "_x._sub._ipp._tcp.local. 4500 PTR Dr\\.\\032Smith._ipp._tcp.local.",
  "!Dr\\.\\032Smith._ipp._tcp.local. 120 SRV 0 0 631 printer.local.",
  '!Dr\\.\\032Smith._ipp._tcp.local. 4500 TXT "rp=ipp" "Color" "note=" "blob=\\255\\000" "=x" "RP=2"',
  "!printer.local. 120 A 10.1.0.9",
  "!printer.local. 120 AAAA 2001:db8::9",
];

test("a service is listed with everything that is known of it", () => {
  floor.hear(...whole);
  floor.run(100);
  const [service, ...more] = floor.services();
  expect(more).toEqual([]);
  expect(service).toEqual({
    id: "net1 Dr\\.\\032Smith._ipp._tcp.local",
    instance: "Dr. Smith",
    type: "_ipp._tcp",
    domain: "Building 1.example.com",
    name: "Dr\\. Smith._ipp._tcp.Building 1.example.com",
    escaped: "Dr\\.\\032Smith._ipp._tcp.Building\\0321.example.com",
    link: "net1",
    host: "printer.bldg-1.example.com",
    hostEscaped: "printer.bldg-1.example.com",
    port: 631,
    addresses: ["10.1.0.9", "2001:db8::9"],
    txt: [
      { key: "rp", value: "ipp", isBinary: false },
      { key: "Color", value: null, isBinary: false },
      { key: "note", value: "", isBinary: false },
      { key: "blob", value: null, isBinary: true, base64: "/wA=" },
    ],
    ttlSeconds: 4500,
    subtypes: ["_x"],
    isShown: true,
  });
  expect(floor.takeTold()).toEqual(["added Dr. Smith"]);
  expect(floor.directory.size).toBe(1);
});

test("what comes in several packets is one event, and what comes later another", () => {
  floor.hear(ptr);
  floor.run(settlingTime / 2);
  floor.hear(whole[2]!, whole[3]!);
  floor.run(settlingTime);
  expect(floor.takeTold()).toEqual(["added Dr. Smith"]);
  expect(floor.services()[0]).toMatchObject({ port: 631, addresses: [] });
  floor.hear(whole[4]!);
  floor.run(100);
  expect(floor.takeTold()).toEqual(["changed Dr. Smith"]);
  expect(floor.services()[0]?.addresses).toEqual(["10.1.0.9"]);
});

test("what is said again is no event", () => {
  floor.hear(...whole);
  floor.run(2000);
  floor.takeTold();
  floor.hear(...whole);
  floor.run(2000);
  expect(floor.takeTold()).toEqual([]);
});

test("a goodbye, an end of life and a link that goes down take it off the list", () => {
  floor.hear(...whole);
  floor.run(100);
  floor.hear(ptr.replace("4500", "0"), whole[1]!.replace("4500", "0"));
  floor.run(2000);
  expect(floor.takeTold()).toEqual(["added Dr. Smith", "removed Dr. Smith"]);
  expect(floor.services()).toEqual([]);
  floor.hear(...whole);
  floor.run(100);
  floor.run(4_600_000);
  expect(floor.takeTold()).toEqual(["added Dr. Smith", "changed Dr. Smith", "removed Dr. Smith"]);
  floor.hear(...whole);
  floor.run(100);
  floor.down();
  floor.run(100);
  expect(floor.takeTold()).toEqual(["added Dr. Smith", "removed Dr. Smith"]);
  expect(floor.directory.size).toBe(0);
  expect(floor.directory.held).toBe(0);
  expect([...floor.directory.hosts(floor.now)]).toEqual([]);
});

test("what the operator hides is listed for the operator alone, and no event", () => {
  floor.hear(...whole);
  floor.run(100);
  floor.serve({ services: { allow: [], deny: ["_ipp.*"], default: "allow" } });
  floor.run(100);
  expect(floor.takeTold()).toEqual(["added Dr. Smith", "removed Dr. Smith"]);
  expect(floor.services()).toEqual([]);
  expect(floor.directory.typeCounts(anything)).toEqual([]);
  const [hidden] = floor.services({ hidden: true });
  expect(hidden).toMatchObject({
    isShown: false,
    reason: "the rules in 'services' hide _ipp._tcp",
  });
  floor.serve({});
  floor.run(100);
  expect(floor.takeTold()).toEqual(["added Dr. Smith"]);
});

test("a host without an address of use elsewhere is said to be the reason", () => {
  floor.hear(...whole.slice(0, 4), "!printer.local. 120 A 169.254.3.4");
  floor.run(100);
  const reason = "its host has no address that is of use elsewhere";
  expect(floor.services()[0]).toMatchObject({ isShown: false, reason, addresses: ["169.254.3.4"] });
  expect(floor.directory.size).toBe(0);
  // What was heard within the last second is not flushed (RFC 6762 §10.2).
  floor.run(1500);
  floor.hear("!printer.local. 120 A 10.1.0.9");
  floor.run(2000);
  expect(floor.services()[0]).toMatchObject({ isShown: true, addresses: ["10.1.0.9"] });
  expect(floor.directory.shownOf("net1")).toBe(1);
});

test("while nobody follows, no event is kept; what comes later is told", () => {
  floor.directory.isFollowed = false;
  floor.hear(...whole);
  floor.run(100);
  floor.directory.isFollowed = true;
  floor.run(2000);
  expect(floor.takeTold()).toEqual([]);
  floor.hear("printer.local. 120 A 10.1.0.10");
  floor.run(100);
  expect(floor.takeTold()).toEqual(["changed Dr. Smith"]);
});

test("hosts are listed while they have an address", () => {
  floor.hear(...whole);
  floor.run(1500);
  const hosts = [...floor.directory.hosts(floor.now)];
  expect(hosts).toEqual([
    {
      id: "net1 printer.local",
      name: "printer.bldg-1.example.com",
      escaped: "printer.bldg-1.example.com",
      link: "net1",
      addresses: ["10.1.0.9", "2001:db8::9"],
      lastHeardSeconds: 1.5,
    },
  ]);
  const mdns = { queriesIn: 0, responsesIn: 0, queriesOut: 0, responsesOut: 0 };
  expect(mismatch(hostShape, { ...hosts[0], mdns })).toBeUndefined();
  floor.hear("!printer.local. 0 A 10.1.0.9", "!printer.local. 0 AAAA 2001:db8::9");
  floor.run(2000);
  expect([...floor.directory.hosts(floor.now)]).toEqual([]);
});

test("services are found by zone, link and type, and counted by type", () => {
  floor.hear(...whole, "_ssh._tcp.local. 4500 PTR a._ssh._tcp.local.");
  floor.run(100);
  const named = (filter: object) =>
    floor.services({ ...anything, ...filter }).map(({ type }) => type);
  expect(named({ type: "_ssh._tcp" })).toEqual(["_ssh._tcp"]);
  expect(named({ zone: "building 1.example.com" })).toHaveLength(2);
  expect(named({ zone: "other.example.com" })).toEqual([]);
  expect(named({ link: "net2" })).toEqual([]);
  expect(floor.directory.typeCounts(anything)).toEqual([
    { type: "_ipp._tcp", link: "net1", count: 1 },
    { type: "_ssh._tcp", link: "net1", count: 1 },
  ]);
});

test("lists of anything else are passed over, and odd names are shown escaped", () => {
  floor.hear(
    "_services._dns-sd._udp.local. 4500 PTR _ipp._tcp.local.",
    "_ipp._tcp.local. 4500 PTR elsewhere.example.com.",
    "_ipp._tcp.local. 4500 PTR _ipp._tcp.local.",
    "_ipp._tcp.local. 4500 PTR \\255\\000\\010._ipp._tcp.local.",
    "_ipp._tcp.local. 4500 PTR <script>\\226\\128\\174._ipp._tcp.local.",
  );
  floor.run(100);
  expect(floor.services().map(({ instance }) => instance)).toEqual([
    "\\255\\000\\010",
    "<script>\\226\\128\\174",
  ]);
});

test("of a device that tells too much a bounded part is shown", () => {
  const pairs = Array.from({ length: 250 }, (_, at) => `"k${at}=v"`).join(" ");
  const hosts = Array.from({ length: 60 }, (_, at) => `!printer.local. 120 A 10.1.1.${at + 1}`);
  floor.hear(...whole.slice(0, 3), `!Dr\\.\\032Smith._ipp._tcp.local. 4500 TXT ${pairs}`, ...hosts);
  floor.run(100);
  expect(floor.services()[0]?.txt).toHaveLength(pairsMax);
  expect(floor.services()[0]?.addresses).toHaveLength(addressesMax);
});

test("two thousand services: made anew in portions, told once each, forgotten whole", () => {
  for (let packet = 0; packet < 100; packet++) {
    const lines = Array.from({ length: 20 }, (_, each) => packet * 20 + each).flatMap((number) => [
      `_ipp._tcp.local. 4500 PTR p${number}._ipp._tcp.local.`,
      `!p${number}._ipp._tcp.local. 120 SRV 0 0 631 h${number}.local.`,
      `!h${number}.local. 120 A 10.1.${number >> 8}.${number & 255}`,
    ]);
    floor.hear(...lines);
  }
  floor.run(100);
  expect(floor.directory.size).toBe(2000);
  expect(floor.longest).toBeLessThanOrEqual(settledAtOnce);
  expect(floor.takeTold()).toHaveLength(2000);
  expect([...floor.directory.services(anything)]).toHaveLength(2000);
  floor.down();
  floor.run(200);
  expect(floor.takeTold()).toHaveLength(2000);
  expect(floor.directory.size).toBe(0);
  expect(floor.directory.nextDeadline()).toBeUndefined();
});

test("a list that is being read goes on while what it lists comes and goes", () => {
  const more = (from: number) =>
    floor.hear(
      ...Array.from(
        { length: 50 },
        (_, at) => `_ipp._tcp.local. 4500 PTR q${from + at}._ipp._tcp.local.`,
      ),
    );
  more(0);
  floor.run(100);
  const reading = floor.directory.services(anything);
  expect(reading.next().done).toBe(false);
  more(50);
  floor.run(100);
  let count = 1;
  while (!reading.next().done) count += 1;
  expect(count).toBe(50);
});
