// Zones learned from the DNS: discd with no configuration, or with a file that
// names no zone, in front of BIND and Unbound. What decides is in their zones.

import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect } from "vitest";
import { type Child, until } from "./children.js";
import { dig } from "./clients.js";
import { configure } from "./daemon.js";
import { type Lab, laboratory } from "./lab.js";
import { LearningStage, net1, net2six } from "./learning-stage.js";
import { needs } from "./needs.js";
import { flush, rec } from "./packet.js";

const it = needs("curl", "dig", "named", "unbound", "tcpdump");
const F1 = "floor1.example.com";
const F2 = "floor2.example.com";
const floor1 = `lb._dns-sd._udp.${net1}. PTR ${F1}.`;
const floor2 = `b._dns-sd._udp.${net2six}. PTR ${F2}.`;

let lab: Lab;
let stage: LearningStage;
const running: Child[] = [];

laboratory(async (built) => {
  lab = built;
  stage = new LearningStage(lab);
  await stage.start([floor1]);
  for (const [link, address] of [
    ["1", "10.1.0.6"],
    ["2", "10.2.0.6"],
  ] as const) {
    const device = await lab.device(`dev${link}`, `net${link}`);
    device.answers("bare.local", "A", [flush(rec("bare.local", "A", 120, address))]);
  }
});

afterEach(async () => {
  stage.silence(false);
  for (const child of running.splice(0)) await child.stop();
});

async function launch(...options: readonly string[]): Promise<Child> {
  const child = stage.launch(...options);
  running.push(child);
  await child.says(/"event":"started"/);
  return child;
}

const ask = async (name: string) => {
  const { status, answer } = await lab.dig("A", `${name}.`);
  return `${status} ${answer.map(({ data }) => data).join(" ")}`.trim();
};

const becomes = (name: string, wanted: string) =>
  until(`${name}: ${wanted}`, async () => (await ask(name)) === wanted, 15_000, 200);

const events = (child: Child, event: string) => LearningStage.events(child, event);

it("[A1.6] no file: the link in whose network the record is has the delegated zone", async () => {
  const child = await launch();
  // From the start: no client ever saw the link under another name.
  expect(events(child, "serving")[0]).toMatchObject({
    links: expect.arrayContaining([
      expect.objectContaining({ link: "net1", service: F1, source: "ptr" }),
      expect.objectContaining({ link: "net2", service: "net2.home.arpa", source: "generated" }),
    ]),
  });
  expect(await ask(`bare.${F1}`)).toBe("NOERROR 10.1.0.6");
  expect(await ask("bare.net2.home.arpa")).toBe("NOERROR 10.2.0.6");
  expect(await ask("bare.net1.home.arpa")).toBe("REFUSED");
  // A resolver that follows the delegation finds it.
  const found = await dig(lab.enter("cli"), ["@127.0.0.1", "+recurse", "A", `bare.${F1}.`]);
  expect(found.answer.map(({ data }) => data)).toEqual(["10.1.0.6"]);
  expect(events(child, "zone-learned")).toMatchObject([
    { link: "net1", zone: F1, record: `lb._dns-sd._udp.${net1}`, delegation: "ours" },
  ]);
  // The log says which record would name the other link.
  expect(child.stderrLines.join("\n")).toContain("lb._dns-sd._udp.0.0.2.10.in-addr.arpa would");
  child.kill("SIGUSR2");
  await until("a dump", () => events(child, "state").length > 0);
  const state = events(child, "state")[0] as { learning: { links: { link: string }[] } };
  const link = state.learning.links.find((one) => one.link === "net1");
  expect(link).toMatchObject({
    networks: expect.arrayContaining([
      expect.objectContaining({
        network: "10.1.0.0/24",
        zone: expect.objectContaining({
          name: F1,
          domainPtr: true,
          nsActive: true,
          netRevAddr: true,
          browseable: true,
          refreshed: expect.any(Number),
          timesOut: expect.any(Number),
        }),
      }),
    ]),
  });
});

it("A1.6 the API lists what was learned with its record, its flags and its times", async () => {
  const child = await launch();
  const socket = `/proc/${child.pid}/root/run/discd/http`;
  const read = (path: string) =>
    JSON.parse(lab.run("px", `curl -s --unix-socket ${socket} http://localhost${path}`));
  const { zones } = read("/v1/zones");
  const of = (link: string) =>
    zones.find(
      (one: { link: string; kind: string }) => one.link === link && one.kind === "service",
    );
  expect(of("net1")).toMatchObject({
    zone: F1,
    index: Number(lab.run("px", "cat /sys/class/net/net1/ifindex")),
    source: "ptr",
    learned: {
      record: `lb._dns-sd._udp.${net1}`,
      domainPtr: true,
      nsActive: true,
      netRevAddr: true,
      browseable: true,
    },
  });
  const { refreshedSeconds, timesOutSeconds } = of("net1").learned;
  expect(refreshedSeconds).toBeLessThan(20);
  expect(timesOutSeconds).toBeGreaterThan(900);
  expect(of("net2")).toMatchObject({ source: "generated", learned: null });
  expect(read("/v1/domains").known).toContainEqual(
    expect.objectContaining({ domain: "example.com", viaHostname: true, viaResolvConf: false }),
  );
  // What the DNS says by now is believed at once when somebody asks for it.
  await stage.rewrite([floor1, floor2]);
  lab.run("px", `curl -s --unix-socket ${socket} -X POST http://localhost/v1/refresh`);
  await becomes(`bare.${F2}`, "NOERROR 10.2.0.6");
  await stage.rewrite([floor1]);
});

it("[UP-3] [UP-4] [A3.2] the questions on the wire, in their order", async () => {
  const capture = await lab.capture("uplink", "udp port 53");
  await launch();
  const mac = lab.mac("px", "uplink");
  const asked = (await capture.from(mac)).flatMap(({ message }) =>
    message === undefined || message.isResponse
      ? []
      : message.questions.map(({ name }) => name.replace(/\.$/, "")),
  );
  const kindsOf = (net: string) =>
    asked.filter((name) => name.endsWith(`._dns-sd._udp.${net}`)).map((name) => name.split(".")[0]);
  expect(kindsOf(net1)).toEqual(["dr", "r", "db", "b", "lb"]);
  expect(kindsOf(net2six)).toEqual(["dr", "r", "db", "b", "lb"]);
  expect(asked.filter((name) => /254\.169|e\.f\.ip6/.test(name))).toEqual([]);
  await capture.stop();
});

it("[A1.7] the record goes: withdrawn, and the log says why; it returns: back again", async () => {
  const child = await launch();
  expect(await ask(`bare.${F1}`)).toBe("NOERROR 10.1.0.6");
  await stage.rewrite([]);
  child.kill("SIGHUP");
  await becomes(`bare.${F1}`, "REFUSED");
  expect(await ask("bare.net1.home.arpa")).toBe("NOERROR 10.1.0.6");
  expect(events(child, "zone-withdrawn")).toMatchObject([
    {
      link: "net1",
      zone: F1,
      reason: expect.stringMatching(/^there is no PTR at dr, r, db, b, lb/),
    },
  ]);
  await stage.rewrite([floor1]);
  child.kill("SIGHUP");
  await becomes(`bare.${F1}`, "NOERROR 10.1.0.6");
  expect(child.exit).toBeUndefined();
});

it("[A1.7] a record for an IPv6 prefix does the same", async () => {
  await stage.rewrite([floor1, floor2]);
  const child = await launch();
  expect(await ask(`bare.${F2}`)).toBe("NOERROR 10.2.0.6");
  expect(await ask(`bare.${F1}`)).toBe("NOERROR 10.1.0.6");
  await stage.rewrite([floor1]);
  child.kill("SIGHUP");
  await becomes(`bare.${F2}`, "REFUSED");
  expect(events(child, "zone-withdrawn")).toMatchObject([{ link: "net2", zone: F2 }]);
});

it("an interface that the file does not list: where the DNS names a zone, and only there", async () => {
  const file = configure(`interfaces = { { name = 'net1', subdomain = 'one.example.net' } }`);
  const capture = await lab.capture("net2");
  const child = await launch("-c", file);
  await becomes("bare.one.example.net", "NOERROR 10.1.0.6");
  await sleep(1500);
  expect(await capture.from(lab.mac("px", "net2"))).toEqual([]);
  expect(await ask(`bare.${F1}`)).toBe("REFUSED");
  await stage.rewrite([floor1, floor2]);
  child.kill("SIGHUP");
  await becomes(`bare.${F2}`, "NOERROR 10.2.0.6");
  await stage.rewrite([floor1]);
  child.kill("SIGHUP");
  await becomes(`bare.${F2}`, "REFUSED");
  await capture.stop();
});

it("two links that are named the same: the first has the zone, and the log says so", async () => {
  await stage.rewrite([floor1, `lb._dns-sd._udp.${net2six}. PTR ${F1}.`]);
  const child = await launch();
  expect(await ask(`bare.${F1}`)).toBe("NOERROR 10.1.0.6");
  expect(await ask("bare.net2.home.arpa")).toBe("NOERROR 10.2.0.6");
  expect(child.stderrLines.join("\n")).toContain(
    `interface net2 does not get ${F1}, which lb._dns-sd._udp.${net2six} names for it: interface net1 has it already`,
  );
});

it("[A1.6] a list of the host's domain: for the one link without a name, else for none", async () => {
  await stage.rewrite([`b._dns-sd._udp.example.com. PTR ${F2}.`]);
  const file = configure(`interfaces = { { name = 'net2' }, { name = '*', disable = true } }`);
  const one = await launch("-c", file);
  expect(await ask(`bare.${F2}`)).toBe("NOERROR 10.2.0.6");
  await one.stop();
  const other = await launch();
  expect(events(other, "zones-without-link")).toMatchObject([
    { zones: [F2], links: expect.arrayContaining(["net1", "net2"]) },
  ]);
  await stage.rewrite([floor1]);
});

it("a resolver that is silent holds up a start for two seconds, and takes nothing away", async () => {
  stage.silence(true);
  const begin = Date.now();
  const child = await launch();
  expect(Date.now() - begin).toBeLessThan(8000);
  expect(await ask("bare.net1.home.arpa")).toBe("NOERROR 10.1.0.6");
  stage.silence(false);
  child.kill("SIGHUP");
  await becomes(`bare.${F1}`, "NOERROR 10.1.0.6");
  stage.silence(true);
  child.kill("SIGHUP");
  await child.says(/stays for a while.*"event":"zones-not-found-out"/);
  expect(await ask(`bare.${F1}`)).toBe("NOERROR 10.1.0.6");
}, 60_000);

it("with no network at all a start waits for nobody", async () => {
  lab.topology.addNode("solo");
  const begin = Date.now();
  const child = stage.launchIn("solo", "--demo");
  running.push(child);
  await child.says(/"event":"started"/);
  expect(Date.now() - begin).toBeLessThan(4000);
  expect(events(child, "zones-not-found-out")).toEqual([]);
});
