// Everything two real avahi-daemons announce, browsed and resolved from two hops
// away: directly with dig and kdig, and through a resolver that follows the
// delegation in BIND.

import { expect } from "vitest";
import type { Avahi, AvahiService } from "./avahi.js";
import { until } from "./children.js";
import type { DnsClient, Dug, Line } from "./clients.js";
import type { Device, Heard } from "./device.js";
import { F2, H, type Lab, laboratory, officeConfig, R } from "./lab.js";
import { needs } from "./needs.js";
import { servicesOf } from "./offices.js";
import { escapeLabel, plainName, query, types } from "./packet.js";

const it = needs("avahi-daemon", "dig", "named", "unbound");
const withKdig = needs("avahi-daemon", "dig", "kdig", "named", "unbound");

interface Floor {
  readonly id: "floor1" | "floor2";
  readonly zone: string;
  readonly hosts: string;
  readonly net: 1 | 2;
  readonly services: readonly AvahiService[];
}

const floors: readonly Floor[] = [
  { id: "floor1", zone: R, hosts: H, net: 1, services: servicesOf("floor1") },
  { id: "floor2", zone: F2, hosts: F2, net: 2, services: servicesOf("floor2") },
];

let lab: Lab;
let client: DnsClient;
const avahis = new Map<string, Avahi>();
const devices = new Map<string, Device>();

const reverse6 = (net: number) => `${net}.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.`;
const parent = [
  {
    origin: "example.com.",
    lines: [
      `${R}. NS px.example.com.`,
      `${H}. NS px.example.com.`,
      `${F2}. NS px.example.com.`,
      "px.example.com. A 10.8.0.53",
      "px.example.com. AAAA 2001:db8:8::53",
    ],
  },
  {
    origin: "10.in-addr.arpa.",
    lines: [1, 2].map((net) => `0.${net}.10.in-addr.arpa. NS px.example.com.`),
  },
  {
    origin: "8.b.d.0.1.0.0.2.ip6.arpa.",
    lines: [1, 2].map((net) => `0.0.0.0.${reverse6(net)} NS px.example.com.`),
  },
];

laboratory(async (built) => {
  lab = built;
  await Promise.all([
    ...floors.map(async ({ id, net, services }) => {
      const hosts = { [`scanner-${id}.local`]: `10.${net}.0.99` };
      avahis.set(id, await lab.avahi(`ava${net}`, { host: id, services, hosts }));
      devices.set(id, await lab.device(`dev${net}`, `net${net}`));
    }),
    lab.bind("dns", ["10.9.0.53", "2001:db8:9::53"], parent),
  ]);
  await lab.unbound("cli", 5301, ["10.9.0.53"]);
  await lab.discd(officeConfig);
  client = await lab.client();
});

const instanceOf = (service: AvahiService, zone: string) =>
  plainName(`${escapeLabel(Buffer.from(service.name))}.${service.type}.${zone}`);

const typesOf = (floor: Floor) => [...new Set(floor.services.map(({ type }) => type))];

/** How a question is put: a program, a transport, directly or through the resolver. */
const ways: Readonly<Record<string, (...words: string[]) => Promise<Dug>>> = {
  "dig over UDP": (...words) => lab.dig("+notcp", ...words),
  "dig over TCP": (...words) => lab.dig("+tcp", ...words),
  "kdig over UDP": (...words) => lab.kdig("+notcp", ...words),
  "kdig over TCP": (...words) => lab.kdig("+tcp", ...words),
  "dig through Unbound": (...words) => lab.dig("@127.0.0.1", "-p", "5301", "+recurse", ...words),
};

function named(lines: readonly Line[]): string[] {
  return lines.map(({ data }) => plainName(data)).sort();
}

/** Puts many questions, a few at a time. */
async function each<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  const queue = items.map((item, i) => ({ item, i }));
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      results[next.i] = await work(next.item);
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return results;
}

for (const [way, ask] of Object.entries(ways)) {
  const suited = way.startsWith("kdig") ? withKdig : it;
  suited(`[A1.1] [A9.9] [DP-72] ${way}: all twenty services of both floors`, async () => {
    for (const floor of floors) {
      await each(typesOf(floor), async (type) => {
        const browse = await ask("PTR", `${type}.${floor.zone}.`);
        const own = floor.services.filter((service) => service.type === type);
        expect(named(browse.answer), type).toEqual(
          own.map((service) => instanceOf(service, floor.zone)).sort(),
        );
      });
      await each(floor.services, async (service) => {
        const name = instanceOf(service, floor.zone);
        const [srv, txt] = [await ask("SRV", name), await ask("TXT", name)];
        const host = `${service.host?.replace(".local", "") ?? floor.id}.${floor.hosts}`;
        const target = `0 0 ${service.port} ${host}.`;
        expect(
          srv.answer.map(({ data }) => data),
          name,
        ).toEqual([target]);
        expect(txt.answer, name).toHaveLength(1);
        for (const line of [...srv.answer, ...txt.answer, ...srv.additional]) {
          expect(line.ttl).toBeLessThanOrEqual(10);
          expect(`${line.name} ${line.data}`).not.toMatch(/\blocal\.?$/i);
        }
      });
    }
  });

  suited(`[A1.1] [A5.5] [DP-16] ${way}: addresses, and back to the names`, async () => {
    for (const { id, hosts, net } of floors) {
      const v6 = `2001:db8:${net}::2`;
      expect((await ask("A", `${id}.${hosts}.`)).answer.map(({ data }) => data)).toEqual([
        `10.${net}.0.2`,
      ]);
      expect((await ask("AAAA", `${id}.${hosts}.`)).answer.map(({ data }) => data)).toEqual([v6]);
      expect(named((await ask("-x", `10.${net}.0.2`)).answer)).toEqual([`${id}.${hosts}.`]);
      expect(named((await ask("-x", v6)).answer)).toEqual([`${id}.${hosts}.`]);
    }
  });
}

/** Rdata of a TXT as avahi itself sends it, in hex; asked from a full querier's port. */
async function announcedTxt(floor: Floor, name: string): Promise<string> {
  const device = devices.get(floor.id)!;
  const found = new Promise<string>((resolve) => {
    const onResponse = ({ message }: Heard) => {
      const all = [...message.answers, ...message.additionals];
      const record = all.find((r) => r.type === types.TXT && r.name === name);
      if (record === undefined) return;
      device.off("response", onResponse);
      resolve(record.raw.toString("hex"));
    };
    device.on("response", onResponse);
  });
  const repeat = setInterval(() => device.say(query([{ name, type: "TXT" }])), 1100);
  device.say(query([{ name, type: "TXT" }]));
  const hex = await found;
  clearInterval(repeat);
  return hex;
}

it("[DP-75] TXT bytes of all services are those on the link, over UDP and TCP", async () => {
  for (const floor of floors) {
    await each(floor.services, async (service) => {
      const wanted = await announcedTxt(floor, instanceOf(service, "local"));
      for (const tcp of [false, true]) {
        const reply = await client.ask(instanceOf(service, floor.zone), "TXT", { tcp });
        expect(
          reply.answers.map(({ raw }) => raw.toString("hex")),
          service.name,
        ).toEqual([wanted]);
      }
    });
  }
});

it("[A1.3] [DP-74] each zone lists the types of its own link, and no other", async () => {
  await each(floors, async (floor) => {
    const dug = await lab.dig("PTR", `_services._dns-sd._udp.${floor.zone}.`);
    expect(named(dug.answer)).toEqual(
      typesOf(floor)
        .map((type) => plainName(`${type}.${floor.zone}`))
        .sort(),
    );
    const foreign = floor.net === 1 ? "floor2" : "floor1";
    const other = await lab.dig("PTR", `_${foreign}._tcp.${floor.zone}.`);
    expect([other.status, other.answer]).toEqual(["NOERROR", []]);
  });
});

it("[DP-73] subtypes are browsed like types", async () => {
  for (const floor of floors) {
    const dug = await lab.dig("PTR", `_universal._sub._ipp._tcp.${floor.zone}.`);
    const wanted = floor.services.filter(
      ({ type, subtypes }) => type === "_ipp._tcp" && (subtypes?.length ?? 0) > 0,
    );
    expect(named(dug.answer)).toEqual(wanted.map((one) => instanceOf(one, floor.zone)).sort());
  }
});

it("[A1.2] SOA and NS are authoritative, and the resolver agrees", async () => {
  for (const { zone } of floors) {
    const soa = await lab.dig("SOA", `${zone}.`);
    const ns = await lab.dig("NS", `${zone}.`);
    for (const dug of [soa, ns]) expect(dug.flags).toEqual(["qr", "aa"]);
    expect(named(ns.answer)).toEqual(["px.example.com."]);
    const resolved = await ways["dig through Unbound"]!("NS", `${zone}.`);
    expect(named(resolved.answer)).toEqual(["px.example.com."]);
  }
});

it("[A5.5] [DP-107] an address nobody has is NODATA", async () => {
  const dug = await lab.dig("-x", "10.1.0.200");
  expect([dug.status, dug.answer]).toEqual(["NOERROR", []]);
});

it("[A1.1] a responder that stops is gone within its goodbye", async () => {
  expect((await lab.dig("PTR", `_floor2._tcp.${F2}.`)).answer).toHaveLength(1);
  await avahis.get("floor2")!.stop();
  await until(
    "the PTR is gone",
    async () => (await lab.dig("PTR", `_floor2._tcp.${F2}.`)).answer.length === 0,
    12_000,
    500,
  );
});
