// The demo link under the real engine: what `npm start` promises, in virtual
// time and with every rule of the simulation looked at.

import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../src/address.js";
import { DemoLink } from "../../src/demo/demo-link.js";
import { seededRandom } from "../../src/random.js";
import { type Instant, instant, ms, seconds } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import { displayName, labelText, nameOf, rootName } from "../../src/wire/name.js";
import { formatRR } from "../../src/wire/text.js";
import { Packet, proxyAddress, type Station } from "./air.js";
import type { Asking } from "./client.js";
import { type LinkPlan, plainWorld } from "./plan.js";
import { World } from "./world.js";

/** The whole demo link as one station: its devices hear each other inside. */
class DemoStation implements Station {
  readonly #link = new DemoLink(instant(0), seededRandom(5));

  hear(now: Instant, packet: Packet): void {
    this.#link.receive(now, packet);
  }
  expire(now: Instant): void {
    this.#link.expire(now);
  }
  nextDeadline(): Instant | undefined {
    return this.#link.nextDeadline();
  }
  takePackets(): readonly Packet[] {
    return this.#link.takeDatagrams().map(({ family, source, isMulticast, bytes }) => {
      return new Packet(family, source, isMulticast ? "group" : proxyAddress[family], bytes);
    });
  }
  owns(_: Endpoint): boolean {
    return false;
  }
}

const zone = ["demo", "home", "arpa"];
const below = (...labels: string[]) => nameOf([...labels.map(labelText), ...zone]);

function demoWorld(warm: LinkPlan["warm"]): World {
  const zones = { link: "demo", service: zone.join("."), aliases: [], reverse: [] };
  const world = new World({
    ...plainWorld,
    links: [{ id: "demo", reverse: [], rate: 20, warm, zones }],
  });
  world.link("demo").stations.push(new DemoStation());
  world.run(seconds(4));
  return world;
}

function ask(world: World, type: number, ...labels: string[]): Asking {
  const asking = world.client("198.51.100.1").ask(below(...labels), type, { udpSize: 1232 });
  world.run(ms(500));
  return asking;
}

const told = ({ reply }: Asking) =>
  (reply?.answers ?? [])
    .map((rr) => {
      const { rdata } = rr;
      if (rdata.kind === "ptr") return displayName(rdata.target);
      return formatRR({ ...rr, name: rootName }).replace(/^\S+ \d+ IN \S+ /, "");
    })
    .sort();

describe.each([
  ["asked for when somebody asks", [] as const],
  ["kept warm, as npm start does", true as const],
])("%s", (_, warm) => {
  const instance = "Dr. Smith's Printer";

  test("the types, the printers and a printer in full", () => {
    const world = demoWorld(warm);
    const types = ["_ipp", "_printer", "_smb", "_ssh", "_uscan"];
    expect(told(ask(world, RRType.PTR, "_services", "_dns-sd", "_udp"))).toEqual(
      types.map((type) => `${type}._tcp.demo.home.arpa`),
    );
    expect(told(ask(world, RRType.PTR, "_ipp", "_tcp"))).toEqual([
      "Dr\\. Smith's Printer._ipp._tcp.demo.home.arpa",
      "プリンター._ipp._tcp.demo.home.arpa",
    ]);
    expect(told(ask(world, RRType.SRV, instance, "_ipp", "_tcp"))).toEqual([
      "0 0 631 dr-smiths-printer.demo.home.arpa.",
    ]);
    expect(told(ask(world, RRType.TXT, instance, "_ipp", "_tcp"))[0]).toContain("rp=ipp/print");
    expect(told(ask(world, RRType.PTR, "_universal", "_sub", "_ipp", "_tcp")).length).toBe(2);
  });

  test("a link-local address does not leave the link; a missing family is denied at once", () => {
    const world = demoWorld(warm);
    expect(told(ask(world, RRType.AAAA, "dr-smiths-printer"))).toEqual(["2001:db8::11"]);
    const denied = ask(world, RRType.AAAA, "purinta");
    expect(told(denied)).toEqual([]);
    expect(denied.answeredAt! - denied.askedAt).toBeLessThan(200);
  });

  test("the visitor is seen, is gone a second after leaving, and comes back", () => {
    const world = demoWorld(warm);
    const visitor = "Visitor's Laptop._ssh._tcp.demo.home.arpa";
    expect(told(ask(world, RRType.PTR, "_ssh", "_tcp"))).toContain(visitor);
    world.run(seconds(60));
    expect(told(ask(world, RRType.PTR, "_ssh", "_tcp"))).toEqual([
      "Archive._ssh._tcp.demo.home.arpa",
    ]);
    world.run(seconds(30));
    expect(told(ask(world, RRType.PTR, "_ssh", "_tcp"))).toContain(visitor);
  });

  test("an hour passes without a broken rule, and everything is still there", () => {
    const world = demoWorld(warm);
    world.run(seconds(3600));
    expect(told(ask(world, RRType.PTR, "_ipp", "_tcp")).length).toBe(2);
  });
});
