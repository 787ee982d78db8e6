// Names of the zone's name servers that have no records of their own: whoever
// publishes addresses there takes the zone over for its readers.

import { describe, expect, test } from "vitest";
import { Ledger } from "../../src/update/ledger.js";
import { serversMax } from "../../src/update/limits.js";
import { parseName } from "../../src/wire/name.js";
import { parseRR } from "../../src/wire/text.js";
import { Primary } from "./primary.js";
import { linesOf, printer, ZoneStage, zone } from "./zone-stage.js";

const laser = printer("Laser");
const [a, b, child] = ["dns-a", "dns-b", "dns-c"];
const delegations = [
  `${zone} 120 NS ${a}.${zone}`,
  `${zone} 120 NS ${b}.${zone}`,
  `child.${zone} 120 NS ${child}.${zone}`,
];

/** What devices offer stands there after a minute, and what is told of names. */
function outcome(stage: ZoneStage, ...hosts: readonly string[]) {
  const proxy = stage.proxy().start();
  stage.at(10);
  const offers = hosts.map((host) => printer(`At-${host}`, { host }));
  proxy.offer(laser, ...offers);
  stage.at(60);
  const told = () => proxy.logged.filter((line) => line.startsWith("name-taken"));
  return { proxy, told, offers };
}

const ours = (stage: ZoneStage) => stage.primary.published().filter((line) => !/ NS /.test(line));

describe("a name that an NS or SOA record leads to", () => {
  test.each([[a], [b], [child], ["ns1"]])("is no device's: %s [UP-51]", (host) => {
    const stage = new ZoneStage(new Primary(zone, delegations));
    stage.primary.remove(`ns1.${zone} 120 A 127.0.0.1`);
    const { told } = outcome(stage, host);
    expect(ours(stage)).toEqual(linesOf(laser));
    expect(told()).toEqual([
      expect.stringMatching(`"${host}.${zone}".*a name server is called so`),
    ]);
  });

  test("is told of once, however often it is tried", () => {
    const stage = new ZoneStage(new Primary(zone, delegations));
    const { proxy, told } = outcome(stage, a);
    for (let turn = 1; turn < 20; turn++) {
      proxy.offer(printer(`At-${a}`, { host: a, address: `192.0.2.${turn}` }));
      stage.at(60 + turn * 400);
    }
    expect(told()).toHaveLength(1);
    expect(proxy.counts.of("update-conflicts")).toBeGreaterThan(10);
  });

  test("stays its device's when that was there first", () => {
    const stage = new ZoneStage(new Primary(zone));
    const { proxy, told } = outcome(stage, a);
    stage.primary.add(...delegations);
    stage.at(300);
    const moved = printer(`At-${a}`, { host: a, address: "192.0.2.99" });
    proxy.offer(moved);
    stage.at(400);
    expect(ours(stage)).toEqual(linesOf(laser, moved));
    expect(told()).toEqual([]);
  });

  test("is free when it is a server's no more", () => {
    const stage = new ZoneStage(new Primary(zone, delegations));
    const { offers } = outcome(stage, a);
    stage.primary.remove(...delegations);
    stage.at(8000);
    expect(ours(stage)).toEqual(linesOf(laser, ...offers));
  });
});

test("so many servers are known, the zone's own first", () => {
  const ledger = new Ledger(65280);
  const apex = parseName(zone);
  const rrs = Array.from({ length: serversMax + 1 }, (_, at) =>
    parseRR(`${zone} NS s${at}.${zone}`),
  );
  ledger.replace({ apex, serial: 1, primary: parseName(`ns1.${zone}`), rrs });
  const known = ["ns1", "s0", `s${serversMax - 2}`, `s${serversMax - 1}`];
  const answers = known.map((name) => ledger.isServer(parseName(`${name}.${zone}`)));
  expect(answers).toEqual([true, true, true, false]);
});
