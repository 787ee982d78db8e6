// Runs of discd in mode 'update' that end at bad moments, and runs that take over:
// what is ours is known again, what others wrote is never touched.

import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { restartGrace } from "../../src/update/limits.js";
import type { AvahiService } from "./avahi.js";
import { run, until } from "./children.js";
import type { Lab } from "./lab.js";
import { needs } from "./needs.js";
import { servicesOf } from "./offices.js";
import {
  deleted,
  lists,
  published,
  serial,
  shownBy,
  untilZone,
  updateConfig,
  updateSite,
} from "./update-lab.js";

const it = needs("avahi-daemon", "named", "dig");
let lab: Lab;
const { named, discd, printer, fresh } = updateSite((built) => {
  lab = built;
});

const keeps = () => {
  const words = ["dig", "@127.0.0.1", "+short", "keep.link1.discd.test", "A"];
  return run([...lab.enter("ns1"), ...words]) === "192.0.2.77\n";
};

const instances = (lines: readonly string[]) =>
  lines.filter((line) => line.includes(" SRV ")).length;

/** Twenty services with names that are hard to write, to send and to remember. */
const services: readonly AvahiService[] = servicesOf("floor1").map(({ host: _, ...rest }) => rest);

it("killed again and again while the zone is filled, it never loses what is its own [UP-57]", async () => {
  const primary = await named();
  const state = fresh("state");
  const avahi = await lab.avahi("ava1", { host: "host-ava1", services, ipv6: false });
  // Before, while and after the first updates leave: those come 3 to 6 s after a start.
  for (const moment of [2500, 3000, 3500, 4000, 4500, 5000, 5500]) {
    const doomed = await discd({ state });
    await sleep(moment - 1000);
    await doomed.child.stop("SIGKILL");
  }
  const last = await discd({ state });
  await untilZone("all are there", lab, (lines) => instances(lines) === services.length, 40_000);
  const heard = async () => (await shownBy(last)).services === services.length;
  await until("all are heard", heard, 20_000, 500);
  expect(deleted(primary)).toEqual([]);
  expect(last.log.join("\n")).not.toContain("state-file-faulty");
  // All of it is known to be ours, whoever wrote it: it goes with the device.
  await avahi.stop();
  await untilZone("all are gone", lab, (lines) => instances(lines) === 0, 40_000);
  expect(published(lab).join("\n")).not.toMatch(/ (TXT|A) /);
  expect(keeps()).toBe(true);
}, 240_000);

it("a link that comes in by a reload finds what was published before its own [UP-57]", async () => {
  await named();
  const state = fresh("state");
  const laser = await printer("ava1", "Laser");
  const first = await discd({ state });
  await untilZone("it is there", lab, () => lists(lab, "Laser._ipp._tcp"));
  await first.child.stop("SIGKILL");
  const second = await discd({ state, isIdle: true });
  second.reload(updateConfig({ state }));
  await until("it is listened for", async () => {
    const { engine } = (await second.state()) as unknown as { engine: { published: unknown[] } };
    return engine.published.length === 1 && (await shownBy(second)).services === 1;
  });
  await laser.stop();
  await untilZone("it is gone", lab, () => !lists(lab, "Laser._ipp._tcp"));
  // The other way round: a link that goes takes along what it published.
  await printer("ava2", "Inkjet");
  await untilZone("it is there", lab, () => lists(lab, "Inkjet._ipp._tcp"));
  second.reload(updateConfig({ state, isIdle: true }));
  await untilZone("it is gone", lab, (lines) => lines.length === 0);
  expect(keeps()).toBe(true);
});

it("a subtype that was announced once outlives a restart and its grace [UP-49] [UP-65]", async () => {
  const primary = await named();
  const state = fresh("state");
  const first = await discd({ state });
  const subtypes = ["_color._sub._ipp._tcp"];
  const laser = { name: "Laser", type: "_ipp._tcp", port: 631, txt: ["rp=print"], subtypes };
  const avahi = await lab.avahi("ava1", { host: "host-ava1", services: [laser], ipv6: false });
  const inColor = "_color._sub._ipp._tcp PTR Laser._ipp._tcp";
  await untilZone("it is there", lab, (lines) => lines.includes(inColor));
  // Avahi announces several times, for some seven seconds.
  await sleep(10_000);
  await first.child.stop("SIGKILL");
  await discd({ state });
  const begun = serial(lab);
  await sleep(restartGrace + 12_000);
  expect(published(lab)).toContain(inColor);
  expect(serial(lab)).toBe(begun);
  expect(deleted(primary)).toEqual([]);
  await avahi.stop();
}, 240_000);

it("without its state file it takes nothing away that it cannot know [UP-57]", async () => {
  const primary = await named();
  const state = fresh("state");
  const laser = await printer("ava1", "Laser");
  const first = await discd({ state });
  await untilZone("it is there", lab, () => lists(lab, "Laser._ipp._tcp"));
  await first.child.stop("SIGKILL");
  rmSync(state, { recursive: true });
  const second = await discd({ state });
  await until("it is listened for", async () => (await shownBy(second)).services === 1);
  await sleep(3000);
  await laser.stop();
  await sleep(5000);
  expect(deleted(primary)).toEqual([]);
  expect(second.log.join("\n")).not.toMatch(/"level":"fatal"/);
});

it("a stop with a primary that is away ends within seconds", async () => {
  const primary = await named();
  const daemon = await discd({ update: "withdraw_on_exit = true," });
  await printer("ava1", "Laser");
  await untilZone("it is there", lab, () => lists(lab, "Laser._ipp._tcp"));
  primary.kill("SIGSTOP");
  const begin = performance.now();
  daemon.child.kill("SIGTERM");
  await until("it ends", () => daemon.child.exit !== undefined, 15_000);
  expect(performance.now() - begin).toBeLessThan(6500);
  expect(daemon.child.exit).toEqual({ code: 0, signal: null });
  primary.kill("SIGCONT");
});
