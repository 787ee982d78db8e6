// Inputs in any order with any bytes: nothing throws, nothing is written to a
// closed stream, every collection keeps its bound, and silence follows in the end.

import { expect, test } from "vitest";
import { type Address, parseAddress } from "../../src/address.js";
import type { Input } from "../../src/engine/io.js";
import { below, type Random, seededRandom } from "../../src/random.js";
import { ms, seconds } from "../../src/time.js";
import { encodeFrame } from "../../src/wire/frame.js";
import { linkPrefixes, World } from "./story.js";
import { type AskEdns, queryBytes } from "./story-clients.js";

const names = [
  "_ipp._tcp.Building\\0321.example.com PTR",
  "p._ipp._tcp.Building\\0321.example.com SRV",
  "p._ipp._tcp.Building\\0321.example.com ANY",
  "prnt.bldg-1.example.com A",
  "prnt.bldg-1.example.com AAAA",
  "prnt.bldg-1.example.com NSEC",
  "thing.bldg-1.example.com A",
  "bldg-1.example.com SOA",
  "lb._dns-sd._udp.bldg-1.example.com PTR",
  "7.113.0.203.in-addr.arpa PTR",
  "prnt.local A",
  "www.example.org A",
];

const said = [
  "_ipp._tcp.local. 120 PTR p._ipp._tcp.local.",
  "p._ipp._tcp.local. 12 SRV 0 0 631 prnt.local.",
  "prnt.local. 5 A 203.0.113.7",
  "prnt.local. 120 A 169.254.1.1",
  "prnt.local. 0 A 203.0.113.7",
  "prnt.local. 120 NSEC prnt.local. A",
  "thing.local. 120 CNAME prnt.local.",
  "thing.local. 120 CNAME thing.local.",
  "prnt.local. 120 CNAME thing.local.",
  "7.113.0.203.in-addr.arpa. 120 PTR prnt.local.",
];

const deviceAddress = parseAddress("203.0.113.9") as Address;

class Monkey {
  readonly random: Random;
  readonly w: World;
  readonly #open = new Set<number>();
  #stream = 100_000;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    const limits = {
      queriesWaiting: 50,
      queriesWaitingPerClient: 20,
      connections: 20,
      answerCache: 30_000,
    };
    this.w = new World({ seed, limits, logQueries: "full", proxy: { rotate: seed % 3 === 0 } });
    const mdns = { questionsMax: 30, cacheRecordsMax: 100 };
    this.w.link("eth0", { mdns, warm: seed % 2 === 0 ? true : ["_ipp._tcp"] });
    this.w.link("eth1", { service: "two.example", reverse: [], mdns, isDown: true });
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[below(this.random, items.length)] as Item;
  }

  noise(): Uint8Array {
    const bytes = new Uint8Array(below(this.random, 60));
    for (let at = 0; at < bytes.length; at++) bytes[at] = below(this.random, 256);
    return bytes;
  }

  /** A good message, or one with some bytes changed, or cut, or noise. */
  message(): Uint8Array {
    const cookie = { code: 10, bytes: new Uint8Array(this.pick([0, 8, 9, 16, 24, 40, 41])) };
    const edns = this.pick<AskEdns | undefined>([
      undefined,
      {},
      { udpSize: 100 },
      { version: 1 },
      { dnssecOk: true },
      { options: [cookie] },
    ]);
    const id = below(this.random, 20);
    const bytes = queryBytes(this.pick(names), edns === undefined ? { id } : { id, edns });
    const whole = Uint8Array.from(bytes);
    switch (below(this.random, 6)) {
      case 0:
        return this.noise();
      case 1:
        return whole.subarray(0, below(this.random, whole.length));
      case 2:
        for (let left = 3; left > 0; left--) {
          whole[below(this.random, whole.length)] = below(this.random, 256);
        }
        return whole;
      default:
        return whole;
    }
  }

  step(): void {
    const kind = below(this.random, 10);
    if (kind < 3) this.w.links.get("eth0")?.says(this.pick(said));
    else if (kind < 5) this.w.run(ms(below(this.random, 1500)));
    else this.input(kind < 8 ? this.unicast() : this.other());
  }

  /** Something that a client does. */
  unicast(): Input {
    const source = {
      address: this.pick(["192.0.2.1", "192.0.2.2", "2001:db8::1", "?"]),
      port: 5000,
    };
    const stream = this.pick([...this.#open, 7]);
    const bytes = this.message();
    const listener = "l";
    switch (below(this.random, 8)) {
      case 0:
        this.#open.add(++this.#stream);
        return {
          kind: "stream-open",
          stream: this.#stream,
          transport: "tcp",
          source,
          listener,
          takesPush: false,
        };
      case 1:
      case 2:
        return { kind: "stream-bytes", stream, bytes: encodeFrame(bytes) };
      case 3:
        return this.pick<Input>([
          { kind: "stream-bytes", stream, bytes: this.noise() },
          { kind: "stream-drained", stream },
          { kind: "stream-ended", stream },
          { kind: "stream-closed", stream },
        ]);
      default:
        return { kind: "datagram", listener, source, bytes };
    }
  }

  /** Something that a link, the system or the operator does. */
  other(): Input {
    const link = this.pick(["eth0", "eth1", "eth9"]);
    const source = { address: deviceAddress, port: this.pick([5353, 5354]) };
    const isMulticast = below(this.random, 2) === 0;
    const bytes = this.message();
    return this.pick<Input>([
      { kind: "multicast", link, family: "ipv4", source, isMulticast, bytes },
      { kind: "link-down", link },
      { kind: "link-up", link, prefixes: linkPrefixes, mtu: 1500 },
      { kind: "link-up", link, prefixes: [], mtu: 600 },
      { kind: "send-failed", reason: "?" },
      { kind: "deadline" },
      { kind: "reconfigure", config: this.w.config() },
    ]);
  }

  /** Hands an input in, and looks at what came of it. */
  input(input: Input): void {
    if (input.kind === "stream-closed") this.#open.delete(input.stream);
    for (const effect of this.w.input(input)) this.#judge(effect);
  }

  #judge(effect: ReturnType<World["input"]>[number]): void {
    if (effect.kind === "write") expect(this.#open).toContain(effect.stream);
    if (effect.kind === "close" || effect.kind === "abort") this.#open.delete(effect.stream);
  }

  check(): void {
    const dump = this.w.engine.dump(this.w.now) as {
      links: readonly { records: number; questionCount: number }[];
      queries: { waiting: number; readyBytes: number };
      streams: number;
    };
    for (const { records, questionCount } of dump.links) {
      expect(records).toBeLessThanOrEqual(100);
      expect(questionCount).toBeLessThanOrEqual(30);
    }
    expect(dump.queries.waiting).toBeLessThanOrEqual(50);
    expect(dump.queries.readyBytes).toBeLessThanOrEqual(30_000);
  }
}

test.each(Array.from({ length: 40 }, (_, n) => n + 1))("inputs of seed %i [DP-125]", (seed) => {
  const monkey = new Monkey(seed);
  for (let step = 0; step < 400; step++) {
    monkey.step();
    monkey.check();
  }
  // Afterwards nobody waits any more.
  monkey.w.run(seconds(30));
  const dump = monkey.w.engine.dump(monkey.w.now) as {
    queries: { waiting: number };
    streams: number;
  };
  expect(dump.queries.waiting).toBe(0);
  expect(dump.streams).toBe(0);
});
