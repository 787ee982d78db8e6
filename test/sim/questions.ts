// What clients ask for: mostly what some device has, in any of the zones where it
// shows, and now and then what nobody has, what the configuration answers, and
// what lies outside.

import { RRType } from "../../src/wire/codes.js";
import { type Name, nameOf, parseName } from "../../src/wire/name.js";
import { types } from "./cast.js";
import type { Device } from "./device.js";
import type { World } from "./world.js";
import type { PlannedZone } from "./zones.js";

export type Devices = ReadonlyMap<string, readonly Device[]>;

export function drawQuestion(world: World, devices: Devices): readonly [Name, number] {
  const { chance, zones } = world;
  const outside = parseName(chance.oneOf(["www.example.org", "x.local"]));
  if (zones.zones.length === 0 || chance.is(0.02)) return [outside, RRType.A];
  const zone = chance.oneOf(zones.zones);
  if (chance.is(0.02)) {
    // Ends like the zone, but in the middle of a label.
    const [first = "", ...rest] = zone.apex.labels;
    return [nameOf(["nobody", `x${first}`, ...rest]), RRType.A];
  }
  if (chance.is(0.1)) return [below(zone, [chance.oneOf(["nobody", "_tcp", "b"])]), RRType.A];
  if (chance.is(0.05)) return [zone.apex, chance.oneOf([RRType.SOA, RRType.NS, RRType.A])];
  if (chance.is(0.35)) return [below(zone, chance.oneOf(types).split(".")), RRType.PTR];
  const there = (devices.get(zone.link) ?? []).flatMap((device) => device.owned);
  const shown = there.flatMap(({ rr }) => zones.rrFromLink(zone, rr, rr.type) ?? []);
  if (shown.length === 0) return [below(zone, ["nobody"]), RRType.AAAA];
  const { name, type } = chance.oneOf(shown);
  const other = chance.oneOf([RRType.A, RRType.AAAA, RRType.ANY, RRType.NSEC, RRType.TXT]);
  return [name, chance.is(0.8) ? type : other];
}

function below(zone: PlannedZone, labels: readonly string[]): Name {
  return nameOf([...labels, ...zone.apex.labels]);
}
