// Leak checks: what packets are read as, what is made of them, and the file they
// are kept in.

import { expect, test } from "vitest";
import { type Address, parseAddress } from "../../src/address.js";
import { packetText, readIpPacket } from "../../src/discli/leaks/ip-packet.js";
import { namesToAsk, sideOf, wordOf } from "../../src/discli/leaks/labels.js";
import { pcapFile } from "../../src/discli/leaks/pcap.js";
import { packetsMax, Sightings } from "../../src/discli/leaks/sightings.js";
import { judgeLeaks, type LeakEvidence, type Sighting } from "../../src/discli/leaks/verdict.js";
import { filterBytes, keptMax, namesFilter } from "../../src/os/packet-filter.js";
import { encodeMessage } from "../../src/wire/message.js";
import { displayName, parseName } from "../../src/wire/name.js";

const word = wordOf(new Uint8Array(16).map((_, index) => index * 7));
const zone = parseName("floor1.example.com");
const asked = namesToAsk(word, "zone", zone);
const question = { name: asked[0]!.name, type: 1, class: 1 };
const query = encodeMessage({ id: 7, rd: true, questions: [question] });

const half = (value: number) => [value >> 8, value & 255];
const udp = (from: number, to: number, payload: Uint8Array) => [
  ...[...half(from), ...half(to), ...half(8 + payload.length), 0, 0],
  ...payload,
];

function ipv4(protocol: number, rest: readonly number[], more: readonly number[] = []): Uint8Array {
  const header = [0x45 + more.length / 4, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0];
  return Uint8Array.from([...header, 10, 9, 0, 2, 10, 9, 0, 53, ...more, ...rest]);
}

function ipv6(next: number, rest: readonly number[]): Uint8Array {
  const address = (last: number) => [0x20, 1, 0x0d, 0xb8, ...Array(11).fill(0), last];
  return Uint8Array.from([0x60, 0, 0, 0, 0, 0, next, 64, ...address(2), ...address(0x53), ...rest]);
}

test("packets: both families, options, extension headers, tags of VLANs, TCP", () => {
  const text = `DNS query A ${displayName(question.name)}`;
  const plain = udp(4242, 53, query);
  const v4 = `10.9.0.2.4242 > 10.9.0.53.53: UDP, ${text}`;
  const v6 = `2001:db8::2.4242 > 2001:db8::53.53: UDP, ${text}`;
  const tcpHeader = [
    ...half(4242),
    ...half(53),
    ...Array(8).fill(0),
    0x60,
    24,
    ...Array(10).fill(0),
  ];
  const tcp = [...tcpHeader, ...half(query.length), ...query];
  const hop = [44, 0, ...Array(6).fill(0)];
  const fragment = [17, 0, 0, 1, 0, 0, 0, 9];
  const cases: readonly (readonly [number, Uint8Array, string])[] = [
    [0x0800, ipv4(17, plain), v4],
    [0x0800, ipv4(17, plain, [1, 1, 1, 1]), v4],
    [0x86dd, ipv6(17, plain), v6],
    [0x86dd, ipv6(0, [...hop, ...fragment, ...plain]), v6],
    [0x8100, Uint8Array.from([0, 5, 8, 0, ...ipv4(17, plain)]), v4],
    [0x0800, ipv4(6, tcp), `10.9.0.2.4242 > 10.9.0.53.53: TCP, ${text}`],
    [0x0800, ipv4(17, udp(5353, 5353, query)), `UDP, mDNS query A `],
    [0x0800, ipv4(17, udp(4242, 5355, query)), `UDP, LLMNR query A `],
    [0x0800, ipv4(1, plain), "10.9.0.2 > 10.9.0.53: an ICMP error that quotes it"],
    [0x0800, ipv4(47, plain), "in GRE"],
    [0x0800, ipv4(99, plain), "IP protocol 99"],
  ];
  for (const [type, bytes, says] of cases) {
    expect(packetText(readIpPacket(type, bytes)!)).toContain(says);
  }
  const later = ipv4(17, plain);
  later[7] = 9;
  expect(readIpPacket(0x0800, later)).toMatchObject({ sourcePort: 0, targetPort: 0 });
});

test("packets cut off anywhere are taken for what they show, or for nothing", () => {
  for (const [type, whole] of [
    [0x0800, ipv4(17, udp(4242, 53, query), [1, 1, 1, 1])],
    [0x86dd, ipv6(0, [17, 0, 0, 0, 0, 0, 0, 0, ...udp(4242, 53, query)])],
    [0x0800, ipv4(6, [...udp(4242, 53, query)])],
  ] as const) {
    for (let length = 0; length <= whole.length; length++) {
      const packet = readIpPacket(type, whole.subarray(0, length));
      if (packet !== undefined) packetText(packet);
    }
  }
  expect(readIpPacket(0x0806, Uint8Array.of(1, 2, 3))).toBeUndefined();
});

test("the word is found whatever the case of its letters, and wherever it stands", () => {
  const [outside] = namesToAsk(word, "outside", parseName("example.org"));
  const mixed = Buffer.from(query.map((byte, at) => (at % 2 && byte > 96 ? byte - 32 : byte)));
  expect(sideOf(mixed, word)).toBe("zone");
  expect(sideOf(Buffer.from(`x${outside!.name.labels[0]}y`), word)).toBe("outside");
  expect(sideOf(Buffer.from(`x${word.slice(1)}`), word)).toBeUndefined();
  expect(new Set(asked.map(({ name }) => name.key)).size).toBe(3);
  expect(word).toMatch(/^[a-z2-9]{16}$/);
});

test("packets are kept with their place, up to a bound, and counted beyond", () => {
  const lo = { name: "lo", index: 1, addresses: [], mtu: 1500, isUp: true, isLoopback: true };
  const seen = new Sightings(word, [{ ...lo, canMulticast: false }]);
  const bytes = ipv4(17, udp(4242, 53, query));
  const passed = { at: 1, way: 4, hardware: 772, protocol: 0x0800, station: new Uint8Array() };
  const packet = { ...passed, isOutgoing: true, bytes, length: bytes.length };
  seen.heard({ ...packet, interface: 1 });
  seen.heard({ ...packet, interface: 7 });
  seen.heard({ ...packet, interface: 7, bytes: Uint8Array.of(1, 2, 3) });
  expect(seen.all.map((one) => [one.interface, one.isLoopback])).toEqual([
    ["lo", true],
    ["interface 7", false],
  ]);
  bytes.fill(0);
  expect(seen.packets[0]!.bytes[0]).toBe(0x45);
  const again = { ...packet, interface: 1, bytes: seen.packets[0]!.bytes };
  for (let count = 2; count < packetsMax + 5; count++) seen.heard(again);
  expect([seen.packets.length, seen.all.length, seen.passedOver]).toEqual([
    ...[packetsMax, packetsMax, 5],
  ]);
});

const at = (text: string): Address => parseAddress(text)!;

function sighting(
  on: string,
  to: string,
  more: Partial<Sighting> & { port?: number } = {},
): Sighting {
  const { port = 53, ...rest } = more;
  return {
    ...{ at: 1_000_000, interface: on, isLoopback: false, isOutgoing: true, side: "zone" },
    packet: {
      ...{ source: at("10.0.0.1"), target: at(to), transport: "udp", protocol: 17 },
      ...{ sourcePort: 4242, targetPort: port, payload: query },
    },
    ...rest,
  };
}

const evidence: LeakEvidence = {
  zone: "floor1.example.com",
  intended: "wg0",
  policy: "internal",
  servers: [],
  asked,
  sightings: [],
  lost: 0,
};
const good = sighting("wg0", "10.8.0.53");
const servers = [at("10.8.0.53")];
const stay = { isLoopback: true };
const away = { side: "outside" } as const;

test.each<[string, Partial<LeakEvidence>, string, RegExp]>([
  ["on its path", { sightings: [good] }, "PASS", /^names of floor1\S+ were seen on wg0 and/],
  ["elsewhere", { sightings: [sighting("eth0", "192.0.2.1")] }, "FAIL", /by 192\.0\.2\.1$/],
  ["both", { sightings: [good, sighting("eth0", "192.0.2.1")] }, "FAIL", /by 192\.0\.2\.1$/],
  ["a copy below", { sightings: [good, sighting("eth0", "10.8.0.53")] }, "PASS", /seen on wg0/],
  [
    "the same bytes a second later",
    { sightings: [good, sighting("eth0", "10.8.0.53", { at: 2_000_000 })] },
    "FAIL",
    /by 10\.8\.0\.53$/,
  ],
  [
    "an answer that comes in elsewhere",
    { sightings: [good, sighting("eth0", "10.0.0.1", { isOutgoing: false })] },
    "FAIL",
    /by 10\.0\.0\.1$/,
  ],
  [
    "mDNS on the path",
    { sightings: [sighting("wg0", "224.0.0.251", { port: 5353 })] },
    "FAIL",
    /by/,
  ],
  [
    "LLMNR on the path",
    { sightings: [sighting("wg0", "ff02::1:3", { port: 5355 })] },
    "FAIL",
    /by/,
  ],
  ["its server", { sightings: [good], servers }, "PASS", /./],
  [
    "an answer of its server",
    {
      sightings: [
        good,
        {
          ...sighting("wg0", "10.0.0.1", { isOutgoing: false }),
          packet: { ...good.packet!, source: at("10.8.0.53"), target: at("10.0.0.1") },
        },
      ],
      servers,
    },
    "PASS",
    /./,
  ],
  ["another server", { sightings: [sighting("wg0", "10.8.0.9")], servers }, "FAIL", /10\.8\.0\.9$/],
  [
    "other names at others",
    { sightings: [good, sighting("eth0", "192.0.2.1", away)], servers },
    "PASS",
    /./,
  ],
  [
    "other names at its server",
    { sightings: [good, sighting("wg0", "10.8.0.53", away)], servers },
    "FAIL",
    /^the system asks a server of floor1\S+ for other names as well: 10\.8\.0\.53$/,
  ],
  [
    "every name counts",
    { sightings: [good, sighting("eth0", "192.0.2.1", away)], policy: "all" },
    "FAIL",
    /./,
  ],
  [
    "every name, on the path",
    { sightings: [good, sighting("wg0", "192.0.2.1", away)], policy: "all", servers },
    "PASS",
    /./,
  ],
  ["nothing", {}, "SKIP", /^the names were seen nowhere: encrypted DNS/],
  [
    "inside",
    { sightings: [sighting("lo", "127.0.0.53", stay)] },
    "SKIP",
    /a resolver on this host/,
  ],
  ["not all seen", { sightings: [good], lost: 3 }, "SKIP", /^3 packets passed too fast/],
  ["not all seen, and a leak", { sightings: [sighting("e", "::1")], lost: 3 }, "FAIL", /./],
])("A8.7 verdict: %s", (_, given, state, decision) => {
  const verdict = judgeLeaks({ ...evidence, ...given });
  expect(verdict.state).toBe(state);
  expect(verdict.decision).toMatch(decision);
  expect(verdict.leaks.length > 0).toBe(state === "FAIL");
  expect(verdict.remedy === undefined).toBe(state === "PASS");
});

test("the capture file: header, record and cooked header as libpcap lays them out", () => {
  const bytes = Uint8Array.of(0x45, 1, 2, 3);
  const station = Uint8Array.of(2, 0, 0, 0, 0, 9);
  const packet = { at: 1_700_000_000_250_001, interface: 3, way: 4, hardware: 1, station };
  const file = pcapFile([{ ...packet, protocol: 0x0800, bytes, length: 99 }], keptMax);
  const hex = Buffer.from(file).toString("hex").match(/.{8}/g)!.join(" ");
  expect(hex).toBe(
    [
      "d4c3b2a1 02000400 00000000 00000000 14080000 14010000",
      "00f15365 91d00300 18000000 77000000",
      "08000000 00000003 00010406 02000000 00090000 45010203",
    ].join(" "),
  );
});

/** Runs a socket filter as the kernel does (linux/filter.h), as far as it is used. */
function filtered(packet: Uint8Array): number {
  const program = namesFilter();
  let [a, x] = [0, 0];
  for (let step = 0; step < program.length; step++) {
    const [code, yes, no, value] = program[step]!;
    const load = (from: number, size: number) => {
      if (from + size > packet.length) return undefined;
      return size === 1 ? packet[from] : (packet[from]! << 8) | packet[from + 1]!;
    };
    const loads: Record<number, () => number | undefined> = {
      48: () => load(value, 1),
      40: () => load(value, 2),
      72: () => load(x + value, 2),
    };
    if (code === 0x06) return value;
    if (code === 0x54) a &= value;
    else if (code === 0x15) step += a === value ? yes : no;
    else if (code === 0xb1) x = (packet[value]! & 15) * 4;
    else {
      const found = loads[code]!();
      if (found === undefined) return 0;
      a = found;
    }
  }
  throw new Error("it does not end");
}

test("the filter keeps what may hold a name, and drops streams and QUIC", () => {
  const ports = (from: number, to: number) => [...half(from), ...half(to), 0, 0, 0, 0];
  for (const wrap of [ipv4, ipv6]) {
    expect(filtered(wrap(17, ports(4242, 53)))).toBe(keptMax);
    expect(filtered(wrap(17, ports(53, 4242)))).toBe(keptMax);
    expect(filtered(wrap(17, ports(4242, 5300)))).toBe(keptMax);
    expect(filtered(wrap(6, ports(4242, 53)))).toBe(keptMax);
    expect(filtered(wrap(6, ports(53, 4242)))).toBe(keptMax);
    expect(filtered(wrap(1, ports(0, 0)))).toBe(keptMax);
    expect(filtered(wrap(6, ports(4242, 443)))).toBe(0);
    expect(filtered(wrap(6, ports(80, 4242)))).toBe(0);
    expect(filtered(wrap(17, ports(4242, 443)))).toBe(0);
    expect(filtered(wrap(17, ports(443, 4242)))).toBe(0);
  }
  expect(filtered(ipv4(17, ports(4242, 443), [1, 1, 1, 1]))).toBe(0);
  expect(filtered(Uint8Array.of(0x00, 5, 8, 0))).toBe(keptMax);
  expect(filterBytes(namesFilter()).length).toBe(namesFilter().length * 8);
});
