// Who and what may be on a simulated link: names that break careless code, and
// devices drawn from them. Both links have devices of the same names, with other
// addresses and ports, so that mixing them up shows.

import type { Family } from "../../src/address.js";
import type { DeviceService } from "../../src/demo/device.js";
import { ms } from "../../src/time.js";
import type { RR } from "../../src/wire/rr.js";
import { parseRR } from "../../src/wire/text.js";
import type { Chance } from "./chance.js";
import { Device, type DevicePlan } from "./device.js";

const instances = [
  "Dr. Smith's Printer",
  "プリンター",
  "Büro Drucker ☕",
  "Back\\slash.dot",
  'She said "hi"',
  "local",
  "x".repeat(63),
  "Ein Name von dreiundsechzig Bytes, mit Umlaut ü und Punkt am E.",
];

const hosts = ["printer", "Büro-PC", "nas.with.dots", "LOCAL", "cam", "a-b-c", "tv"];

export const types = ["_ipp._tcp", "_http._tcp", "_ssh._tcp", "_sleep-proxy._udp"];
const subtypes = ["_universal", "_Print.er", "\u00ff\u0080"];

const familySets: readonly (readonly Family[])[] = [
  ["ipv4", "ipv6"],
  ["ipv4", "ipv6"],
  ["ipv4"],
  ["ipv6"],
];

/**
 * The devices of one link.
 *
 * @param base          sets their addresses and ports apart from those of other links
 * @param isShortLived  all their RRs live two minutes at most
 */
export function drawDevices(
  chance: Chance,
  base: number,
  count: number,
  isShortLived: boolean,
): Device[] {
  const names = [...hosts];
  const devices: Device[] = [];
  const sharedTtl = chance.oneOf(isShortLived ? [30, 75, 120] : [undefined, undefined, 30, 75]);
  for (let index = 0; index < count && names.length > 0; index++) {
    const [host] = names.splice(chance.below(names.length), 1);
    devices.push(
      new Device(drawPlan(chance, host!, base + index, sharedTtl, isShortLived), chance.random),
    );
  }
  return devices;
}

function drawPlan(
  chance: Chance,
  host: string,
  number: number,
  sharedTtlSeconds: number | undefined,
  isShortLived: boolean,
): DevicePlan {
  const offered = chance.someOf(types, 0.5);
  const slowness = chance.is(0.2) ? chance.oneOf([150, 700, 2500, 7000]) : 0;
  // What is told late and dies early could not be had by asking.
  const shortTtls = slowness > 1000 ? [30, 75] : [2, 11, 30, 75];
  return {
    host,
    number,
    families: chance.oneOf(familySets),
    hasLinkLocal: chance.is(0.3),
    services: offered.map((type) => drawService(chance, type, number)),
    extra: chance.is(0.3) ? extraOf(host, number) : [],
    uniqueTtlSeconds: isShortLived || chance.is(0.4) ? chance.oneOf(shortTtls) : undefined,
    sharedTtlSeconds,
    manners: {
      probes: chance.is(0.8),
      slowness: ms(slowness),
    },
  };
}

function drawService(chance: Chance, type: string, number: number): DeviceService {
  return {
    // Instances of one type have different names; the device's number sees to it.
    instance: `${chance.oneOf(instances).slice(0, 58)} ${number % 10}`.slice(0, 60),
    type,
    port: 1000 + number,
    txt: chance.oneOf([[], ["a=1", "A=2", "path=http://printer.local/"], ["bin=\u0000=\u0001"]]),
    subtypes: chance.someOf(subtypes, 0.3),
  };
}

/** RRs that printers do not have and that must come through all the same. */
function extraOf(host: string, number: number): readonly RR[] {
  const owner = host.replaceAll(".", "\\.");
  return [
    `alias-${number}.local. 120 IN CNAME ${owner}.local.`,
    `odd-${number}.local. 120 IN TYPE65280 \\# 8 05 6c6f63616c 00 ff`,
    `odd-${number}.local. 120 IN MX 10 ${owner}.local.`,
    `odd-${number}.local. 120 IN SRV 0 0 80 host.example.org.`,
  ].map((line) => parseRR(line));
}
