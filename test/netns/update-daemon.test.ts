// discd in mode 'update' as a program, from a discd.lua to named on another host:
// what real devices announce stands in the zone, and what ends does not.

import { readdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { run, until } from "./children.js";
import { Daemon } from "./daemon.js";
import type { Lab } from "./lab.js";
import { needs } from "./needs.js";
import {
  deleted,
  lists,
  primaryAddress,
  published,
  serial,
  shownBy,
  untilZone,
  updateConfig,
  updateSite,
} from "./update-lab.js";

const it = needs("avahi-daemon", "named", "dig", "tcpdump", "ss");
let lab: Lab;
const { named, discd, printer, fresh } = updateSite((built) => {
  lab = built;
});

it("a service of a real device stands in the zone, and its goodbye removes it", async () => {
  await named();
  const daemon = await discd();
  const laser = await printer("ava1", "Laser");
  await printer("ava2", "Inkjet");
  const both = (lines: readonly string[]) =>
    ["Laser", "Inkjet"].every((name) => lines.includes(`_ipp._tcp PTR ${name}._ipp._tcp`));
  await untilZone("the services are there", lab, both);
  expect(published(lab)).toEqual([
    "Inkjet._ipp._tcp SRV 0 0 631 host-ava2",
    'Inkjet._ipp._tcp TXT "rp=print"',
    "Laser._ipp._tcp SRV 0 0 631 host-ava1",
    'Laser._ipp._tcp TXT "rp=print"',
    "_ipp._tcp PTR Inkjet._ipp._tcp",
    "_ipp._tcp PTR Laser._ipp._tcp",
    "_services._dns-sd._udp PTR _ipp._tcp",
    "b._dns-sd._udp PTR link1.discd.test.",
    "db._dns-sd._udp PTR link1.discd.test.",
    "host-ava1 A 10.1.0.2",
    "host-ava2 A 10.1.0.3",
    "lb._dns-sd._udp PTR link1.discd.test.",
  ]);
  expect(await shownBy(daemon)).toMatchObject({
    subdomain: "link1.discd.test",
    zone: "link1.discd.test",
    services: 2,
    isRunning: true,
  });
  await laser.stop();
  await untilZone("the service is gone", lab, (lines) => !lines.join().includes("Laser"));
  expect(published(lab)).toContain("_ipp._tcp PTR Inkjet._ipp._tcp");
  expect(published(lab).join()).not.toContain("host-ava1");
});

it("all of it goes over one TCP connection, and nothing over UDP [UP-16] [UP-18]", async () => {
  const seen = await lab.capture("wan", "host 10.8.0.53");
  await named();
  await discd();
  await printer("ava1", "Laser");
  await untilZone("it is there", lab, () => lists(lab, "Laser._ipp._tcp"));
  const again = await printer("ava2", "Inkjet");
  await untilZone("the other is there", lab, () => lists(lab, "Inkjet._ipp._tcp"));
  await again.stop();
  await untilZone("it is gone", lab, () => !lists(lab, "Inkjet._ipp._tcp"));
  const sent = await seen.from(lab.mac("px", "wan"));
  const toPrimary = sent.filter(({ target }) => target === primaryAddress);
  expect(toPrimary.filter(({ targetPort }) => targetPort !== 0)).toEqual([]);
  // TCP segments with SYN and without ACK; the payload of frames that are not UDP is the packet.
  const opens = toPrimary.filter(({ payload }) => payload[9] === 6 && (payload[33]! & 0x12) === 2);
  expect(opens).toHaveLength(1);
  expect(toPrimary.length).toBeGreaterThan(8);
  await seen.stop();
  // Without work it is closed, by us.
  const open = () => lab.run("px", `ss -Htn state established dst ${primaryAddress}`);
  expect(open()).toContain(":53");
  await until("it is closed", () => open() === "", 15_000, 250);
});

it("killed and started again it deletes nothing that lives [UP-57] [UP-65]", async () => {
  const primary = await named();
  const state = fresh("state");
  const first = await discd({ state, update: "trust_clock = true," });
  await printer("ava1", "Laser");
  const leaver = await printer("ava2", "Inkjet");
  await untilZone(
    "both are there",
    lab,
    () => lists(lab, "Inkjet._ipp._tcp") && lists(lab, "Laser._ipp._tcp"),
  );
  await first.child.stop("SIGKILL");
  expect(readdirSync(state)).toEqual(["link1.discd.test.journal"]);
  // It leaves while nobody listens.
  await leaver.stop();
  const second = await discd({ state, update: "trust_clock = true," });
  await sleep(20_000);
  // What is tried out at a start is not in question.
  expect(deleted(primary).join()).not.toMatch(/_tcp|host/);
  expect(lists(lab, "Laser._ipp._tcp")).toBe(true);
  await untilZone("who left is gone", lab, () => !lists(lab, "Inkjet._ipp._tcp"), 130_000);
  expect(lists(lab, "Laser._ipp._tcp")).toBe(true);
  expect(published(lab).join()).not.toContain("host-ava2");
  await until("named says so", () => deleted(primary).join().includes("Inkjet"));
  expect(deleted(primary).join()).not.toMatch(/Laser|ava1/);
  expect(second.log.join("\n")).not.toMatch(/"level":"(error|fatal)"/);
}, 240_000);

it("a clean stop leaves all where it is, or takes it back if it is told to", async () => {
  const primary = await named();
  const state = fresh("state");
  const first = await discd({ state });
  await printer("ava1", "Laser");
  await untilZone("it is there", lab, () => lists(lab, "Laser._ipp._tcp"));
  await first.stop();
  expect(first.child.exit).toEqual({ code: 0, signal: null });
  expect(deleted(primary)).toEqual([]);
  const second = await discd({ state, update: "withdraw_on_exit = true," });
  await until("it listens again", async () => (await shownBy(second)).services === 1);
  const begin = performance.now();
  await second.stop();
  expect(second.child.exit).toEqual({ code: 0, signal: null });
  expect(performance.now() - begin).toBeLessThan(5000);
  expect(published(lab)).toEqual([]);
  const words = ["dig", "@127.0.0.1", "+short", "keep.link1.discd.test", "A"];
  expect(run([...lab.enter("ns1"), ...words])).toBe("192.0.2.77\n");
});

it("a link that is back within the hold causes no update; one that stays away is withdrawn [UP-12]", async () => {
  const primary = await named();
  await discd();
  await printer("ava1", "Laser");
  await untilZone("it is there", lab, () => lists(lab, "Laser._ipp._tcp"));
  await sleep(3000);
  const [before, lines] = [serial(lab), primary.stderrLines.length];
  lab.run("px", "ip link set dev net1 down");
  await sleep(5000);
  lab.run("px", "ip link set dev net1 up");
  await sleep(12_000);
  expect(serial(lab)).toBe(before);
  const isUpdate = (line: string) => line.includes("updating zone");
  expect(primary.stderrLines.slice(0, lines).filter(isUpdate)).not.toEqual([]);
  expect(primary.stderrLines.slice(lines).filter(isUpdate)).toEqual([]);
  lab.run("px", "ip link set dev net1 down");
  await untilZone("it is withdrawn", lab, (left) => !left.join().includes("Laser"), 20_000);
  lab.run("px", "ip link set dev net1 up");
  await untilZone("it is back", lab, () => lists(lab, "Laser._ipp._tcp"));
});

it("a folder for state files that cannot be made keeps it from starting", async () => {
  const state = fresh("state");
  writeFileSync(state, "");
  const daemon = lab.keep(Daemon.launch(lab.enter("px"), updateConfig({ state })));
  await daemon.child.ended;
  expect(daemon.child.exit).toEqual({ code: 1, signal: null });
  expect(daemon.log).toEqual([
    expect.stringMatching(
      /^discd: what is published cannot be remembered in .*: a file stands .* as update\.state$/,
    ),
  ]);
});
