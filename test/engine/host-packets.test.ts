// Packets by host: who asks and answers on a link, within a bound.

import { expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import { countedHostsMax, HostPackets } from "../../src/engine/host-packets.js";

const query = Uint8Array.of(0, 0, 0, 0);
const response = Uint8Array.of(0, 0, 0x84, 0);
const at = (text: string) => parseAddress(text)!;

test("A2.1a queries and responses are told apart, both ways, over all addresses of a host", () => {
  const hosts = new HostPackets();
  hosts.heard(at("10.1.0.9"), query);
  hosts.heard(at("10.1.0.9"), response);
  hosts.heard(at("fe80::9%net1"), response);
  hosts.sent(at("10.1.0.9"), query);
  hosts.heard(at("10.1.0.8"), query);
  expect(hosts.of(["10.1.0.9", "fe80::9"])).toEqual({
    queriesIn: 1,
    responsesIn: 2,
    queriesOut: 1,
    responsesOut: 0,
  });
  expect(hosts.of(["10.1.0.7"])).toMatchObject({ queriesIn: 0 });
  expect(hosts.of([])).toMatchObject({ queriesIn: 0 });
});

test("whoever makes up senders is counted within a bound, and the others stay", () => {
  const hosts = new HostPackets();
  for (let count = 0; count < 2 * countedHostsMax; count++) {
    hosts.heard(at(`10.${count >> 16}.${(count >> 8) & 255}.${count & 255}`), query);
    hosts.heard(at("192.0.2.1"), query);
  }
  expect(hosts.size).toBe(countedHostsMax);
  expect(hosts.of(["192.0.2.1"]).queriesIn).toBe(2 * countedHostsMax);
});
