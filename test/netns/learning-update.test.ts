// Mode 'update' where no subdomain is written: the DNS names it, else it is made of
// the network. BIND has the zones, takes the updates, and holds what decides.

import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect } from "vitest";
import { type Child, until } from "./children.js";
import { configure } from "./daemon.js";
import { type Lab, laboratory } from "./lab.js";
import { LearningStage, net1 } from "./learning-stage.js";
import { needs } from "./needs.js";
import { flush, rec } from "./packet.js";

const it = needs("dig", "named", "nsupdate", "unbound", "tcpdump");
const list = (kind: string) => `${kind}._dns-sd._udp.${net1}`;
const generated = "0a010000.example.com";
const F3 = "floor3.example.com";

let states = 0;
const config = (within: string, keys = "ipv6 = false") => `
hostname = 'discd1.example.com'
interfaces = { { name = 'net1', mode = 'update', ${keys} }, { name = '*', disable = true } }
update = { server = '10.9.0.53', within = { ${within} }, allow_unauthenticated = true,
  withdraw_on_exit = true, state = '${stage.folder}/state${++states}' }
`;

const everywhere = "'example.com', '10.in-addr.arpa'";

let lab: Lab;
let stage: LearningStage;
const running: Child[] = [];

laboratory(async (built) => {
  lab = built;
  stage = new LearningStage(lab);
  await stage.start([], ["allow-update { any; };"]);
  const device = await lab.device("dev1", "net1");
  const instance = "Laser._ipp._tcp.local";
  device.answers("_services._dns-sd._udp.local", "PTR", [
    rec("_services._dns-sd._udp.local", "PTR", 4500, "_ipp._tcp.local"),
  ]);
  device.answers("_ipp._tcp.local", "PTR", [rec("_ipp._tcp.local", "PTR", 4500, instance)]);
  device.answers(instance, "SRV", [flush(rec(instance, "SRV", 120, [0, 0, 631, "laser.local"]))]);
  device.answers(instance, "TXT", [flush(rec(instance, "TXT", 4500, ["a=b"]))]);
  device.answers("laser.local", "A", [flush(rec("laser.local", "A", 120, "10.1.0.6"))]);
  device.answers("laser.local", "AAAA", [flush(rec("laser.local", "AAAA", 120, "2001:db8:1::6"))]);
});

afterEach(async () => {
  for (const child of running.splice(0)) await child.stop();
});

async function launch(text: string): Promise<Child> {
  const child = stage.launch("-c", configure(text, true));
  running.push(child);
  await child.says(/"event":"started"/);
  return child;
}

const holds = (zone: string, isThere: boolean) =>
  until(
    `${zone} ${isThere ? "holds" : "is without"} the host`,
    async () => ((await stage.dataAt(`laser.${zone}`, "A")).length === 1) === isThere,
    30_000,
    300,
  );

it("[A3.2] [UP-6] [UP-5] [UP-7] [UP-8] without a record a name of the network; with one that, and back", async () => {
  const capture = await lab.capture("uplink", "udp port 53");
  const child = await launch(config(everywhere));
  await holds(generated, true);
  const asked = (await capture.from(lab.mac("px", "uplink"))).flatMap(({ message }) =>
    message === undefined || message.isResponse ? [] : message.questions.map(({ name }) => name),
  );
  const kinds = asked.filter((name) => name.endsWith(`._dns-sd._udp.${net1}.`));
  const inOrder = ["dr", "r", "db", "b", "lb"].map((kind) => `${list(kind)}.`);
  expect(kinds.slice(0, 5)).toEqual(inOrder);
  await capture.stop();
  // UP-7: the list below the network's name is discd's own work, and no source of the name.
  await until("the list", async () => (await stage.dataAt(list("lb"), "PTR")).length === 1);
  child.kill("SIGHUP");
  await sleep(3000);
  expect(await stage.dataAt(list("lb"), "PTR")).toEqual([`${generated}.`]);
  await holds(generated, true);
  // UP-8: in the subdomain itself, and in the domain around it.
  const listedAt = (place: string) => stage.dataAt(`lb._dns-sd._udp.${place}`, "PTR");
  expect(await listedAt(generated)).toEqual([`${generated}.`]);
  await until("the domain's list", async () =>
    (await listedAt("example.com")).includes(`${generated}.`),
  );

  stage.update(`update add ${list("dr")}. 1 PTR ${F3}.`);
  await sleep(1500);
  child.kill("SIGHUP");
  // First the new zone, then the old one: no moment without.
  for (let isMoved = false; !isMoved; ) {
    const before = await stage.dataAt(`laser.${generated}`, "A");
    const after = await stage.dataAt(`laser.${F3}`, "A");
    expect(before.length + after.length).toBeGreaterThan(0);
    isMoved = before.length === 0;
  }
  await holds(F3, true);
  await until("the domain lists the new name", async () => {
    const names = await listedAt("example.com");
    return names.includes(`${F3}.`) && !names.includes(`${generated}.`);
  });
  await until("no list", async () => (await stage.dataAt(list("lb"), "PTR")).length === 0, 15_000);

  stage.update(`update delete ${list("dr")}. PTR`);
  await sleep(2500);
  child.kill("SIGHUP");
  await holds(generated, true);
  await holds(F3, false);
}, 120_000);

it("[UP-9] a name outside of update.within: nothing is sent anywhere, one warning", async () => {
  stage.update(`update add ${list("dr")}. 1 PTR com.`);
  await sleep(1500);
  const capture = await lab.capture("uplink", "tcp port 53");
  const child = await launch(config("'campus.example.com'"));
  await sleep(5000);
  expect(await capture.from(lab.mac("px", "uplink"))).toEqual([]);
  expect(LearningStage.events(child, "zone-refused")).toHaveLength(1);
  await capture.stop();
});

it("[UP-10] [UP-3] per_subnet: the learned name of one network, and one made of the other", async () => {
  stage.update(`update delete ${list("dr")}. PTR`, `update add ${list("dr")}. 1 PTR ${F3}.`);
  await sleep(2500);
  await launch(config(everywhere, "per_subnet = true"));
  const six = "20010db800010000.example.com";
  await holds(F3, true);
  await until("the other subnet", async () => {
    return (await stage.dataAt(`laser.${six}`, "AAAA")).join() === "2001:db8:1::6";
  });
  expect(await stage.dataAt(`laser.${F3}`, "AAAA")).toEqual([]);
  expect(await stage.dataAt(`laser.${six}`, "A")).toEqual([]);
  expect(await stage.dataAt(`_ipp._tcp.${F3}`, "PTR")).toEqual([`Laser._ipp._tcp.${F3}.`]);
}, 60_000);
