// Update mode through the engine's one door: links and configurations come and
// go; what stands in the zones afterwards is what counts.

import { describe, expect, test } from "vitest";
import { seconds } from "../../src/time.js";
import {
  listLines,
  office,
  prefix,
  printer,
  printerLines,
  published,
  target,
  UpdateWorld,
  zone,
} from "./update-world.js";

const laser = printerLines(zone, "Laser");
const all = [...laser, ...listLines(zone, zone)].sort();

describe("a link and its zone", () => {
  test("what was there before is in the zone within 10 s, with lists to browse [UP-48] [UP-8]", () => {
    const { w, primary } = office();
    w.run(seconds(10));
    expect(primary.published()).toEqual(all);
  });

  test("an announcement is there in 1.5 s, a goodbye gone in 2.5 s [UP-43] [UP-62]", () => {
    const { w, link, primary } = office();
    w.run(seconds(20));
    link.says(printer("Plotter", "plotter", 8));
    w.run(seconds(1.5));
    const both = [...all, ...printerLines(zone, "Plotter", "plotter", 8)];
    expect(primary.published()).toEqual([...new Set(both)].sort());
    link.says(printer("Plotter", "plotter", 8).replace(/ (120|4500) /g, " 0 "));
    w.run(seconds(2.5));
    expect(primary.published()).toEqual(all);
  });

  test("the engine answers nothing for the zone that it publishes", () => {
    const { w } = office();
    w.run(seconds(10));
    const asked = w.ask(`laser.${zone} A`);
    w.run(seconds(7));
    expect(asked.rcode).toBe("REFUSED");
  });

  test("an hour of quiet is no message but surveys [UP-62] [TO-17]", () => {
    const { w, primary } = office();
    w.run(seconds(60));
    const before = primary.updates().length;
    w.run(seconds(2400));
    expect(primary.updates().length).toBe(before);
  });

  test("every subnet has its zone, with the addresses of its own [UP-10] [UP-1]", () => {
    const w = new UpdateWorld();
    const [first, second] = w.server("192.0.2.53", "a.discd.test", "b.discd.test").zones;
    const subnets = ["203.0.113.0/25", "203.0.113.128/25"] as const;
    const zones = subnets.map((subnet, at) =>
      published("eth0", ["a.discd.test", "b.discd.test"][at] as string, { subnet: prefix(subnet) }),
    );
    const link = w.publish("eth0", zones);
    link.device(`${printer("Laser")}\nlaser.local. 120 A 203.0.113.200`);
    w.run(seconds(15));
    const addresses = (lines: readonly string[] = []) => lines.filter((line) => / A /.test(line));
    expect(addresses(first?.published())).toEqual(["laser.a.discd.test. 120 A 203.0.113.7"]);
    expect(addresses(second?.published())).toEqual(["laser.b.discd.test. 120 A 203.0.113.200"]);
    expect(first?.published().filter((line) => / SRV /.test(line))).toHaveLength(1);
    expect(second?.published().filter((line) => / SRV /.test(line))).toHaveLength(1);
  });

  test("two links under one name: a record of both stays until neither has it [UP-56]", () => {
    const { w, link, primary } = office();
    const other = w.publish("eth1", [published("eth1", zone)]);
    other.device(printer("Laser"));
    w.run(seconds(30));
    expect(primary.published()).toEqual(all);
    const goodbye = printer("Laser").replace(/ (120|4500) /g, " 0 ");
    // One device on two wires says goodbye on the first of them.
    w.unlink("eth1");
    w.run(seconds(30));
    expect(primary.published()).toEqual(all);
    link.says(goodbye);
    w.run(seconds(5));
    expect(primary.published()).toEqual(listLines(zone, zone));
  });

  test("one name, two truths: the first one stays, and the log says so [UP-56]", () => {
    const { w, primary } = office();
    const other = w.publish("eth1", [published("eth1", zone)]);
    w.run(seconds(30));
    other.says(printer("Laser", "other", 9));
    w.run(seconds(10));
    expect(primary.published()).toEqual(all);
    expect(w.logged.join("\n")).toMatch(/service-not-published .*eth1/);
  });
});

describe("a link that goes", () => {
  test("and comes back within the hold: no update at all [UP-12]", () => {
    const { w, link, primary } = office();
    w.run(seconds(30));
    const before = primary.updates().length;
    link.down();
    w.run(seconds(8));
    link.up();
    w.run(seconds(60));
    expect(primary.updates().length).toBe(before);
    expect(primary.published()).toEqual(all);
  });

  test("for good: all of it is gone within 15 s, and not before the hold is over [UP-12]", () => {
    const { w, link, primary } = office();
    w.run(seconds(30));
    link.down();
    w.run(seconds(9.9));
    expect(primary.published()).toEqual(all);
    w.run(seconds(5));
    expect(primary.published(true)).toEqual([]);
    link.up();
    w.run(seconds(15));
    expect(primary.published()).toEqual(all);
  });

  test("with another address: what answers again stays untouched [UP-12]", () => {
    const { w, link, primary } = office();
    w.run(seconds(30));
    const before = primary.updates().length;
    link.up([{ address: { family: "ipv4", bytes: Uint8Array.of(203, 0, 113, 2) }, length: 24 }]);
    w.run(seconds(60));
    expect(primary.updates().length).toBe(before);
  });
});

describe("another configuration", () => {
  test("that changes nothing disturbs nothing", () => {
    const { w, link, primary } = office();
    w.run(seconds(30));
    const { length } = primary.seen;
    link.sent();
    w.reconfigure();
    w.run(seconds(5));
    expect(primary.seen.length).toBe(length);
    expect(link.questions().filter((question) => question.includes("_"))).toEqual([]);
  });

  test("that concerns one zone leaves the other alone", () => {
    const { w, primary } = office();
    w.server("192.0.2.54", "link2.discd.test");
    w.publish("eth1", [published("eth1", "link2.discd.test")]);
    w.run(seconds(30));
    const { length } = primary.updates();
    w.republish("eth1", [published("eth1", "link2.discd.test", { ttlSecondsMax: 60 })]);
    w.unlink("eth1");
    w.run(seconds(40));
    expect(primary.updates().length).toBe(length);
    expect(primary.published()).toEqual(all);
  });

  test("another name in the same zone: first the new one is filled [UP-5]", () => {
    const w = new UpdateWorld();
    const [primary] = w.server("192.0.2.53", "discd.test").zones;
    w.publish("eth0", [published("eth0", "old.discd.test")]).device(printer("Laser"));
    w.run(seconds(30));
    const order: string[] = [];
    const note = () => {
      const lines = primary?.published().join() ?? "";
      order.push(`${lines.includes("laser.old.")} ${lines.includes("laser.new.")}`);
    };
    w.republish("eth0", [published("eth0", "new.discd.test")]);
    for (let step = 0; step < 600; step++) {
      w.run(seconds(0.1));
      note();
    }
    expect([...new Set(order)]).toEqual(["true false", "true true", "false true"]);
    expect(primary?.published()).toEqual(
      [
        ...printerLines("new.discd.test", "Laser"),
        ...listLines("new.discd.test", "new.discd.test"),
      ].sort(),
    );
  });

  test("another name in another zone, whose server is dead: the old one lasts 10 min [UP-5]", () => {
    const { w, primary } = office();
    const other = w.server("192.0.2.54", "new.discd.test");
    other.isDown = true;
    w.run(seconds(30));
    w.republish("eth0", [published("eth0", "new.discd.test")]);
    w.run(seconds(590));
    expect(primary.published()).toEqual(all);
    w.run(seconds(30));
    expect(primary.published(true)).toEqual([]);
    other.isDown = false;
    w.run(seconds(400));
    expect(other.zones[0]?.published()).toEqual(
      [
        ...printerLines("new.discd.test", "Laser"),
        ...listLines("new.discd.test", "new.discd.test"),
      ].sort(),
    );
  });

  test("back to the old name before the new one is filled: nothing was lost", () => {
    const { w, primary } = office();
    w.server("192.0.2.54", "new.discd.test").isDown = true;
    w.run(seconds(30));
    const { length } = primary.updates();
    w.republish("eth0", [published("eth0", "new.discd.test")]);
    w.run(seconds(60));
    w.republish("eth0", [published("eth0", zone)]);
    w.run(seconds(900));
    expect(primary.published()).toEqual(all);
    expect(primary.updates().length).toBe(length);
  });

  test("without the link: its records go, and no question is asked there any more", () => {
    const { w, link, primary } = office();
    w.run(seconds(30));
    w.unlink("eth0");
    link.sent();
    w.run(seconds(15));
    expect(primary.published(true)).toEqual([]);
    w.run(seconds(900));
    expect(link.questions()).toEqual([]);
    const { length } = primary.seen;
    w.run(seconds(900));
    expect(primary.seen.length).toBe(length);
  });

  test("without the link while its server is dead for hours: its records go in the end", () => {
    const { w, server, primary } = office();
    w.run(seconds(30));
    server.isDown = true;
    w.published.delete("eth0");
    w.reconfigure();
    w.run(seconds(3 * 3600));
    expect(primary.published().length).toBe(8);
    server.isDown = false;
    w.run(seconds(400));
    expect(primary.published(true)).toEqual([]);
    w.run(seconds(60));
    expect(w.isConnected).toBe(false);
    // And no longer than a day: nobody knows whether it ever comes back.
    server.isDown = true;
    w.published.set("eth0", [published("eth0", zone)]);
    w.reconfigure();
    w.published.delete("eth0");
    w.reconfigure();
    w.run(seconds(90_000));
    const { length } = w.dials;
    w.run(seconds(7200));
    expect(w.dials.length).toBe(length);
  });

  test("with a link in mode 'update' where there was none: what an earlier run left goes [UP-65]", () => {
    const { w, primary } = office();
    w.run(seconds(30));
    const [other] = w.server("192.0.2.54", "new.discd.test").zones;
    w.published.delete("eth0");
    w.restart();
    w.run(seconds(2000));
    expect(primary.published().length).toBe(8);
    w.published.set("eth0", [published("eth0", "new.discd.test")]);
    w.reconfigure();
    w.run(seconds(900));
    expect(other?.published().length).toBe(8);
    expect(primary.published(true)).toEqual([]);
  });

  test("without the link for a moment: no update [UP-12]", () => {
    const { w, primary } = office();
    w.run(seconds(30));
    const { length } = primary.updates();
    const zones = w.published.get("eth0") ?? [];
    w.unlink("eth0");
    w.run(seconds(5));
    w.publish("eth0", zones).device(printer("Laser"));
    w.run(seconds(60));
    expect(primary.updates().length).toBe(length);
    expect(primary.published()).toEqual(all);
  });

  test("other rules: what they hide goes, the rest is not touched", () => {
    const { w, link, primary } = office();
    link.device("_services._dns-sd._udp.local. 4500 PTR _http._tcp.local.");
    link.device(printer("Web", "web", 9).replaceAll("_ipp", "_http"));
    w.run(seconds(30));
    expect(primary.published().join()).toContain("Web._http");
    const before = published("eth0", zone);
    const services = { default: "allow", allow: [], deny: ["_http._tcp"] } as const;
    w.republish("eth0", [{ ...before, served: { ...before.served, services } }]);
    w.run(seconds(20));
    expect(primary.published()).toEqual(all);
  });

  test("another key: goes on with it, and no update is lost [TSIG-16]", () => {
    const { w, link, primary } = office();
    w.run(seconds(30));
    primary.secret = Uint8Array.from({ length: 32 }, () => 7);
    link.says(printer("Plotter", "plotter", 8));
    w.run(seconds(10));
    expect(primary.published()).toEqual(all);
    const { key } = target(zone);
    if (key === undefined) throw new Error("no key");
    const renewed = target(zone, { key: { ...key, secret: primary.secret } });
    w.republish("eth0", [published("eth0", zone, { target: renewed })]);
    const { length } = primary.updates();
    w.run(seconds(10));
    expect(primary.published()).toEqual(
      [...new Set([...all, ...printerLines(zone, "Plotter", "plotter", 8)])].sort(),
    );
    const removed = primary
      .updates()
      .slice(length)
      .flatMap(({ message }) => message.authorities);
    expect(removed.filter((rr) => rr.class !== 1)).toEqual([]);
  });

  test("a key where there was none: what was kept back is published [UP-19]", () => {
    const w = new UpdateWorld();
    const [primary] = w.server("192.0.2.53", zone).zones;
    const { key: _, ...keyless } = target(zone);
    const link = w.publish("eth0", [published("eth0", zone, { target: keyless })]);
    link.device(printer("Laser"));
    w.run(seconds(30));
    expect(link.questions()).toEqual([]);
    expect(w.dials).toEqual([]);
    expect(w.logged.filter((line) => line.includes("no-update-key"))).toHaveLength(1);
    w.republish("eth0", [published("eth0", zone)]);
    w.run(seconds(10));
    expect(primary?.published()).toEqual(all);
  });
});
