// A client in virtual time among a resolver and servers that do as a test says.
// What servers say is hex, or the id of an example, with its ID changed to the
// request's. Times are seconds from the start.

import { expect } from "vitest";
import { Client } from "../../src/client/client.js";
import type { ClientEffect, ClientInput, ClientOutput, Covers } from "../../src/client/io.js";
import { seededRandom } from "../../src/random.js";
import type { Instant } from "../../src/time.js";
import { parseType, RRClass, typeName } from "../../src/wire/codes.js";
import { encodeFrame } from "../../src/wire/frame.js";
import { decodeMessage, encodeMessage, type Message } from "../../src/wire/message.js";
import { formatName, parseName } from "../../src/wire/name.js";
import { formatRR, parseRRs } from "../../src/wire/text.js";
import { at, bytesOf } from "../dso/stage.js";
import { examples } from "../llq/examples.js";
import { hex, toHex } from "../wire/captures.js";

export const ipp = "_ipp._tcp.lab.example.com.";

/** Sections as zone-file lines; without any an empty answer. */
export interface Told {
  readonly answer?: string;
  readonly authority?: string;
  readonly additional?: string;
  readonly rcode?: number;
  readonly aa?: boolean;
}

/** What the resolver says, by `name TYPE`; undefined: an empty answer without an SOA. */
export type Names = Readonly<Record<string, Told | "silent">>;

/** What happens to a connection, by `transport address port`. */
export type Door = "open" | "closed" | "hanging" | { readonly untrusted: string };

export interface Channel {
  readonly number: number;
  readonly effect: ClientEffect & { kind: "connect" };
  /** Seconds at which it was asked for. */
  readonly at: number;
  /** What the client sent and nobody looked at, without lengths. */
  readonly heard: { readonly bytes: Uint8Array; readonly at: number }[];
  end?: "close" | "abort";
  endedAt?: number;
}

export interface Asked {
  readonly at: number;
  readonly what: string;
}

export class Stage {
  readonly client: Client;
  now: Instant = at(0);
  names: Names;
  doors: Record<string, Door>;
  covers: Covers = ["lab.example.com"];
  readonly asked: Asked[] = [];
  readonly channels: Channel[] = [];
  /** `+ rr`, `- rr`, `way push px… `, `failed …`, each with its second. */
  readonly told: [number, string][] = [];

  constructor(
    names: Names,
    doors: Record<string, Door> = {},
    options: Partial<ConstructorParameters<typeof Client>[1]> = {},
  ) {
    this.names = names;
    this.doors = doors;
    const usual = { resolvers: [], takesPush: true, takesLlq: true };
    this.client = new Client(seededRandom(7), { ...usual, ...options });
  }

  follow(name = ipp, type = "PTR"): this {
    const number = parseType(type) as number;
    this.client.follow(this.now, { name: parseName(name), type: number, class: RRClass.IN });
    return this.drain();
  }

  run(until: number): this {
    for (let idle = 0; ; ) {
      const next = this.client.nextDeadline();
      if (next === undefined || next > at(until)) break;
      expect(next).toBeGreaterThanOrEqual(this.now);
      // What is due is done at once, and not due again.
      idle = next === this.now ? idle + 1 : 0;
      expect(idle).toBeLessThan(10);
      this.now = next;
      this.input({ kind: "deadline" });
    }
    this.now = at(until);
    return this;
  }

  input(input: ClientInput): this {
    this.client.handle(this.now, input);
    return this.drain();
  }

  /** The server at the end of a channel says something; over streams with its length. */
  says(channel: Channel, ...messages: readonly (string | Uint8Array)[]): this {
    for (const message of messages) {
      const plain = typeof message === "string" ? bytesOfAny(message) : message;
      const bytes = channel.effect.transport === "udp" ? plain : encodeFrame(plain);
      this.input({ kind: "bytes", channel: channel.number, bytes });
    }
    return this;
  }

  /** What the client said there since the last call, as hex. */
  heard(channel: Channel): string[] {
    return channel.heard.splice(0).map(({ bytes }) => toHex(bytes));
  }

  /** The ID of the last message that the client sent there. */
  lastId(channel: Channel): number {
    const { bytes } = channel.heard.at(-1) as Channel["heard"][number];
    return ((bytes[0] as number) << 8) | (bytes[1] as number);
  }

  /** The last channel that was asked for. */
  get last(): Channel {
    return this.channels.at(-1) as Channel;
  }

  /** Second and text of what was told since the last call. */
  news(): [number, string][] {
    return this.told.splice(0);
  }

  /** The same without seconds. */
  texts(): string[] {
    return this.news().map(([, text]) => text);
  }

  get second(): number {
    return (this.now - at(0)) / 1000;
  }

  drain(): this {
    this.#collect();
    for (let effects = this.client.takeEffects(); effects.length > 0; ) {
      for (const effect of effects) this.#do(effect);
      effects = this.client.takeEffects();
    }
    this.#collect();
    return this;
  }

  #collect(): void {
    for (const output of this.client.takeOutputs()) this.told.push([this.second, textOf(output)]);
  }

  #do(effect: ClientEffect): void {
    switch (effect.kind) {
      case "query":
        this.#answer(effect);
        return;
      case "connect":
        this.#connect(effect);
        return;
      case "send": {
        const channel = this.#channel(effect.channel);
        expect(channel.end).toBe(undefined);
        const isUdp = channel.effect.transport === "udp";
        const bytes = isUdp ? effect.bytes : effect.bytes.slice(2);
        if (!isUdp)
          expect(toHex(effect.bytes.slice(0, 2))).toBe(toHex(encodeFrame(bytes).slice(0, 2)));
        channel.heard.push({ bytes, at: this.second });
        return;
      }
      default: {
        const channel = this.#channel(effect.channel);
        channel.end = effect.kind;
        channel.endedAt = this.second;
      }
    }
  }

  #channel(number: number): Channel {
    return this.channels.find((one) => one.number === number) as Channel;
  }

  #answer({ query, name, type }: ClientEffect & { kind: "query" }): void {
    const what = `${formatName(name)} ${typeName(type)}`;
    this.asked.push({ at: this.second, what });
    const told = this.names[what] ?? {};
    if (told === "silent") {
      this.client.handle(this.now, { kind: "unanswered", query, reason: "no answer within 9 s" });
      return;
    }
    const { answer = "", authority = "", additional = "", rcode = 0, aa = false } = told;
    // Over the wire, since that is where answers come from.
    const bytes = encodeMessage({
      isResponse: true,
      questions: [{ name, type, class: RRClass.IN }],
      answers: parseRRs(answer),
      authorities: parseRRs(authority),
      additionals: parseRRs(additional),
      rcode,
      aa,
    });
    const message: Message = decodeMessage(bytes);
    this.client.handle(this.now, { kind: "answered", query, message, from: "192.0.2.53" });
  }

  #connect(effect: ClientEffect & { kind: "connect" }): void {
    const { channel: number, transport, address, port } = effect;
    const channel: Channel = { number, effect, at: this.second, heard: [] };
    this.channels.push(channel);
    const door = this.doors[`${transport} ${address} ${port}`] ?? "closed";
    if (door === "hanging") return;
    const input: ClientInput =
      door === "open"
        ? { kind: "connected", channel: number, covers: this.covers }
        : door === "closed"
          ? { kind: "failed", channel: number, reason: "nothing listens there" }
          : { kind: "failed", channel: number, reason: door.untrusted };
    this.client.handle(this.now, input);
  }
}

function textOf(output: ClientOutput): string {
  switch (output.kind) {
    case "way":
      return `way ${output.way} ${output.place ?? ""}`.trim();
    case "failed":
      return `failed ${output.reason}`;
    default:
      return `${output.kind === "added" ? "+" : "-"} ${formatRR(output.rr)}`;
  }
}

/** An example of either kind, or hex. */
export function bytesOfAny(text: string): Uint8Array {
  const llq = examples[text as keyof typeof examples];
  return llq === undefined ? bytesOf(text) : hex(llq);
}

/** A message with its ID changed. */
export function withId(id: number, message: string | Uint8Array): Uint8Array {
  const copy = (typeof message === "string" ? bytesOfAny(message) : message).slice();
  copy.set([id >> 8, id & 0xff]);
  return copy;
}

const soa = "lab.example.com. 600 SOA px.example.com. hostmaster.example.com. 0 7200 3600 86400 10";

/** A zone as a Discovery Proxy tells of it, with one server for all ways. */
export const lab: Names = {
  [`${ipp} SOA`]: { authority: soa },
  "_dns-push-tls._tcp.lab.example.com. SRV": {
    answer: "_dns-push-tls._tcp.lab.example.com. 600 SRV 0 0 8853 px.example.com.",
  },
  "_dns-llq._udp.lab.example.com. SRV": {
    answer: "_dns-llq._udp.lab.example.com. 600 SRV 0 0 5352 px.example.com.",
  },
  "px.example.com. A": { answer: "px.example.com. 600 A 192.0.2.1" },
  [`${ipp} PTR`]: { answer: `${ipp} 10 PTR Lobby.${ipp}` },
};

export const pushDoor = "tls 192.0.2.1 8853";
export const llqDoor = "udp 192.0.2.1 5352";
export const pushPlace = "px.example.com (192.0.2.1) port 8853";
export const llqPlace = "px.example.com (192.0.2.1) port 5352";

export const lobby = (ttl = 4500) => `${ipp} ${ttl} IN PTR Lobby.${ipp}`;
export const foyer = (ttl = 4500) => `${ipp} ${ttl} IN PTR Foyer.${ipp}`;
