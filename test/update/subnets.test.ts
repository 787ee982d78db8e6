// Several inventories of one link, one for each of its subnets: what each of
// them offers, and that the link is asked no more for it.

import { describe, expect, test } from "vitest";
import { type Prefix, parsePrefix } from "../../src/address.js";
import { RRType } from "../../src/wire/codes.js";
import { parseName } from "../../src/wire/name.js";
import { formatRR } from "../../src/wire/text.js";
import { device, LinkStage, typeList, zoneName } from "./link-stage.js";

const prefix = (text: string): Prefix => parsePrefix(text) ?? expect.fail(text);
const zone4 = `v4.${zoneName}`;
const zone6 = `v6.${zoneName}`;
const named = (text: string) => ({ service: parseName(text), host: parseName(text) });

/** One link with an IPv4 and an IPv6 subnet, the prefixes as an interface has them. */
function dualStage(): LinkStage {
  const stage = new LinkStage(named(zone4), { subnet: prefix("192.0.2.1/24") });
  stage.also(named(zone6), { subnet: prefix("2001:db8::1/64") });
  return stage;
}

/** The lines of the last offers by the source that they came from, addresses only. */
function addresses(stage: LinkStage): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { offer } of stage.changes.splice(0)) {
    const { rrs, source } = offer;
    found[source] = rrs.map(({ rr }) => formatRR(rr)).filter((line) => / A{1,4} /.test(line));
    found[source].sort();
  }
  return found;
}

describe("per subnet", () => {
  test("a service is in the zone of each subnet, with the addresses of that one alone [UP-2] [UP-10]", () => {
    const stage = dualStage().at(1);
    stage.appear([
      typeList(),
      ...device("Laser"),
      "!printer.local 120 AAAA 2001:db8::5",
      "!printer.local 120 AAAA 2001:db8:0:1::5",
      "!printer.local 120 AAAA fe80::5",
    ]);
    expect(addresses(stage.at(3))).toEqual({
      "eth0 192.0.2.1/24": [`printer.${zone4}. 120 IN A 192.0.2.5`],
      "eth0 2001:db8::1/64": [`printer.${zone6}. 120 IN AAAA 2001:db8::5`],
    });
  });

  test("without a subnet both families are in the one zone, each service once [UP-2]", () => {
    const stage = new LinkStage().at(1);
    stage.appear([typeList(), ...device("Laser"), "!printer.local 120 AAAA 2001:db8::5"]);
    expect(stage.lines().filter((line) => line.startsWith("_ipp._tcp"))).toHaveLength(1);
  });

  test("without an address in a subnet the service is not in its zone, until it has one [UP-10]", () => {
    const stage = dualStage().at(1);
    stage.appear([typeList(), ...device("Laser")]);
    expect(Object.keys(addresses(stage))).toEqual(["eth0 192.0.2.1/24"]);
    stage.at(5).hear(["!printer.local 120 AAAA 2001:db8::5"]);
    expect(addresses(stage)).toEqual({
      "eth0 2001:db8::1/64": [`printer.${zone6}. 120 IN AAAA 2001:db8::5`],
    });
    stage.at(10).hear(["printer.local 0 AAAA 2001:db8::5"]).at(12);
    expect(stage.news()).toEqual(["- Laser._ipp._tcp.local"]);
  });

  test("the link is asked as for one inventory, sweeps included [UP-48]", () => {
    const alone = new LinkStage(named(zone4), { subnet: prefix("192.0.2.1/24") });
    const stages = [alone, dualStage()];
    for (const stage of stages) stage.at(1).appear([typeList(), ...device("Laser")]);
    for (const stage of stages) stage.at(60).hear(device("Laser")).at(119);
    const [one, two] = stages.map(({ asked }) => asked.map(([, question]) => question).sort());
    expect(two).toEqual(one);
  });

  test("no two sweeps are nearer than their spacing, nor further than its end [UP-48]", () => {
    const stage = dualStage().at(6 * 3600);
    const times = stage.asked
      .filter(([, question]) => question === `_services._dns-sd._udp.local ${RRType.PTR}`)
      .map(([second]) => second);
    // Only a series that begins asks twice within 1.3 s.
    const begun = times.filter((second, index) => {
      const next = times[index + 1] ?? Number.POSITIVE_INFINITY;
      return second > 30 && next - second < 1.3;
    });
    const gaps = begun.slice(1).map((second, index) => second - (begun[index] as number));
    expect(gaps.length).toBeGreaterThan(18);
    expect(Math.min(...gaps)).toBeGreaterThan(805);
    expect(Math.max(...gaps)).toBeLessThan(995);
  });
});
