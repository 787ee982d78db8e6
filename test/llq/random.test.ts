// Clients whose network loses, doubles and reorders, on a link under random
// words: whenever nothing is on its way to a client, its copy is what the link
// holds. The truth is read off the link and renamed as text, past all of proxy/.

import { describe, expect, test } from "vitest";
import type { Asker } from "../../src/llq/asker.js";
import type { LlqOption } from "../../src/llq/option.js";
import { below, type Random, seededRandom } from "../../src/random.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR } from "../../src/wire/text.js";
import { question } from "../mdns/stage.js";
import { acknowledgement, apex, type Came, request, Stage, tcp, toHex, udp } from "./stage.js";

const labels = Array.from({ length: 60 }, (_, n) => `Printer-${n}-${"long".repeat(6)}`);
const lines = [`_ipp._tcp.${apex}. PTR`, `_http._tcp.${apex}. PTR`, `host.${apex}. A`];
const local = (line: string) => line.replace(`${apex}.`, "local.");

/** An RR without its TTL. */
const textOf = (rr: RR) => formatRR({ ...rr, ttlSeconds: 0 });

function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[below(random, values.length)] as Value;
}

class Client {
  readonly line: string;
  readonly asker: Asker;
  state: "asking" | "answering" | "live" | "gone" = "asking";
  option: LlqOption | undefined;
  copy = new Set<string>();
  /** Events by their bytes: copies of one are the same, and IDs may come again. */
  readonly applied = new Set<string>();
  /** Message ID of what a reply is waited for. */
  id = 0;
  sentAt = 0;
  tries = 0;
  /** The event that the server waits to hear of, and since when. */
  unheard: { readonly id: number; readonly since: number } | undefined;

  constructor(line: string, asker: Asker) {
    this.line = line;
    this.asker = asker;
  }

  get key(): string {
    return JSON.stringify(this.asker.peer) + this.line;
  }
}

interface Flying {
  readonly at: number;
  readonly client: Client;
  readonly deliver: () => void;
}

class World {
  readonly random: Random;
  readonly stage = new Stage();
  readonly clients: Client[] = [];
  flying: Flying[] = [];
  isLossy = true;
  checked = 0;
  #serial = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** Lets time pass; every message and deadline in its turn. */
  pass(span: number): void {
    const end = this.stage.seconds + span;
    for (let rounds = 0; ; rounds++) {
      if (rounds > 5000) expect.fail(`does not come to rest at ${this.stage.seconds}`);
      const next = Math.min(this.flying[0]?.at ?? end, this.stage.nextSecond(), this.#retry(), end);
      this.stage.run(next);
      this.collect();
      while (this.flying[0] !== undefined && this.flying[0].at <= next) {
        this.flying.shift()?.deliver();
        this.collect();
      }
      for (const client of this.clients) this.#persist(client);
      this.check();
      if (next >= end) return;
    }
  }

  begin(isStream: boolean): void {
    this.#serial += 1;
    const asker = isStream ? tcp(this.#serial) : udp("192.0.2.7", 1024 + this.#serial);
    const client = new Client(pick(this.random, lines), asker);
    this.clients.push(client);
    this.ask(client);
  }

  ask(client: Client): void {
    client.state = "asking";
    client.id = below(this.random, 0x10000);
    client.tries = 0;
    this.#say(client, request(client.line, {}, client.id));
  }

  refresh(client: Client): void {
    if (client.option === undefined) return;
    const leaseSeconds = pick(this.random, [0, 900, 3600, 3600, 3600]);
    const wish = { ...client.option, opcode: 2, leaseSeconds };
    // Whether or not the server hears of it, this client listens no more.
    if (leaseSeconds === 0) client.state = "gone";
    this.#send(client, () => this.stage.say(request(client.line, wish), client.asker));
  }

  /** Takes what the server sent and puts it on its way. */
  collect(): void {
    for (const came of this.stage.take()) {
      const { to } = came.reply;
      const [option] = came.options as [LlqOption];
      const client = this.clients.find(
        ({ asker, line }) =>
          JSON.stringify(asker) === JSON.stringify(to) &&
          question(line).name.key === came.message.questions[0]!.name.key,
      );
      if (client === undefined) continue;
      if (came.reply.isEvent) {
        expect(option.opcode).toBe(3);
        const { id } = came.message;
        if (client.unheard?.id !== id) {
          // One at a time: never another while the last is not acknowledged.
          expect(client.unheard).toBeUndefined();
          if (to.transport === "udp") client.unheard = { id, since: came.at };
        }
      }
      if (to.transport === "udp") expect(came.reply.bytes.length).toBeLessThanOrEqual(1232);
      this.#send(client, () => this.#hear(client, came, option));
    }
  }

  check(): void {
    for (const client of this.clients) {
      const { unheard } = client;
      if (unheard !== undefined && this.stage.seconds >= unheard.since + 14) client.state = "gone";
      if (client.state !== "live" || unheard !== undefined) continue;
      const { name, type } = question(local(client.line));
      const truth = this.stage.link
        .find(this.stage.now, name, type)
        .map(({ rr }) => textOf(rr).replaceAll("local.", `${apex}.`));
      expect([...client.copy].sort()).toEqual(truth.sort());
      this.checked += 1;
    }
  }

  #hear(client: Client, came: Came, option: LlqOption): void {
    const { message } = came;
    const isReply = message.id === client.id;
    if (option.opcode === 2) {
      if (option.error !== 0 || option.leaseSeconds === 0) client.state = "gone";
    } else if (option.opcode === 3) {
      if (client.state === "live" && option.id === client.option?.id) this.#apply(client, came);
    } else if (client.state === "asking" && isReply && client.asker.transport === "udp") {
      client.option = option;
      client.state = "answering";
      client.id ^= 0x8000;
      client.tries = 0;
      this.#say(client, request(client.line, option, client.id));
    } else if (client.state !== "live" && client.state !== "gone" && isReply) {
      client.option = option;
      client.state = "live";
      client.copy = new Set(message.answers.map(textOf));
    }
  }

  #apply(client: Client, came: Came): void {
    const { message } = came;
    if (client.asker.transport === "udp") {
      this.#send(client, () => {
        this.stage.say(acknowledgement(came), client.asker);
        if (client.unheard?.id === message.id) client.unheard = undefined;
      });
      const copy = toHex(came.reply.bytes);
      if (client.applied.has(copy)) return;
      client.applied.add(copy);
    }
    for (const rr of message.answers) {
      // Only what was told can be taken back.
      if (rr.ttlSeconds === 0xffff_ffff) client.copy.delete(textOf(rr));
      else client.copy.add(textOf(rr));
    }
  }

  /** When the next client loses its patience. */
  #retry(): number {
    const waiting = this.clients.filter(({ state }) => state === "asking" || state === "answering");
    const times = waiting.map(({ sentAt, tries }) => sentAt + 2 * tries);
    return Math.max(this.stage.seconds, Math.min(...times));
  }

  #persist(client: Client): void {
    if (client.state !== "asking" && client.state !== "answering") return;
    if (this.stage.seconds + 0.0005 < client.sentAt + 2 * client.tries) return;
    if (client.tries > 3) {
      client.state = "gone";
      return;
    }
    const option = client.state === "asking" ? {} : client.option;
    this.#say(client, request(client.line, option, client.id));
  }

  #say(client: Client, bytes: Uint8Array): void {
    client.sentAt = this.stage.seconds;
    client.tries += 1;
    this.#send(client, () => this.stage.say(bytes, client.asker));
  }

  /** Over UDP it may be lost, come twice, and come late; a stream is a stream. */
  #send(client: Client, deliver: () => void): void {
    if (client.asker.transport !== "udp") {
      deliver();
      return;
    }
    const { random } = this;
    const copies = this.isLossy ? pick(random, [0, 1, 1, 1, 1, 1, 2, 3]) : 1;
    for (let left = copies; left > 0; left--) {
      const delay = this.isLossy ? below(random, 1500) / 1000 : 0.01;
      const flight = { at: this.stage.seconds + delay, client, deliver };
      const index = this.flying.findLastIndex(({ at }) => at <= flight.at);
      this.flying.splice(index + 1, 0, flight);
    }
  }

  /** A device says something. */
  announce(): void {
    const { random, stage } = this;
    const told = Array.from({ length: 1 + below(random, 5) }, () => {
      const ttl = pick(random, [0, 0, 3, 120, 4500, 4500, 4500]);
      const type = pick(random, ["_ipp._tcp", "_ipp._tcp", "_http._tcp"]);
      if (below(random, 6) === 0) return `!host.local. ${ttl} A 203.0.113.${below(random, 3)}`;
      return `${type}.local. ${ttl} PTR ${pick(random, labels)}.${type}.local.`;
    });
    stage.hear(...told);
  }

  step(): void {
    const { random, stage } = this;
    switch (below(random, 12)) {
      case 0:
        this.begin(below(random, 3) === 0);
        break;
      case 1: {
        const client = pick(random, this.clients);
        if (client?.state === "live") this.refresh(client);
        break;
      }
      case 2:
        if (below(random, 6) === 0) {
          stage.link.down(stage.now);
          stage.settle();
          stage.link.up(stage.now, { prefixes: [], mtu: 1500 });
        }
        break;
      case 3:
        stage.configure({});
        break;
      case 4: {
        // It has lost its memory and begins anew from the same port.
        const client = pick(random, this.clients);
        const isQuiet = this.flying.every((flight) => flight.client !== client);
        if (client?.state === "live" && isQuiet && client.asker.transport === "udp") {
          client.applied.clear();
          client.copy.clear();
          this.ask(client);
        }
        break;
      }
      default:
        this.announce();
    }
    this.collect();
    this.pass(below(random, 2500) / 1000);
  }
}

describe("the client's copy", () => {
  test.each([1, 2, 3, 4, 5, 6, 21, 29])("is what the link holds, seed %i", (seed) => {
    const world = new World(seed);
    world.begin(true);
    world.begin(false);
    for (let n = 0; n < 120; n++) world.step();
    expect(world.checked).toBeGreaterThan(100);
    // When the network heals, all who are left come to the truth, and stay with it.
    world.isLossy = false;
    world.pass(30);
    const live = world.clients.filter(({ state }) => state === "live");
    expect(live.length).toBeGreaterThan(0);
    expect(live.filter(({ unheard }) => unheard !== undefined)).toEqual([]);
    for (const { asker } of world.clients) {
      if (asker.transport !== "udp") world.stage.server.streamClosed(world.stage.now, asker.stream);
    }
    world.stage.run(world.stage.seconds + 7300);
    expect(world.stage.server.dump().llqs).toBe(0);
    expect(world.stage.link.questionCount).toBe(0);
  });
});
