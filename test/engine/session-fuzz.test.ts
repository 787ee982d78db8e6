// Streams and datagrams with the bytes of sessions, Push and LLQs, mutated and
// cut anywhere: a million bytes. Nothing throws, nothing is written to a stream
// that has ended, and when all streams are closed nothing is left of them.

import { expect, test } from "vitest";
import { below, type Random, seededRandom } from "../../src/random.js";
import { ms, seconds } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";
import { example, exampleIds } from "../dso/examples.js";
import { examples as llqExamples } from "../llq/examples.js";
import { hex } from "../wire/captures.js";
import { World } from "./story.js";

/** Bytes handed to streams, all seeds together. */
const bytesInAll = 1_000_000;
const seeds = 4;

const samples: readonly Uint8Array[] = [
  ...exampleIds.map(example),
  ...Object.values(llqExamples).map(hex),
];

const said = [
  "_ipp._tcp.local. 4500 PTR Lobby._ipp._tcp.local.",
  "_ipp._tcp.local. 0 PTR Lobby._ipp._tcp.local.",
  "Lobby._ipp._tcp.local. 120 SRV 0 0 631 printer.local.",
  "printer.local. 120 A 203.0.113.7",
  "printer.local. 120 A 169.254.1.1",
];

interface Dump {
  readonly streams: number;
  readonly push: Readonly<Record<string, number>>;
  readonly llq: Readonly<Record<string, number>>;
  readonly links: readonly { readonly questionCount: number }[];
}

class Attacker {
  readonly random: Random;
  readonly w: World;
  readonly #open: number[] = [];
  #next = 1;
  bytes = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    const limits = { connections: 30, subscriptions: 60, llq: 40, writeQueue: 20_000 };
    this.w = new World({ seed, limits });
    const lab = parseName("lab.example.com");
    this.w.link("eth0", { served: { service: lab, host: lab }, mdns: { questionsMax: 40 } });
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[below(this.random, items.length)] as Item;
  }

  /** An example, as it is or with something changed. */
  #message(): Uint8Array {
    const bytes = Uint8Array.from(this.#pick(samples));
    // Other IDs, so that not every second message repeats one.
    if (below(this.random, 2) === 0) bytes[1] = below(this.random, 256);
    const { length } = bytes;
    switch (below(this.random, 8)) {
      case 0:
        return bytes.subarray(0, below(this.random, length));
      case 1:
        for (let left = 1 + below(this.random, 4); left > 0; left--) {
          bytes[below(this.random, length)] = below(this.random, 256);
        }
        return bytes;
      case 2:
        // Of the fields behind the header, where TLVs and options begin.
        bytes[12 + below(this.random, Math.max(1, length - 12))] = this.#pick([0, 1, 0xc0, 0xff]);
        return bytes;
      case 3:
        return Buffer.concat([bytes, this.#pick(samples).subarray(12)]);
      default:
        return bytes;
    }
  }

  /** Several messages behind their lengths, one of which may lie. */
  #volley(): Buffer {
    const parts: Uint8Array[] = [];
    for (let left = 1 + below(this.random, 6); left > 0; left--) {
      const message = this.#message();
      const lie = below(this.random, 40) === 0 ? below(this.random, 20) : 0;
      const size = message.length + lie;
      parts.push(Uint8Array.of(size >> 8, size & 0xff), message);
    }
    return Buffer.concat(parts);
  }

  step(): void {
    const { w, random } = this;
    const stream = this.#pick(this.#open);
    switch (this.#open.length < 8 ? 0 : below(random, 16)) {
      case 0:
        this.#connect();
        break;
      case 1:
        this.#input({ kind: "stream-closed", stream });
        this.#forget(stream);
        break;
      case 2:
        this.#input({ kind: this.#pick(["stream-blocked", "stream-drained"]), stream });
        break;
      case 3:
        w.links.get("eth0")?.says(this.#pick(said));
        break;
      case 4:
        w.run(ms(below(random, 3000)));
        break;
      case 5: {
        const source = { address: "192.0.2.7", port: 4000 + below(random, 4) };
        this.#input({ kind: "datagram", listener: "l", source, bytes: this.#message() });
        break;
      }
      default:
        this.#send(stream);
    }
  }

  #connect(): void {
    const stream = this.#next++;
    const transport = this.#pick(["tls", "tls", "tcp"] as const);
    const source = { address: `192.0.2.${below(this.random, 9)}`, port: 5000 };
    this.#open.push(stream);
    const takesPush = transport === "tls";
    this.#input({ kind: "stream-open", stream, transport, source, listener: "l", takesPush });
  }

  #send(stream: number): void {
    const bytes = this.#volley();
    const piece = this.#pick([1, 3, 17, 1000, 1000, 1000]);
    for (let at = 0; at < bytes.length; at += piece) {
      const part = bytes.subarray(at, at + piece);
      this.bytes += part.length;
      this.#input({ kind: "stream-bytes", stream, bytes: part });
    }
  }

  #input(input: Parameters<World["input"]>[0]): void {
    for (const effect of this.w.input(input)) {
      if (!("stream" in effect)) continue;
      if (effect.kind === "write") expect(this.#open).toContain(effect.stream);
      if (effect.kind === "abort") this.#forget(effect.stream);
      if (effect.kind === "close") this.#forget(effect.stream);
    }
    // What time brings is carried out by the world itself.
    this.w.effects.length = 0;
  }

  #forget(stream: number): void {
    const at = this.#open.indexOf(stream);
    if (at >= 0) this.#open.splice(at, 1);
  }

  get dump(): Dump {
    return this.w.engine.dump(this.w.now) as unknown as Dump;
  }

  /** Every stream is gone, and the leases of those over UDP have ended. */
  leave(): void {
    for (let stream = 1; stream < this.#next; stream++) {
      this.w.input({ kind: "stream-closed", stream });
    }
  }
}

test.each(Array.from({ length: seeds }, (_, at) => at + 1))(
  "a quarter of a million bytes of sessions and LLQs, seed %i [DSO-21] [TLS-13]",
  (seed) => {
    const attacker = new Attacker(seed);
    while (attacker.bytes < bytesInAll / seeds) attacker.step();
    const { streams, push, llq } = attacker.dump;
    expect(push.subscriptions).toBeLessThanOrEqual(60);
    expect(llq.llqs).toBeLessThanOrEqual(40);
    expect(streams).toBeGreaterThan(0);
    attacker.leave();
    expect(attacker.dump).toMatchObject({
      streams: 0,
      push: { sessions: 0, subscriptions: 0, topics: 0 },
    });
    attacker.w.run(seconds(7300));
    expect(attacker.dump.llq.llqs).toBe(0);
    expect(attacker.dump.links[0]?.questionCount).toBe(0);
    // It was worth the while: sessions came about, and ended for their faults.
    expect(attacker.w.counts.of("llq", "begun")).toBeGreaterThan(10);
    const faults = [...attacker.w.counts.all()].filter(([name]) => name.startsWith("dso-aborts/"));
    expect(faults.length).toBeGreaterThan(5);
  },
);
