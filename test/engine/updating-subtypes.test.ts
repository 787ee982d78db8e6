// Subtypes: devices tell of them when they come, and later those alone who ask for
// them by name. Whoever published one has to know that name again.

import { describe, expect, test } from "vitest";
import { seconds } from "../../src/time.js";
import { listLines, office, printerLines, published, zone } from "./update-world.js";

const color = "_color._sub._ipp._tcp";
const inColor = `${color}.local. 4500 PTR Laser._ipp._tcp.local.`;
/** A type of whose existence no device tells but by announcing it. */
const scanner = `
  _scan._tcp.local. 4500 PTR Laser._scan._tcp.local.
  Laser._scan._tcp.local. 120 SRV 0 0 700 laser.local.
  Laser._scan._tcp.local. 4500 TXT "a=b"`;

const lines = (place: string) =>
  [
    ...printerLines(place, "Laser"),
    ...listLines(place, place),
    `${color}.${place}. 120 PTR Laser._ipp._tcp.${place}.`,
    `_scan._tcp.${place}. 120 PTR Laser._scan._tcp.${place}.`,
    `Laser._scan._tcp.${place}. 120 SRV 0 0 700 laser.${place}.`,
    `Laser._scan._tcp.${place}. 120 TXT "a=b"`,
    `_services._dns-sd._udp.${place}. 120 PTR _scan._tcp.${place}.`,
  ].sort();

/** A printer that announced itself once, and answers whoever knows what to ask for. */
function told() {
  const all = office();
  all.link.device(inColor);
  all.link.device(scanner);
  all.w.run(seconds(20));
  all.link.says(inColor);
  all.link.says(scanner);
  all.w.run(seconds(20));
  return all;
}

describe("a subtype, and a type, that were announced once", () => {
  test("stay through a restart, and no update is due [UP-49] [UP-65]", () => {
    const { w, primary } = told();
    expect(primary.published()).toEqual(lines(zone));
    const { length } = primary.updates();
    w.restart();
    w.run(seconds(600));
    expect(primary.published()).toEqual(lines(zone));
    expect(primary.updates().length).toBe(length);
  });

  test("go after a restart when nobody answers to their names any more [UP-65]", () => {
    const { w, link, primary } = office();
    w.run(seconds(20));
    link.says(inColor);
    w.run(seconds(20));
    expect(primary.published().join()).toContain(color);
    w.restart();
    w.run(seconds(130));
    expect(primary.published()).toEqual(
      [...printerLines(zone, "Laser"), ...listLines(zone, zone)].sort(),
    );
  });

  test("stay when the link is published under another name [UP-5]", () => {
    const { w } = told();
    const [other] = w.server("192.0.2.54", "new.discd.test").zones;
    w.republish("eth0", [published("eth0", "new.discd.test")]);
    w.run(seconds(60));
    expect(other?.published()).toEqual(lines("new.discd.test"));
  });
});
