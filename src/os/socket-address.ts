// Socket addresses in the form of the kernel, struct sockaddr_in and
// sockaddr_in6 (<netinet/in.h>): the port in network order, all else in that of
// the machine.

import { type Address, formatAddress, parseAddress } from "../address.js";

const afInet = 2;
const afInet6 = 10;

/** Bytes of the longer one, sockaddr_in6. */
export const socketAddressMax = 28;
const shortSize = 16;

const portAt = 2;
const shortAddressAt = 4;
const longAddressAt = 8;
const scopeAt = 24;

/** The end of an IPv6 address and scope in binary, where the address says all. */
const noScope = "\0\0\0\0";

/** Addresses remembered; at this many all are forgotten. */
const rememberedMax = 10_000;

/** What the kernel knows interfaces by, and what people do. */
export interface Scopes {
  indexOf(name: string): number | undefined;
  nameOf(index: number): string | undefined;
}

/** @param scope  index of the interface of a link-local address, else 0 */
export function socketAddress({ family, bytes }: Address, scope: number, port: number): Buffer {
  const isLong = family === "ipv6";
  const made = Buffer.alloc(isLong ? socketAddressMax : shortSize);
  new Uint16Array(made.buffer, made.byteOffset, 1)[0] = isLong ? afInet6 : afInet;
  made.writeUInt16BE(port, portAt);
  made.set(bytes, isLong ? longAddressAt : shortAddressAt);
  if (isLong) made.set(new Uint8Array(Uint32Array.of(scope).buffer), scopeAt);
  return made;
}

/** The texts of addresses that were seen, and back: the same few, again and again. */
export class AddressBook {
  readonly #scopes: Scopes;
  /** By number for IPv4, by bytes and scope for IPv6. */
  readonly #texts = new Map<number | string, string>();
  readonly #structures = new Map<string, Buffer>();

  constructor(scopes: Scopes) {
    this.#scopes = scopes;
  }

  /** The text of the address that stands at `start`, as Node spells it. */
  textAt(names: Buffer, start: number): string {
    const isShort = names[start] === afInet;
    const key = isShort
      ? names.readUInt32LE(start + shortAddressAt)
      : names.toString("latin1", start + longAddressAt, start + socketAddressMax);
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const text = formatAddress(this.#addressAt(names, start, isShort));
    if (this.#texts.size >= rememberedMax) this.#texts.clear();
    this.#texts.set(key, text);
    // What it was written as may be of an interface that had this name before.
    this.#structures.delete(text);
    return text;
  }

  /**
   * Writes an address where the kernel reads it.
   *
   * @returns its length; 0 when the text says nothing to the kernel
   */
  write(text: string, port: number, names: Buffer, start: number): number {
    const structure = this.#structures.get(text) ?? this.#meet(text);
    if (structure === undefined) return 0;
    names.set(structure, start);
    names[start + portAt] = port >> 8;
    names[start + portAt + 1] = port & 0xff;
    return structure.length;
  }

  /**
   * The structure of a text and a port, for an address of this host that is to be bound.
   * Interfaces have come or gone then, or have other names: every scope that is remembered, be
   * it of this address or of a neighbour's, is looked up anew.
   *
   * @returns undefined when the text says nothing to the kernel
   */
  bind(text: string, port: number): Buffer | undefined {
    this.#forgetScopes();
    const found = Buffer.alloc(socketAddressMax);
    const length = this.write(text, port, found, 0);
    return length === 0 ? undefined : found.subarray(0, length);
  }

  #forgetScopes(): void {
    for (const key of this.#texts.keys()) {
      if (typeof key === "string" && !key.endsWith(noScope)) this.#texts.delete(key);
    }
    for (const text of this.#structures.keys())
      if (text.includes("%")) this.#structures.delete(text);
  }

  #meet(text: string): Buffer | undefined {
    const address = parseAddress(text);
    if (address === undefined) return undefined;
    const scope = address.zone === undefined ? 0 : this.#scopes.indexOf(address.zone);
    if (scope === undefined) return undefined;
    const structure = socketAddress(address, scope, 0);
    if (this.#structures.size >= rememberedMax) this.#structures.clear();
    this.#structures.set(text, structure);
    return structure;
  }

  #addressAt(names: Buffer, start: number, isShort: boolean): Address {
    if (isShort) {
      const at = start + shortAddressAt;
      return { family: "ipv4", bytes: new Uint8Array(names.subarray(at, at + 4)) };
    }
    const at = start + longAddressAt;
    const bytes = new Uint8Array(names.subarray(at, at + 16));
    const scope = names.readUInt32LE(start + scopeAt);
    const zone = scope === 0 ? undefined : this.#scopes.nameOf(scope);
    return { family: "ipv6", bytes, ...(zone === undefined ? {} : { zone }) };
  }
}
