// A small, friendly link for tests that count: five printers that do all that is
// asked of them, no faults, one zone for services and one for hosts.

import { ms, seconds } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";
import { Device, goodDevice } from "./device.js";
import { floor2, plainWorld, type WorldPlan } from "./plan.js";
import { World } from "./world.js";

export const zone = floor2.zones.service;
export const browse = `_ipp._tcp.${zone}`;
export const instance = (number: number) => parseName(`Printer ${number}._ipp._tcp.${zone}`);

/** A world with one link and as many printers, up for a while already. */
export function office(printers: number, over: Partial<WorldPlan> = {}): World {
  const world = new World({ ...plainWorld, links: [floor2], ...over });
  const air = world.link(floor2.id);
  for (let number = 1; number <= printers; number++) {
    const device = new Device(
      {
        host: `printer-${number}`,
        number,
        families: ["ipv4", "ipv6"],
        hasLinkLocal: false,
        extra: [],
        uniqueTtlSeconds: undefined,
        sharedTtlSeconds: undefined,
        manners: goodDevice,
        services: [
          {
            instance: `Printer ${number}`,
            type: "_ipp._tcp",
            port: 631,
            txt: ["txtvers=1", "rp=ipp/print"],
            subtypes: [],
          },
        ],
      },
      world.chance.random,
    );
    air.stations.push(device);
    world.later(ms(number * 10), () => device.start(world.now));
  }
  world.run(seconds(5));
  // What was announced is old by then; nobody has asked, so nothing is asked.
  world.run(seconds(200));
  return world;
}
