// discd against code that nobody here wrote: multicast-dns as a responder and a
// querier, dns-packet as a client's decoder, avahi beside it on the same host,
// and a second discd on the same link.

import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { decode, encode, type Packet } from "dns-packet";
import { expect } from "vitest";
import type { Avahi } from "./avahi.js";
import type { Capture } from "./capture.js";
import { Child, until } from "./children.js";
import type { DnsClient } from "./clients.js";
import type { Device } from "./device.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { flush, query, rec, types } from "./packet.js";
import { dataOf, now } from "./stage.js";
import { recordTexts } from "./unpack.js";

const it = needs("avahi-daemon", "tcpdump");
const peerScript = fileURLToPath(new URL("peer.mjs", import.meta.url));
const Z = "floor1.example.com";

const drawing = `
  wan:  cli  10.9.0.2/24 | rt 10.9.0.1/24
  uplink: rt 10.8.0.1/24 | px 10.8.0.53/24 | px2 10.8.0.54/24
  net1: px   10.1.0.1/24 2001:db8:1::1/64
      | px2  10.1.0.9/24 2001:db8:1::9/64
      | dev1 10.1.0.3/24 2001:db8:1::3/64
      | js   10.1.0.4/24
`;

const config = `
interfaces = {
  { name = 'net1', subdomain = '${Z}', announce = { lb = { '${Z}' } } },
  { name = 'uplink', disable = true },
}
`;

const records = [
  { name: "_js._tcp.local", type: "PTR", ttl: 4500, data: "Node._js._tcp.local" },
  {
    name: "Node._js._tcp.local",
    type: "SRV",
    ttl: 120,
    data: { port: 8080, target: "node.local" },
  },
  { name: "Node._js._tcp.local", type: "TXT", ttl: 4500, data: ["lang=js", "v=1"] },
  { name: "node.local", type: "A", ttl: 120, data: "10.1.0.4" },
  { name: "node.local", type: "AAAA", ttl: 120, data: "2001:db8:1::4" },
];

let lab: Lab;
let client: DnsClient;
let peer: Child;
let dev1: Device;
let ear: Capture;
let avahi: Avahi;

laboratory(
  async (built) => {
    lab = built;
    // avahi holds port 5353 on the proxy host before discd starts.
    avahi = await lab.avahi("px", {
      host: "proxyhost",
      interfaces: ["net1"],
      services: [{ name: "On the proxy", type: "_own._tcp", port: 1234, txt: ["here=1"] }],
    });
    ear = await lab.capture("net1");
    dev1 = await lab.device("dev1", "net1");
    peer = new Child([
      ...lab.enter("js"),
      process.execPath,
      peerScript,
      JSON.stringify({ address: "10.1.0.4", records }),
    ]);
    lab.keep(peer);
    await peer.says(/^ready$/);
    await lab.discd(config, { apex: Z });
    client = await lab.client();
  },
  () => new Lab(drawing, { cli: ["10.9.0.1"], px: ["10.8.0.1"], px2: ["10.8.0.1"] }),
);

/** One question put with dns-packet's encoder and read with its decoder. */
async function foreign(name: string, type: "PTR" | "SRV" | "TXT" | "A" | "AAAA"): Promise<Packet> {
  const id = 1 + Math.floor(now() % 60_000);
  const bytes = encode({ type: "query", id, flags: 0, questions: [{ type, name }] });
  return decode((await client.exchange(bytes)).bytes);
}

it("multicast-dns as responder, dns-packet as client: the whole chain", async () => {
  const ptr = await foreign(`_js._tcp.${Z}`, "PTR");
  expect(ptr.answers).toMatchObject([{ type: "PTR", data: `Node._js._tcp.${Z}`, class: "IN" }]);
  const srv = await foreign(`Node._js._tcp.${Z}`, "SRV");
  expect(srv.answers).toMatchObject([
    { type: "SRV", data: { port: 8080, priority: 0, weight: 0, target: `node.${Z}` } },
  ]);
  const txt = await foreign(`Node._js._tcp.${Z}`, "TXT");
  expect(txt.answers).toMatchObject([
    { type: "TXT", data: [Buffer.from("lang=js"), Buffer.from("v=1")] },
  ]);
  const a = await foreign(`node.${Z}`, "A");
  expect(a.answers).toMatchObject([{ type: "A", data: "10.1.0.4", flush: false }]);
  const aaaa = await foreign(`node.${Z}`, "AAAA");
  expect(aaaa.answers).toMatchObject([{ type: "AAAA", data: "2001:db8:1::4" }]);
});

it("[DP-26] multicast-dns as querier hears the announced browse domain", async () => {
  peer.write(
    `${JSON.stringify({ questions: [{ name: "lb._dns-sd._udp.local", type: "PTR" }] })}\n`,
  );
  const line = await peer.says(/lb\._dns-sd/);
  const { answers } = JSON.parse(line) as Packet;
  expect(answers).toMatchObject([{ name: "lb._dns-sd._udp.local", type: "PTR", data: Z }]);
});

it("[A9.4] [DP-127] beside avahi-daemon: both hear, both answer, nobody is renamed", async () => {
  const own = await client.ask(`_own._tcp.${Z}`, "PTR");
  expect(dataOf(own.answers, types.PTR)).toEqual([`On\\032the\\032proxy._own._tcp.${Z}.`]);
  const host = await client.ask(`proxyhost.${Z}`, "A");
  expect(dataOf(host.answers, types.A)).toEqual(["10.1.0.1"]);
  // avahi is still there for others, and has heard nothing that made it change its name.
  const begin = now();
  await until(
    "avahi answers on the link",
    () => {
      // It repeats no record within a second, so the question may have to be put again.
      dev1.say(query([{ name: "proxyhost.local", type: "A" }]));
      return dev1.heard.some(
        ({ at, message }) =>
          at > begin && message.answers.some(({ name }) => name === "proxyhost.local."),
      );
    },
    10_000,
    1200,
  );
  expect(avahi.lines.filter((line) => /conflict|Host name is proxyhost-/i.test(line))).toEqual([]);
});

it("[A9.4] avahi-daemon can also start while discd runs", async () => {
  await avahi.stop();
  avahi = await lab.avahi("px", {
    host: "secondhost",
    interfaces: ["net1"],
    services: [{ name: "Later", type: "_later._tcp", port: 1235 }],
  });
  const found = await client.ask(`_later._tcp.${Z}`, "PTR");
  expect(dataOf(found.answers, types.PTR)).toEqual([`Later._later._tcp.${Z}.`]);
  expect((await client.ask(`node.${Z}`, "A")).answers).toHaveLength(1);
  const gone = await client.ask(`_own._tcp.${Z}`, "PTR");
  expect(gone.answers).toEqual([]);
});

it("[DP-127] no QU questions while another program shares the port", async () => {
  dev1.answers("n127.local", "A", [flush(rec("n127.local", "A", 120, "10.1.0.27"))]);
  await client.ask(`n127.${Z}`, "A");
  const mac = lab.mac("px", "net1");
  const questions = (await ear.from(mac)).flatMap(({ message }) =>
    message?.isResponse === false ? message.questions : [],
  );
  const asked = questions.filter(({ name }) => /^(n127|_own|_js)/.test(name));
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.filter((question) => question.class !== 1)).toEqual([]);
});

it("[A9.4] discd never answers for names it does not own", async () => {
  const mac = lab.mac("px2", "net1");
  const silent = config.replace(`, announce = { lb = { '${Z}' } }`, "");
  const second = await lab.discd(silent, {
    node: "px2",
    server: "10.8.0.54",
    apex: Z,
  });
  const begin = now();
  dev1.say(query([{ name: "proxyhost.local", type: "A" }]));
  dev1.say(query([{ name: "_js._tcp.local", type: "PTR" }]));
  await sleep(1500);
  const frames = (await ear.from(mac, begin)).filter(({ message }) => message?.isResponse);
  expect(frames).toEqual([]);
  await second.stop();
});

it("[DP-10] two proxies on one link give the same answers without sharing state", async () => {
  const second = await lab.discd(`${config}\nhostname = 'px2.example.com'`, {
    node: "px2",
    server: "10.8.0.54",
    apex: Z,
  });
  const other = await lab.client({ server: "10.8.0.54" });
  for (const [name, type] of [
    [`_js._tcp.${Z}`, "PTR"],
    [`Node._js._tcp.${Z}`, "SRV"],
    [`node.${Z}`, "A"],
  ] as const) {
    const [one, two] = [await client.ask(name, type), await other.ask(name, type)];
    expect(recordTexts(one.answers)).toHaveLength(1);
    expect(recordTexts(two.answers)).toEqual(recordTexts(one.answers));
  }
  const soas = [await client.ask(Z, "SOA"), await other.ask(Z, "SOA")];
  const [one, two] = soas.map(({ answers }) => dataOf(answers, types.SOA)[0]);
  expect(two).toBe(one!.replace("px.example.com.", "px2.example.com."));
  await second.stop();
});

it("[A9.5] a hundred clients asking one type cost the link one series", async () => {
  const type = "_crowd._tcp.local";
  dev1.answers(type, "PTR", [rec(type, "PTR", 4500, `One.${type}`)], { delay: 100 });
  const begin = now();
  const crowd = await Promise.all(Array.from({ length: 100 }, () => lab.client()));
  await Promise.all(crowd.map((one) => one.ask(`_crowd._tcp.${Z}`, "PTR")));
  for (let round = 0; round < 5; round++) {
    await sleep(1000);
    const replies = await Promise.all(crowd.map((one) => one.ask(`_crowd._tcp.${Z}`, "PTR")));
    for (const reply of replies) expect(reply.answers).toHaveLength(1);
  }
  const frames = await ear.queries(lab.mac("px", "net1"), type, "PTR", begin);
  expect(frames.length).toBeLessThanOrEqual(4);
});
