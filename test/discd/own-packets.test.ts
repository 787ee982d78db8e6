// Packets of our own that come back are known again, each once and for a moment.

import { expect, test } from "vitest";
import { OwnPackets } from "../../src/discd/own-packets.js";

const bytes = (value: number) => Uint8Array.of(value, 0, 0, 0);

test("what was sent is known again once, on its link and family", () => {
  const own = new OwnPackets();
  own.sent("net1", "ipv4", bytes(1), 0);
  expect(own.take("net2", "ipv4", bytes(1), 5)).toBe(false);
  expect(own.take("net1", "ipv6", bytes(1), 5)).toBe(false);
  expect(own.take("net1", "ipv4", bytes(2), 5)).toBe(false);
  expect(own.take("net1", "ipv4", bytes(1), 5)).toBe(true);
  expect(own.take("net1", "ipv4", bytes(1), 5)).toBe(false);
});

test("what somebody else sends later is not ours, and little is kept", () => {
  const own = new OwnPackets();
  own.sent("net1", "ipv4", bytes(1), 0);
  expect(own.take("net1", "ipv4", bytes(1), 1_000)).toBe(false);
  for (let at = 0; at < 200; at++) own.sent("net1", "ipv4", bytes(at), 2_000);
  expect(own.take("net1", "ipv4", bytes(100), 2_001)).toBe(false);
  expect(own.take("net1", "ipv4", bytes(199), 2_001)).toBe(true);
});
