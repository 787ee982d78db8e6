// discd_updates_total against what named did: each UPDATE that it took is one serial
// more, each that it refused is a line of its log.

import { expect } from "vitest";
import { until } from "./children.js";
import type { Daemon } from "./daemon.js";
import type { Lab } from "./lab.js";
import { fetchPage, fetchText } from "./metrics-page.js";
import { needs } from "./needs.js";
import { lists, serial, untilZone, updateConfig, updateSite, updateZone } from "./update-lab.js";

const it = needs("avahi-daemon", "named", "dig");
let lab: Lab;
const { named, discd, printer, fresh } = updateSite((built) => {
  lab = built;
});

/** Results with their counts, of the zone. */
async function updates(daemon: Daemon): Promise<Record<string, number>> {
  const counted: Record<string, number> = {};
  for (const [sample, count] of await fetchPage(daemon)) {
    const found = /^discd_updates_total\{zone="(.*)",result="(.*)"\}$/.exec(sample);
    if (found === null) continue;
    expect(found[1]).toBe(updateZone);
    counted[found[2] as string] = count;
  }
  return counted;
}

it("updates that named took are its serials, whatever becomes of the zone meanwhile", async () => {
  await named();
  const state = fresh("state");
  const daemon = await discd({ state });
  const laser = await printer("ava1", "Laser");
  await untilZone("it is there", lab, () => lists(lab, "Laser._ipp._tcp"));
  // named began with serial 1, and every update that reaches it has something to change.
  const isEqual = async () => (await updates(daemon)).done === serial(lab) - 1;
  await until("as many as there are serials", isEqual);
  daemon.reload(updateConfig({ state, isIdle: true }));
  await until("the link is given up", async () => {
    const { updates: listed } = JSON.parse(await fetchText(daemon, "/v1/updates"));
    return listed.length === 0;
  });
  const then = (await updates(daemon)).done ?? 0;
  expect(then).toBeGreaterThan(0);
  daemon.reload(updateConfig({ state }));
  const inkjet = await printer("ava2", "Inkjet");
  await untilZone("the other is there", lab, () => lists(lab, "Inkjet._ipp._tcp"));
  expect((await updates(daemon)).done).toBeGreaterThan(then);
  await laser.stop();
  await inkjet.stop();
  await untilZone("both are gone", lab, (lines) => !/Laser|Inkjet/.test(lines.join()));
  await until("as many as there are serials", isEqual);
  expect(Object.keys(await updates(daemon))).toEqual(["done"]);
});

it("updates that named refuses are lines of its log", async () => {
  const server = await named({
    policy: ["grant discd-link1.example. zonesub A AAAA SRV TXT TYPE65280;"],
  });
  const daemon = await discd();
  await printer("ava1", "Laser");
  await until("something is refused", async () => (await updates(daemon)).refused !== undefined);
  const refusals = () => server.stderrLines.filter((line) => line.includes("(REFUSED)")).length;
  await until("both say the same", async () => {
    const count = refusals();
    return count > 0 && (await updates(daemon)).refused === count;
  });
});
