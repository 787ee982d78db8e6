// Addresses in the kernel's form, remembered or not: interfaces that are made
// again have other indexes, and others have their names.

import { endianness } from "node:os";
import { expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import { AddressBook, socketAddress, socketAddressMax } from "../../src/os/socket-address.js";

const neighbour = "fe80::7%eth0";

/** As the kernel would have it: an address, and the index of an interface. */
const structure = (text: string, scope = 0) => {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(text);
  return socketAddress(address, scope, 5300);
};

class Stage {
  readonly names = new Map([["eth0", 2]]);
  readonly book = new AddressBook({
    indexOf: (name) => this.names.get(name),
    nameOf: (index) => [...this.names].find(([, one]) => one === index)?.[0],
  });

  text(bytes: Buffer): string {
    const room = Buffer.alloc(socketAddressMax);
    bytes.copy(room);
    return this.book.textAt(room, 0);
  }

  /** What a reply is sent to; undefined when it cannot be sent. */
  written(text: string): Buffer | undefined {
    const room = Buffer.alloc(socketAddressMax);
    const length = this.book.write(text, 5300, room, 0);
    return length === 0 ? undefined : room.subarray(0, length);
  }
}

test("sockaddr_in and sockaddr_in6, there and back", () => {
  const stage = new Stage();
  const [short, long] = [structure("192.0.2.7"), structure(neighbour, 2)];
  expect(short.toString("hex")).toMatch(/14b4c00002070000000000000000$/);
  expect(long.subarray(2, 24).toString("hex")).toBe(`14b400000000fe80${"0".repeat(26)}07`);
  expect(long.subarray(24).toString("hex")).toBe(endianness() === "LE" ? "02000000" : "00000002");
  expect([stage.text(short), stage.text(long)]).toEqual(["192.0.2.7", neighbour]);
  expect(stage.written("192.0.2.7")).toEqual(short);
  expect(stage.written(neighbour)).toEqual(long);
  expect(stage.written("fe80::7%eth1")).toBeUndefined();
});

test("an interface made again: neighbours too are written with its new index", () => {
  const stage = new Stage();
  stage.text(structure(neighbour, 2));
  expect(stage.written(neighbour)).toEqual(structure(neighbour, 2));
  stage.names.set("eth0", 9);
  expect(stage.book.bind("fe80::1%eth0", 5300)).toEqual(structure("fe80::1%eth0", 9));
  expect(stage.written(neighbour)).toEqual(structure(neighbour, 9));
});

test("an interface with another name: neighbours too are told by it", () => {
  const stage = new Stage();
  expect(stage.text(structure(neighbour, 2))).toBe(neighbour);
  stage.names.clear();
  stage.names.set("lan0", 2);
  stage.book.bind("192.0.2.1", 5300);
  expect(stage.text(structure(neighbour, 2))).toBe("fe80::7%lan0");
  expect(stage.written(neighbour)).toBeUndefined();
});

test("addresses that say all stay known", () => {
  const stage = new Stage();
  const known = structure("2001:db8::7");
  const room = Buffer.alloc(socketAddressMax);
  known.copy(room);
  const first = stage.book.textAt(room, 0);
  stage.book.bind("fe80::1%eth0", 5300);
  expect(stage.book.textAt(room, 0)).toBe(first);
  expect(stage.written(first)).toEqual(known);
});

test("more addresses than are remembered are all written right", () => {
  const stage = new Stage();
  const text = (n: number) => `fe80::${n.toString(16)}%eth0`;
  for (let n = 1; n < 25_000; n++) expect(stage.text(structure(text(n), 2))).toBe(text(n));
  for (const n of [1, 10_000, 24_999])
    expect(stage.written(text(n))).toEqual(structure(text(n), 2));
});
