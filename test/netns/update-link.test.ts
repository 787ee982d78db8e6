// From what devices say on a link to what stands in the zone of a real named, by the
// running daemon in mode 'update': what is published, when, in how many messages,
// and what never is. All on one link, each test with names of its own.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { AvahiService } from "./avahi.js";
import type { Daemon } from "./daemon.js";
import type { Device } from "./device.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { servicesOf } from "./offices.js";
import { escapeLabel, flush, plainName, query, rec, response, types } from "./packet.js";
import { drawing, goodbye, logged, Publishing, service, zone } from "./publishing.js";

const it = needs("avahi-daemon", "dig", "named", "tcpdump");

/** With it, instances of 60 bytes have names of more than 255. */
const longZone = `${Array.from({ length: 3 }, () => "z".repeat(57)).join(".")}.${zone}`;

let lab: Lab;
let site: Publishing;
let device: Device;
let device2: Device;
let daemon: Daemon;
const services = servicesOf("floor1");

laboratory(
  async (built) => {
    lab = built;
    site = new Publishing(lab);
    await site.open();
    await site.primary();
    const hosts = { "scanner-floor1.local": "10.1.0.99" };
    await lab.avahi("ava1", { host: "floor1", services, hosts });
    device = await lab.device("dev1", "net1");
    device2 = await lab.device("dev2", "net2");
    daemon = lab.keep(
      await site.start(`{ name = 'net1', mode = 'update', subdomain = '${zone}' },
  { name = 'net2', mode = 'update', subdomain = '${longZone}',
    services = { deny = { '_ssh._tcp' }, default = 'allow' },
    translate = { { type = '_ipp._tcp', txt = { URF = 'none' }, subtypes = { '_universal' } } } },`),
    );
  },
  () => new Lab(drawing, {}),
);

/** Octets of a presentation form as dig writes it, each escape made plain. */
const plain = (text: string) => plainName(text).toLowerCase();
const nameOf = ({ name, type }: AvahiService) =>
  plain(`${escapeLabel(Buffer.from(name))}.${type}.${zone}`);

it("[UP-37] [UP-38] [UP-49] [UP-50] all twenty services of a real avahi, whole, TTLs capped", async () => {
  await site.has(/^_floor1\._tcp\S+ 120 PTR/, { limit: 30_000 });
  await site.quiet();
  const lines = site.records().map((line) => {
    const [owner = "", ttl, type = "", ...rdata] = line.split(" ");
    return { owner: plain(owner), ttl: Number(ttl), type, rdata: rdata.join(" ") };
  });
  const at = (owner: string, type: string) =>
    lines.filter((line) => line.owner === plain(owner) && line.type === type);
  const targets = (owner: string) => at(owner, "PTR").map(({ rdata }) => plain(rdata));
  for (const one of services) {
    expect(targets(`${one.type}.${zone}`), one.name).toContain(nameOf(one));
    expect(targets(`_services._dns-sd._udp.${zone}`)).toContain(plain(`${one.type}.${zone}`));
    for (const subtype of one.subtypes ?? []) {
      expect(targets(`${subtype}.${zone}`), subtype).toContain(nameOf(one));
    }
    const host = `${one.host?.replace(".local", "") ?? "floor1"}.${zone}.`;
    expect(at(nameOf(one), "SRV").map(({ rdata }) => rdata)).toEqual([`0 0 ${one.port} ${host}`]);
    expect(at(nameOf(one), "TXT"), one.name).toHaveLength(1);
  }
  const web = services.find(({ name }) => name === "Web") as AvahiService;
  expect(at(nameOf(web), "TXT")[0]?.rdata).toBe('"adminurl=http://prnt.local/"');
  expect(at(`floor1.${zone}`, "A").map(({ rdata }) => rdata)).toEqual(["10.1.0.2"]);
  expect(at(`floor1.${zone}`, "AAAA").map(({ rdata }) => rdata)).toEqual(["2001:db8:1::2"]);
  expect(Math.max(...lines.map(({ ttl }) => ttl))).toBeLessThanOrEqual(120);
  expect(lines.filter(({ owner, rdata }) => /\.local\.?$/.test(`${owner} ${rdata}`))).toEqual([]);
});

it("[UP-1] one instance on two links is in the zone of each, with what that link says", async () => {
  device.announce(service("Twin", { host: "twin" }));
  device2.announce(service("Twin", { host: "twin", address: "10.2.0.3" }));
  await site.has(/^twin\.zzz/);
  await site.has(/^twin\.link1/);
  expect(site.records().filter((line) => line.startsWith("twin."))).toEqual([
    `twin.${zone}. 120 A 10.1.0.3`,
    `twin.${longZone}. 120 A 10.2.0.3`,
  ]);
});

it("[UP-35] neither probes nor known answers are published", async () => {
  const since = await site.quiet();
  const proposed = service("Probed", { host: "probed" });
  const name = "Probed._ipp._tcp.local";
  device.say(query([{ name, type: "ANY" }], { authorities: proposed }));
  device.say(query([{ name: "_ipp._tcp.local", type: "PTR" }], { answers: proposed }));
  await sleep(3500);
  expect(site.updates(since)).toEqual([]);
});

it("[UP-40] [UP-41] class 0x8001 is class 1 in the zone, and an empty TXT one empty string", async () => {
  device.announce(service("Blank", { host: "blank", txt: new Uint8Array(0) }));
  expect(await site.has(/^Blank\.\S+ \d+ TXT /)).toEqual([`Blank._ipp._tcp.${zone}. 120 TXT ""`]);
  expect(site.records()).toContain(`blank.${zone}. 120 A 10.1.0.3`);
});

it("[UP-42] link-local addresses alone are nothing; with another one everything comes within 2 s", async () => {
  const since = await site.quiet();
  device.announce(service("Hermit", { host: "hermit", address: "fe80::5" }));
  await sleep(3500);
  expect(site.updates(since)).toEqual([]);
  const begun = Date.now();
  device.announce([rec("hermit.local", "AAAA", 120, "2001:db8:1::5")]);
  await site.has(/^Hermit\.\S+ \d+ SRV /);
  expect(Date.now() - begun).toBeLessThan(2000);
  expect(site.records().filter((line) => line.startsWith("hermit."))).toEqual([
    `hermit.${zone}. 120 AAAA 2001:db8:1::5`,
  ]);
});

it("[UP-43] a service without its TXT is not published; then it is, in one message", async () => {
  const since = await site.quiet();
  const [ptr, srv, txt, a] = service("Patient", { host: "patient" });
  const asked = device.answers("Patient._ipp._tcp.local", "TXT", [], { send: () => response([]) });
  device.announce([ptr!, srv!, a!]);
  await sleep(3500);
  expect(site.updates(since)).toEqual([]);
  expect(asked.asked.length).toBeGreaterThan(0);
  asked.end();
  device.announce([txt!]);
  await site.has(/^Patient\.\S+ \d+ TXT /);
  await site.quiet();
  expect(site.updates(since)).toHaveLength(1);
});

it("[UP-44] ten announcements are one message", async () => {
  const since = await site.quiet();
  for (let turn = 0; turn < 10; turn++) {
    device.announce(service("Chatty", { host: "chatty" }));
    await sleep(250);
  }
  await site.has(/^Chatty\.\S+ \d+ SRV /);
  await site.quiet();
  expect(site.updates(since)).toHaveLength(1);
});

it("[UP-45] a goodbye is out within 3 s; with a rescue nothing is said", async () => {
  const records = service("Brief", { host: "brief" });
  device.announce(records);
  await site.has(/^Brief\.\S+ \d+ SRV /);
  const since = await site.quiet();
  device.announce(goodbye(records));
  await sleep(500);
  device.announce(records);
  await sleep(3500);
  expect(site.updates(since)).toEqual([]);
  const begun = Date.now();
  device.announce(goodbye(records));
  device.announce(goodbye(service("Nobody", { host: "nobody" })));
  await site.hasNot(/brief/i);
  expect(Date.now() - begun).toBeLessThan(3000);
  await site.quiet();
  expect(site.updates(since)).toHaveLength(1);
});

it("[UP-46] another address is one message that replaces the old one", async () => {
  device.announce(service("Mover", { host: "mover" }));
  await site.has(/^mover\./);
  const since = await site.quiet();
  device.announce([flush(rec("mover.local", "A", 120, "10.1.0.44"))]);
  await site.has(/^mover\.\S+ 120 A 10\.1\.0\.44$/);
  await site.quiet();
  expect(site.records().filter((line) => line.startsWith("mover."))).toHaveLength(1);
  expect(site.updates(since)).toHaveLength(1);
});

it("[UP-47] a silent device is asked four times, by QU, and deleted at the end", async () => {
  const begun = Date.now();
  device.announce(service("Mute", { host: "mute", ttl: 20 }));
  await site.has(/^Mute\.\S+ 20 SRV /);
  await site.hasNot(/^mute\./i, 30_000);
  expect(Date.now() - begun).toBeGreaterThan(20_000);
  const times = device.heard
    .filter(({ family, at }) => family === 4 && at - begun > 15_900 && at - begun < 20_000)
    .flatMap(({ message, at }) => message.questions.map((question) => ({ ...question, at })))
    .filter((question) => question.name === plainName("mute.local") && question.type === types.A);
  expect(times.map((one) => one.class)).toEqual([0x8001, 0x8001, 0x8001, 0x8001]);
  for (const [index, share] of [0.8, 0.85, 0.9, 0.95].entries()) {
    const elapsed = (times[index]?.at ?? 0) - begun;
    expect(elapsed).toBeGreaterThan(share * 20_000 - 100);
    expect(elapsed).toBeLessThan((share + 0.02) * 20_000 + 700);
  }
});

it("[UP-38] dots, backslashes, capitals, spaces and UTF-8 keep their bytes", async () => {
  const label = escapeLabel(Buffer.from("a.b\\c Ünï"));
  device.announce(service(label, { host: "odd" }));
  const [line = ""] = await site.has(/^a\\\.b\\\\\S+ \d+ SRV /);
  const labels = plainName(line.split(" ")[0] as string);
  expect(labels).toBe(plainName(`${label}._ipp._tcp.${zone}`));
});

it("[UP-38] what is too long for the zone is left out, with one line in the log", async () => {
  const since = await site.quiet();
  const instance = "i".repeat(60);
  for (let turn = 0; turn < 3; turn++) {
    device2.announce(service(instance, { host: "long", address: "10.2.0.3" }));
    await sleep(1000);
  }
  await sleep(1500);
  expect(site.updates(since)).toEqual([]);
  const told = logged(daemon, "service-left-out").filter(({ name }) => `${name}`.startsWith("iii"));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ level: "warn", reason: expect.stringContaining("too long") });
});

it("[UP-51] names that would seize infrastructure are never sent", async () => {
  const since = await site.quiet();
  for (const host of ["*", "wpad", "ns1", "ISATAP", "localhost"]) {
    device.announce(service(`At ${host}`, { host }));
  }
  const seizing = [
    "_dns-update._tcp",
    "_dns-update-tls._tcp",
    "_dns-push-tls._tcp",
    "_dns-llq._udp",
  ];
  for (const type of seizing) {
    device.announce(service("Seizer", { type, host: "seizer" }));
  }
  for (const host of ["_acme-challenge.seizer", "k._domainkey", "_dmarc"]) {
    device.announce(service(`At ${host.replaceAll(".", " ")}`, { host }));
  }
  device.announce(service("*", { host: "seizer" }));
  await sleep(4000);
  expect(site.updates(since)).toEqual([]);
  expect(site.records().filter((line) => /seizer|wpad|^\*|isatap|localhost/i.test(line))).toEqual(
    [],
  );
  expect(logged(daemon, "service-left-out").length).toBeGreaterThanOrEqual(12);
});

it("[UP-52] rules hide a type and add to a TXT; other TXTs keep their bytes", async () => {
  const at = { host: "box", address: "10.2.0.3" };
  device2.announce(service("Login", { ...at, type: "_ssh._tcp" }));
  device2.announce(service("Rule", at));
  device2.announce(service("Web", { ...at, type: "_http._tcp", txt: ["a", "b=", "=c"] }));
  await site.has(/^Web\.\S+\.zzz\S+ \d+ SRV /);
  await site.has(/^Rule\.\S+ \d+ SRV /);
  const lines = site.records();
  expect(lines).toContain(`Rule._ipp._tcp.${longZone}. 120 TXT "a=b" "URF=none"`);
  expect(lines).toContain(`Web._http._tcp.${longZone}. 120 TXT "a" "b=" "=c"`);
  expect(lines).toContain(
    `_universal._sub._ipp._tcp.${longZone}. 120 PTR Rule._ipp._tcp.${longZone}.`,
  );
  expect(lines.filter((line) => /_ssh.*zzz/.test(line))).toEqual([]);
});

it("[UP-53] a host with an underscore is published where the server allows it", async () => {
  device.announce(service("Phone", { host: "android_12" }));
  await site.has(/^Phone\.\S+ \d+ SRV 0 0 631 android_12\./);
  expect(site.records()).toContain(`android_12.${zone}. 120 A 10.1.0.3`);
});

it("[UP-39] types other than five stay on the link", async () => {
  const host = "every.local";
  device.announce([
    ...service("Every", { host: "every" }),
    flush(rec(host, 13, 120, Buffer.from("\x01x\x01y"))),
    flush(rec(host, "NSEC", 120, [host, "A"])),
    flush(rec(host, "HTTPS", 120, [1, host])),
    flush(rec(host, 65280, 120, Buffer.from("00010000000000006955d520", "hex"))),
    flush(rec("Every._ipp._tcp.local", 1234, 120, Buffer.of(0))),
  ]);
  await site.has(/^Every\.\S+ \d+ SRV /);
  const found = lab.run("dns", `dig @10.8.0.54 +noall +answer every.${zone} ANY`);
  const kinds = found.split("\n").map((line) => line.split(/\s+/)[3]);
  const own = new Set(kinds.filter((kind) => kind && !/^(RRSIG|NSEC)$/.test(kind)));
  expect(own).toEqual(new Set(["A", "TYPE65280"]));
  // The TIMEOUT is discd's own, and not what the device said.
  expect(found).not.toContain("6955D520");
});

it("[UP-36] multicast counts from whatever address, unicast that nobody asked for does not", async () => {
  const since = await site.quiet();
  const far = await device.socket({ family: 4, port: 5353, address: "198.51.100.7", ttl: 64 });
  far.send(response(service("Direct", { host: "direct" })), "10.1.0.1", 5353);
  device.sayTo(response(service("Direct", { host: "direct" })), "10.1.0.1");
  await sleep(3500);
  expect(site.updates(since)).toEqual([]);
  far.send(response(service("Distant", { host: "distant" })), "224.0.0.251", 5353);
  await site.has(/^Distant\.\S+ \d+ SRV /);
  const { engine } = (await daemon.state()) as unknown as {
    engine: { counts: Record<string, number> };
  };
  expect(engine.counts["drops/mdns-off-link"]).toBe(1);
  expect(engine.counts["drops/mdns-unasked-unicast"]).toBe(1);
});
