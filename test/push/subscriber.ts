// A client of Push as RFC 8765 describes it: it keeps a copy of what it was
// told and judges every byte that comes. Shares the record codec with the
// server, and nothing else.

import { expect } from "vitest";
import { parseType, RRType, typeName } from "../../src/wire/codes.js";
import { formatName, type Name, parseName } from "../../src/wire/name.js";
import { decodeRdata } from "../../src/wire/rdata/decode.js";
import { Reader } from "../../src/wire/reader.js";
import { formatRR } from "../../src/wire/text.js";
import { hex, toHex } from "../wire/captures.js";

const removeOne = 0xffff_ffff;
const removeAll = 0xffff_fffe;

interface Told {
  readonly name: Name;
  readonly type: number;
  /** `name ttl IN type rdata` */
  readonly line: string;
}

interface Wanted {
  readonly id: number;
  readonly name: Name;
  readonly type: number;
  readonly class: number;
}

export const u16 = (value: number): string => value.toString(16).padStart(4, "0");

/** A name in wire form, as hex. */
export function nameHex(text: string): string {
  const labels = parseName(text).labels.map((label) => Buffer.from(label, "latin1"));
  return `${labels.map((label) => u16(label.length).slice(2) + toHex(label)).join("")}00`;
}

const zeros = "0000000000000000";

export function subscribeHex(id: number, name: string, type: number, rrClass = 1): string {
  const body = `${nameHex(name)}${u16(type)}${u16(rrClass)}`;
  return `${u16(id)}3000${zeros}0040${u16(body.length / 2)}${body}`;
}

export const oneWayHex = (type: number, body: string): string =>
  `00003000${zeros}${u16(type)}${u16(body.length / 2)}${body}`;

export class Subscriber {
  readonly stream: number;
  isReset = false;
  /** Every message since the last `heard`, as hex. */
  #inbox: string[] = [];
  /** Changes since the last `news`: `+ rr`, `- rr`, `-- name type`. One list for each PUSH. */
  #news: string[][] = [];
  readonly #wanted = new Map<number, Wanted>();
  readonly #copy = new Map<string, Told>();

  constructor(stream: number) {
    this.stream = stream;
  }

  get wanted(): readonly Wanted[] {
    return [...this.#wanted.values()];
  }

  heard(): string[] {
    return this.#inbox.splice(0);
  }

  /** What the PUSHes since the last call said. */
  news(): string[][] {
    this.#inbox = [];
    return this.#news.splice(0);
  }

  /** The copy of one name, sorted. */
  copyOf(name: Name): string[] {
    const held = [...this.#copy.values()].filter((told) => told.name.key === name.key);
    return held.map(({ line }) => line).sort();
  }

  /** Everything held, sorted. */
  get copy(): string[] {
    return [...this.#copy.values()].map(({ line }) => line).sort();
  }

  wants(id: number, name: string, type: string, rrClass = 1): string {
    const number = parseType(type) ?? expect.fail(type);
    this.#wanted.set(id, { id, name: parseName(name), type: number, class: rrClass });
    return subscribeHex(id, name, number, rrClass);
  }

  wantsNoMore(id: number): string {
    this.#cancel(id);
    return oneWayHex(0x42, u16(id));
  }

  receives(bytes: Uint8Array): void {
    expect(this.isReset).toBe(false);
    this.#inbox.push(toHex(bytes));
    const primary = toHex(bytes.subarray(12, 14));
    const isResponse = (bytes[2] as number) >= 0x80;
    if (isResponse) {
      const id = ((bytes[0] as number) << 8) | (bytes[1] as number);
      if (((bytes[3] as number) & 0x0f) !== 0) this.#cancel(id);
    } else if (primary === "0041") this.#push(bytes);
  }

  #cancel(id: number): void {
    this.#wanted.delete(id);
    for (const [key, told] of this.#copy) if (!this.#isWanted(told)) this.#copy.delete(key);
  }

  #isWanted({ name, type }: { name: Name; type: number }): boolean {
    return this.wanted.some(
      (one) =>
        one.name.key === name.key &&
        (one.class === 1 || one.class === 255) &&
        (one.type === type || one.type === RRType.ANY || type === RRType.CNAME),
    );
  }

  #push(bytes: Uint8Array): void {
    expect(toHex(bytes.subarray(0, 12))).toBe(`00003000${zeros}`);
    expect(bytes.length).toBeLessThanOrEqual(16_382);
    const reader = new Reader(bytes, 14);
    expect(reader.u16("length")).toBe(bytes.length - 16);
    const news: string[] = [];
    while (reader.remaining > 0) news.push(this.#change(reader));
    expect(news.length).toBeGreaterThan(0);
    this.#news.push(news);
  }

  #change(reader: Reader): string {
    const name = reader.name("owner");
    const type = reader.u16("type");
    const rrClass = reader.u16("class");
    const ttlSeconds = reader.u32("ttl");
    const length = reader.u16("rdlen");
    if (ttlSeconds === removeAll) {
      expect([length, rrClass]).toEqual([0, 1]);
      for (const [key, told] of this.#copy) {
        const isMeant = type === RRType.ANY || told.type === type;
        if (isMeant && told.name.key === name.key) this.#copy.delete(key);
      }
      return `-- ${formatName(name)} ${typeName(type)}`;
    }
    expect(type).not.toBe(RRType.ANY);
    expect(rrClass).toBe(1);
    const rdata = decodeRdata(reader, type, rrClass, length);
    const rr = { name, type, class: 1, ttlSeconds: 0, rdata };
    const key = formatRR(rr).toLowerCase();
    if (ttlSeconds === removeOne) {
      this.#copy.delete(key);
      return `- ${formatRR(rr).replace(" 0 IN ", " ")}`;
    }
    expect(ttlSeconds).toBeLessThanOrEqual(0x7fff_ffff);
    // What nobody asked for is not taken, and a server gains nothing by sending it.
    expect(this.#isWanted({ name, type }), formatRR(rr)).toBe(true);
    const line = formatRR({ ...rr, ttlSeconds });
    this.#copy.set(key, { name, type, line });
    return `+ ${line.replace(" IN ", " ")}`;
  }
}

export { hex };
