// Update mode through the engine's one door: links, configurations and primaries
// come and go; what stands in the zones afterwards is what counts.

import { describe, expect, test } from "vitest";
import { ms, seconds } from "../../src/time.js";
import { listLines, printer, printerLines, published, UpdateWorld } from "./update-world.js";

const zone = "link1.discd.test";

/** One link, one server, one printer that answers and has announced itself. */
function office(changes: Parameters<typeof published>[2] = {}) {
  const w = new UpdateWorld();
  const server = w.server("192.0.2.53", zone);
  const link = w.publish("eth0", [published("eth0", zone, changes)]);
  link.device(printer("Laser"));
  const [primary] = server.zones;
  if (primary === undefined) throw new Error("no zone");
  return { w, server, link, primary };
}

const laser = printerLines(zone, "Laser");
const lists = listLines(zone, zone);
const all = [...laser, ...lists].sort();

describe("a link and its zone", () => {
  test("what was there before, and the lists to browse, are in the zone within 10 s [UP-8] [UP-48]", () => {
    const { w, primary } = office();
    w.run(seconds(10));
    expect(primary.published()).toEqual(all);
  });
});
