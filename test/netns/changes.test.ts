// What happens to links and addresses while discd runs: down and up, deleted and
// made anew, new addresses, a responder that dies in silence.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { until } from "./children.js";
import { DnsClient } from "./clients.js";
import { F2, H, R } from "./lab.js";
import { needs } from "./needs.js";
import { flush, query, rec, types } from "./packet.js";
import { dataOf, isNodata, now, stage } from "./stage.js";

const it = needs("ss", "tcpdump");
const withAvahi = needs("avahi-daemon", "tcpdump");
const s = stage(`
interfaces = {
  { name = 'net1', subdomain = 'Building 1.example.com', hosts = 'bldg-1.example.com',
    warm = { '_warm._tcp' } },
  { name = 'net2', subdomain = 'floor2.example.com', reverse = true },
  { name = 'uplink', disable = true },
}
`);

const addressOf = async (name: string) => dataOf((await s.client.ask(name, "A")).answers, types.A);

it("[DP-121] a link that goes down forgets; up again, it is asked again", async () => {
  const type = "_warm._tcp.local";
  const device = s.dev1.answers(type, "PTR", [rec(type, "PTR", 4500, `W.${type}`)]);
  s.dev1.announce([rec(type, "PTR", 4500, `W.${type}`)]);
  s.dev1.answers("n121.local", "A", [flush(rec("n121.local", "A", 4500, "10.1.0.121"))]);
  await until(
    "warm",
    async () => (await s.client.ask(`_warm._tcp.${R}`, "PTR")).answers.length === 1,
  );
  expect(await addressOf(`n121.${H}`)).toEqual(["10.1.0.121"]);
  s.lab.run("px", "ip link set dev net1 down");
  await until(
    "the cache is flushed",
    async () => {
      const reply = await s.client.ask(`n121.${H}`, "A");
      return reply.answers.length === 0;
    },
    15_000,
    300,
  );
  device.asked.length = 0;
  const up = now();
  s.lab.run("px", "ip link set dev net1 up && ip addr replace 2001:db8:1::1/64 dev net1");
  await until("the standing question is asked again", () => device.asked.length > 0, 10_000);
  await until(
    "the name resolves again",
    async () => (await addressOf(`n121.${H}`)).length === 1,
    20_000,
  );
  expect(now() - up).toBeLessThan(20_000);
});

it("[A5.3] a new address is served within five seconds, a lost one left", async () => {
  const agent = await s.lab.agent("cli");
  s.lab.run(
    "px",
    "ip addr add 10.8.0.77/24 dev uplink && ip addr add 2001:db8:8::77/64 dev uplink",
  );
  const begin = now();
  for (const address of ["10.8.0.77", "2001:db8:8::77"]) {
    const client = await DnsClient.open(agent, address);
    await until(
      `${address} answers`,
      async () => {
        const reply = await client.ask(F2, "SOA", { limit: 250 }).catch(() => undefined);
        return reply?.answers.length === 1;
      },
      8000,
    );
    const tcp = await client.ask(F2, "SOA", { tcp: true });
    expect(tcp.answers).toHaveLength(1);
  }
  expect(now() - begin).toBeLessThan(5500);
  s.lab.run(
    "px",
    "ip addr del 10.8.0.77/24 dev uplink && ip addr del 2001:db8:8::77/64 dev uplink",
  );
  await until(
    "the sockets are closed",
    () => !s.lab.run("px", "ss -Hlnut").includes("10.8.0.77:53"),
    8000,
    250,
  );
  expect((await s.client.ask(F2, "SOA")).answers).toHaveLength(1);
});

it("a new prefix on a link makes a new reverse zone within five seconds", async () => {
  s.lab.run("px", "ip addr add 10.77.0.1/24 dev net2");
  const begin = now();
  await until(
    "the zone is served",
    async () => (await s.client.ask("0.77.10.in-addr.arpa", "SOA")).answers.length === 1,
    10_000,
    200,
  );
  expect(now() - begin).toBeLessThan(6500);
  s.lab.run("px", "ip addr del 10.77.0.1/24 dev net2");
  await until(
    "the zone is gone",
    async () => (await s.client.ask("0.77.10.in-addr.arpa", "SOA")).rcode === 5,
    10_000,
    200,
  );
});

it("an interface deleted and made anew is used again", async () => {
  s.dev2.answers("again.local", "A", [flush(rec("again.local", "A", 120, "10.2.0.44"))]);
  expect(await addressOf(`again.${F2}`)).toEqual(["10.2.0.44"]);
  s.lab.run("px", "ip link delete net2");
  await until(
    "nothing is served from the cache",
    async () => {
      const reply = await s.client.ask(`again.${F2}`, "A");
      return reply.answers.length === 0;
    },
    15_000,
    300,
  );
  s.lab.topology.attach("px", "net2");
  await until(
    "the name resolves on the new interface",
    async () => (await addressOf(`again.${F2}`)).length === 1,
    25_000,
    300,
  );
});

withAvahi("[DP-149] avahi killed without a goodbye: doubted when others ask in vain", async () => {
  const avahi = await s.lab.avahi("ava1", {
    host: "doomed",
    services: [{ name: "Doomed", type: "_doom._tcp", port: 9 }],
  });
  const names = async () =>
    dataOf((await s.client.ask(`_doom._tcp.${R}`, "PTR")).answers, types.PTR);
  await until("it is seen", async () => (await names()).length === 1);
  await avahi.kill();
  expect(await names()).toEqual([`Doomed._doom._tcp.Building\\0321.example.com.`]);
  for (let i = 0; i < 2; i++) {
    await sleep(1300);
    s.dev1.say(query([{ name: "_doom._tcp.local", type: "PTR" }]));
  }
  await sleep(11_000);
  expect(isNodata(await s.client.ask(`_doom._tcp.${R}`, "PTR"), R)).toBe(true);
});
