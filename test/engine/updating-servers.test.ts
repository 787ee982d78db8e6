// Update mode and the world around: which server is found and what it does, what
// is listed where, what a run leaves to the next, and how one ends.

import { describe, expect, test } from "vitest";
import { seconds } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";
import { Primary } from "../update/primary.js";
import {
  listLines,
  office,
  prefix,
  printer,
  printerLines,
  published,
  Server,
  target,
  UpdateWorld,
  zone,
} from "./update-world.js";

const laser = printerLines(zone, "Laser");
const all = [...laser, ...listLines(zone, zone)].sort();

describe("the server [UP-13]", () => {
  const address = "192.0.2.99";
  const layouts = [
    ["SRV of the subdomain, TLS", [`_dns-update-tls._tcp.${zone} 60 SRV 0 0 853 srv.test`], 853],
    ["SRV of the subdomain, TCP", [`_dns-update._tcp.${zone} 60 SRV 0 0 5301 srv.test`], 5301],
    ["SRV of the subdomain, UDP", [`_dns-update._udp.${zone} 60 SRV 0 0 5302 srv.test`], 5302],
    ["SRV of the domain, TCP", ["_dns-update._tcp.discd.test 60 SRV 0 0 5303 srv.test"], 5303],
    ["MNAME of the SOA", [`${zone} 60 SOA srv.test root.test 1 1 1 1 1`], 53],
  ] as const;

  test.each(layouts)("%s", (_, lines, port) => {
    const w = new UpdateWorld();
    w.dns = [...lines, `srv.test 60 A ${address}`];
    if (!lines[0].includes("SOA")) w.dns.push(`${zone} 60 SOA nobody.test root.test 1 1 1 1 1`);
    const primary = new Primary(zone);
    w.servers.set(address, new Server(primary));
    const link = w.publish("eth0", [published("eth0", zone, { domain: parseName("discd.test") })]);
    link.device(printer("Laser"));
    w.run(seconds(15));
    expect(w.dials[0]).toBe(`${address} ${port}`);
    expect(primary.published()).toEqual(expect.arrayContaining(laser));
    const [state] = w.engine.dump(w.now).published as readonly Record<string, unknown>[];
    const { by, transport, isRunning } = state ?? {};
    const step = lines[0].includes("SOA") ? "SOA MNAME" : `SRV ${lines[0].split(" ")[0]}`;
    expect([by, transport, isRunning]).toEqual([step, port === 853 ? "tls" : "tcp", true]);
  });

  test("over TLS it has to bear the name that was found, or the configured one [UP-17]", () => {
    const w = new UpdateWorld();
    w.dns = [
      `_dns-update-tls._tcp.${zone} 60 SRV 0 0 853 srv.test`,
      `srv.test 60 A ${address}`,
      `${zone} 60 SOA nobody.test root.test 1 1 1 1 1`,
    ];
    w.publish("eth0", [published("eth0", zone)]);
    w.run(seconds(5));
    const usual = published("eth0", zone);
    const tls = { name: "ns.example", ca: "PEM", pins: ["cGlu"] };
    w.republish("eth0", [{ ...usual, target: { ...usual.target, tls } }]);
    w.run(seconds(60));
    const dials = w.effects.filter((effect) => effect.kind === "dial");
    expect(dials[0]?.tls).toEqual({ serverName: "srv.test", pins: [] });
    expect(dials.at(-1)?.tls).toEqual({ serverName: "ns.example", ca: "PEM", pins: ["cGlu"] });
  });

  test("none: nothing is asked on the link, one warning; found later, it begins [UP-13]", () => {
    const w = new UpdateWorld();
    const link = w.publish("eth0", [published("eth0", zone)]);
    link.device(printer("Laser"));
    w.run(seconds(900));
    expect(link.questions()).toEqual([]);
    expect(w.logged.filter((line) => line.includes("no-primary-found"))).toHaveLength(1);
    const primary = w.server("192.0.2.53", zone).zones[0];
    w.run(seconds(345));
    expect(primary?.published()).toEqual(all);
  });

  test.each([4, 9])(
    "says rcode %i: the link is left alone, and asked in 15 min [UP-14]",
    (rcode) => {
      const { w, link, primary } = office();
      primary.script = (_, kind) => (kind === "update" ? rcode : undefined);
      w.run(seconds(30));
      expect(primary.updates()).toHaveLength(1);
      link.sent();
      w.run(seconds(850));
      expect(link.questions()).toEqual([]);
      expect(primary.updates()).toHaveLength(1);
      primary.script = () => undefined;
      w.run(seconds(60));
      expect(primary.published()).toEqual(all);
      link.sent();
      w.run(seconds(400));
      expect(link.questions()).not.toEqual([]);
    },
  );

  test("refuses every update from the first on: the link is left alone until it does not", () => {
    const { w, link, primary } = office();
    primary.script = (_, kind) => (kind === "update" ? 5 : undefined);
    w.run(seconds(60));
    link.sent();
    const { length } = primary.updates();
    w.run(seconds(900));
    expect(link.questions()).toEqual([]);
    expect(primary.updates().length - length).toBeLessThan(5);
    primary.script = () => undefined;
    w.run(seconds(400));
    expect(primary.published()).toEqual(all);
    link.sent();
    w.run(seconds(300));
    expect(link.questions()).not.toEqual([]);
  });

  test("takes no updates for a while: what is published stays, what went meanwhile goes", () => {
    const { w, link, primary } = office();
    w.run(seconds(15));
    link.says(printer("Plotter", "plotter", 8));
    w.run(seconds(15));
    const both = [...new Set([...all, ...printerLines(zone, "Plotter", "plotter", 8)])].sort();
    expect(primary.published()).toEqual(both);
    primary.script = (_, kind) => (kind === "update" ? 4 : undefined);
    link.says(printer("Third", "third", 9));
    w.run(seconds(30));
    link.says(printer("Plotter", "plotter", 8).replace(/ (120|4500) /g, " 0 "));
    w.run(seconds(300));
    expect(primary.published()).toEqual(both);
    primary.script = () => undefined;
    w.run(seconds(1200));
    expect(primary.published()).toEqual(all);
  });

  test("outside of update.within: nothing is asked, said or sent but one line [UP-9]", () => {
    const w = new UpdateWorld();
    w.server("192.0.2.53", "com");
    const link = w.publish("eth0", [published("eth0", "com", { within: ["discd.test"] })]);
    w.run(seconds(900));
    expect([w.lookups, w.dials, link.questions()]).toEqual([[], [], []]);
    expect(w.logged.filter((line) => line.includes("zone-not-allowed"))).toHaveLength(1);
  });

  test("two names for one zone's server: the first stays, told once; the configured wins", () => {
    const w = new UpdateWorld();
    const [primary] = w.server("192.0.2.53", "discd.test").zones;
    const other = new Server(new Primary("discd.test"));
    w.servers.set("192.0.2.66", other);
    w.dns.push(
      "_dns-update._tcp.b.discd.test 60 SRV 0 0 53 other.test",
      "other.test 60 A 192.0.2.66",
    );
    w.publish("eth0", [published("eth0", "a.discd.test")]).device(printer("Laser"));
    w.run(seconds(20));
    w.publish("eth1", [published("eth1", "b.discd.test")]).device(printer("Desk"));
    w.run(seconds(1000));
    expect(other.connections).toBe(0);
    const lines = primary?.published() ?? [];
    expect(lines).toEqual(expect.arrayContaining(printerLines("b.discd.test", "Desk")));
    expect(w.logged.filter((line) => line.includes("primaries-differ"))).toHaveLength(1);
    const configured = published("eth1", "b.discd.test");
    const host = { family: "ipv4", bytes: Uint8Array.of(192, 0, 2, 66) } as const;
    const named = { ...configured.target.primary, server: { host, port: 53 } };
    w.republish("eth1", [{ ...configured, target: { ...configured.target, primary: named } }]);
    w.run(seconds(60));
    expect(other.zones[0]?.published()).toEqual(expect.arrayContaining(lines));
  });

  test("the zone is cut off below its parent: filled there, then emptied here [UP-5] [UP-15]", () => {
    const w = new UpdateWorld();
    const [parent] = w.server("192.0.2.53", "discd.test").zones;
    w.publish("eth0", [published("eth0", zone)]).device(printer("Laser"));
    w.run(seconds(20));
    expect(parent?.published()).toEqual(all);
    const [child] = w.server("192.0.2.54", zone).zones;
    w.run(seconds(360));
    expect(child?.published()).toEqual(all);
    expect(parent?.published(true)).toEqual([]);
  });

  test("the zone is cut off, and its new server is dead: the old place lasts 10 min [UP-5]", () => {
    const w = new UpdateWorld();
    const [parent] = w.server("192.0.2.53", "discd.test").zones;
    w.publish("eth0", [published("eth0", zone)]).device(printer("Laser"));
    w.run(seconds(20));
    w.server("192.0.2.54", zone).isDown = true;
    w.run(seconds(590));
    expect(parent?.published()).toEqual(all);
    w.run(seconds(400));
    expect(parent?.published(true)).toEqual([]);
  });

  test("moves: the connection to the old one is ended at once", () => {
    const { w, link } = office();
    w.run(seconds(30));
    const moved = new Server(new Primary(zone));
    w.servers.set("192.0.2.66", moved);
    w.dns = w.dns.map((line) => (line.startsWith("ns1") ? `ns1.${zone} 60 A 192.0.2.66` : line));
    for (let round = 0; round < 120; round++) {
      link.says(printer("Plotter", "plotter", (round % 200) + 10));
      w.run(seconds(3));
    }
    const at = w.dials.findIndex((dial) => dial.startsWith("192.0.2.66"));
    expect(at).toBeGreaterThan(0);
    expect(w.dials.slice(at).every((dial) => dial.startsWith("192.0.2.66"))).toBe(true);
    expect(w.mostOpen).toBe(1);
    expect(moved.zones[0]?.published()).toEqual(expect.arrayContaining(all));
  });

  test("TIMEOUTs are written when the clock is kept, and only then [TO-8]", () => {
    const w = new UpdateWorld();
    w.isTrusted = false;
    const [primary] = w.server("192.0.2.53", zone).zones;
    w.publish("eth0", [published("eth0", zone)]).device(printer("Laser"));
    w.run(seconds(20));
    expect(primary?.published(true)).toEqual(all);
    w.isTrusted = true;
    w.tellWallClock();
    w.run(seconds(20));
    expect(primary?.published(true).length).toBeGreaterThan(all.length + 4);
  });

  test("update.trust_clock: they are written all the same [TO-8]", () => {
    const w = new UpdateWorld();
    w.isTrusted = false;
    const [primary] = w.server("192.0.2.53", zone).zones;
    const trusting = target(zone, { trustsClock: true });
    w.publish("eth0", [published("eth0", zone, { target: trusting })]).device(printer("Laser"));
    w.run(seconds(20));
    expect(primary?.published(true).length).toBeGreaterThan(all.length + 4);
  });
});

describe("lists to browse", () => {
  const reverse = "113.0.203.in-addr.arpa";
  const base = `0.${reverse}`;
  const networks = [prefix("203.0.113.0/24")];

  test("come back when somebody removes them [UP-8]", () => {
    const { w, primary } = office();
    w.run(seconds(20));
    primary.remove(...listLines(zone, zone));
    w.run(seconds(80));
    expect(primary.published()).toEqual(all);
  });

  test("stand in the domain around, where it may be written to [UP-8]", () => {
    const { w } = office({ domain: parseName("discd.test") });
    const [parent] = w.server("192.0.2.54", "discd.test").zones;
    w.publish("eth1", [published("eth1", "link2.discd.test", { domain: parseName("discd.test") })]);
    w.run(seconds(20));
    const both = [zone, "link2.discd.test"].flatMap((name) => listLines("discd.test", name));
    expect(parent?.published()).toEqual(expect.arrayContaining(both));
  });

  test("where it may not, one line says so and the link is published [UP-8]", () => {
    const { w, primary } = office({ domain: parseName("discd.test"), within: [zone] });
    const [parent] = w.server("192.0.2.54", "discd.test").zones;
    w.run(seconds(900));
    w.reconfigure();
    expect(primary.published()).toEqual(all);
    expect(parent?.seen).toEqual([]);
    expect(w.logged.filter((line) => line.includes("parent-not-browsable"))).toHaveLength(1);
  });

  test("stand below the reverse name, with a key of its own; gone 15 s after the link [UP-7]", () => {
    const usual = target(zone);
    if (usual.key === undefined) throw new Error("no key");
    const secret = Uint8Array.from({ length: 32 }, () => 9);
    const within = [parseName("discd.test"), parseName(reverse)];
    const keys = [{ zone: parseName(reverse), key: { ...usual.key, secret } }];
    const own = { ...usual, keys, primary: { ...usual.primary, within } };
    const { w, link, primary } = office({ networks, target: own });
    const [other] = w.server("192.0.2.55", reverse).zones;
    if (other === undefined) throw new Error("no zone");
    other.secret = secret;
    w.run(seconds(20));
    expect(other.published()).toEqual(listLines(base, zone));
    expect(other.published(true).length).toBeGreaterThan(3);
    expect(primary.published()).toEqual(all);
    link.down();
    w.run(seconds(9));
    expect(other.published()).toEqual(listLines(base, zone));
    w.run(seconds(6));
    expect(other.published(true)).toEqual([]);
  });

  test("a reverse zone that refuses, or is dead, does not matter to the others [UP-7]", () => {
    const within = ["discd.test", reverse];
    const { w, primary } = office({ networks, within });
    w.server("192.0.2.55", reverse).isDown = true;
    w.run(seconds(10));
    expect(primary.published()).toEqual(all);
  });

  test("a reverse name that update.within does not cover is not even looked up [UP-7] [UP-9]", () => {
    const { w } = office({ networks });
    w.run(seconds(20));
    expect(w.lookups.filter((lookup) => lookup.includes("arpa"))).toEqual([]);
  });

  test("a network less: its lists go, the others stay [UP-7]", () => {
    const within = ["discd.test", reverse];
    const { w, primary } = office({ networks, within });
    const [other] = w.server("192.0.2.55", reverse).zones;
    w.run(seconds(20));
    expect(other?.published()).toEqual(listLines(base, zone));
    const { length } = primary.updates();
    w.republish("eth0", [published("eth0", zone, { within })]);
    w.run(seconds(15));
    expect(other?.published(true)).toEqual([]);
    expect(primary.updates().length).toBe(length);
  });

  test("of two links on one network, one leaves it: its lists alone go [UP-7]", () => {
    const within = ["discd.test", reverse];
    const { w } = office({ networks, within });
    w.server("192.0.2.54", "link2.discd.test");
    const [other] = w.server("192.0.2.55", reverse).zones;
    w.publish("eth1", [published("eth1", "link2.discd.test", { networks, within })]);
    w.run(seconds(20));
    const second = listLines(base, "link2.discd.test");
    expect(other?.published()).toEqual([...listLines(base, zone), ...second].sort());
    w.republish("eth0", [published("eth0", zone, { within })]);
    w.run(seconds(15));
    expect(other?.published()).toEqual(second);
  });

  test("what stood there before is its owner's, and stays [UP-8] [UP-57]", () => {
    const { w, link, primary } = office();
    const [line] = listLines(zone, zone) as [string];
    primary.add(line);
    w.run(seconds(20));
    expect(primary.published()).toEqual(all);
    link.down();
    w.run(seconds(20));
    expect(primary.published(true)).toEqual([line]);
  });
});

describe("a run and the next", () => {
  test("killed and started again: nothing is deleted, nothing said twice [UP-65]", () => {
    const { w, primary } = office();
    w.run(seconds(30));
    const { length } = primary.updates();
    w.restart();
    w.run(seconds(200));
    expect(primary.published()).toEqual(all);
    expect(primary.updates().length).toBe(length);
  });

  test("killed amid an update: what was sent is known to be ours afterwards [UP-65]", () => {
    const { w, link, primary } = office();
    w.run(seconds(30));
    link.says(printer("Plotter", "plotter", 8));
    primary.script = (_, kind) => (kind === "update" ? "close" : undefined);
    w.run(seconds(0.32));
    expect(primary.published().join()).toContain("Plotter");
    primary.script = () => undefined;
    w.restart();
    w.run(seconds(200));
    expect(primary.published()).toEqual(all);
  });

  test("what left meanwhile goes after the grace, and not before [UP-65]", () => {
    const { w, link, primary } = office();
    w.run(seconds(15));
    link.says(printer("Plotter", "plotter", 8));
    w.run(seconds(15));
    w.restart();
    w.run(seconds(110));
    expect(primary.published().join()).toContain("Plotter");
    w.run(seconds(20));
    expect(primary.published()).toEqual(all);
  });

  test("left in a zone that nothing leads to any more: emptied after a while [UP-5] [UP-65]", () => {
    const { w, primary } = office();
    const [other] = w.server("192.0.2.54", "new.discd.test").zones;
    w.run(seconds(30));
    w.published.set("eth0", [published("eth0", "new.discd.test")]);
    w.restart();
    w.run(seconds(590));
    expect(other?.published().length).toBe(8);
    expect(primary.published()).toEqual(all);
    w.run(seconds(200));
    expect(primary.published(true)).toEqual([]);
    const { length } = primary.seen;
    w.run(seconds(900));
    expect(primary.seen.length).toBe(length);
    w.restart();
    w.run(seconds(900));
    expect(primary.seen.length).toBe(length);
  });

  test("left in a zone that is not ours to update any more: not touched [UP-9] [UP-65]", () => {
    const { w, primary } = office();
    w.server("192.0.2.54", "example.net");
    w.run(seconds(30));
    const within = ["example.net"];
    w.published.set("eth0", [published("eth0", "floor.example.net", { within })]);
    w.restart();
    const { length } = primary.seen;
    w.run(seconds(2000));
    expect(primary.seen.length).toBe(length);
    expect(primary.published()).toEqual(all);
  });

  test("a state file of a thousand changes is written anew, and says the same", () => {
    const { w, link, primary } = office();
    w.run(seconds(30));
    for (let round = 0; round < 70; round++) {
      link.says(printer("Plotter", "plotter", 8));
      w.run(seconds(2));
      link.says(printer("Plotter", "plotter", 8).replace(/ (120|4500) /g, " 0 "));
      w.run(seconds(4));
    }
    expect(w.snapshots.length).toBeGreaterThan(0);
    const [journal] = [...w.journals.values()];
    expect(journal?.lines.length).toBeLessThan(1100);
    const { length } = primary.updates();
    w.restart();
    w.run(seconds(200));
    expect(primary.published()).toEqual(all);
    expect(primary.updates().length).toBe(length);
  });

  test("a clean stop leaves all of it [UP-65]", () => {
    const { w, primary } = office();
    w.run(seconds(30));
    w.input({ kind: "stop" });
    expect(w.engine.isWithdrawing).toBe(false);
    w.run(seconds(30));
    expect(primary.published()).toEqual(all);
    expect(w.effects.filter(({ kind }) => kind === "dial").length).toBe(w.dials.length);
  });

  test("withdraw_on_exit: all of it goes, lists too, and nothing is asked then", () => {
    const { w, link, primary } = office({ target: target(zone, { withdrawOnExit: true }) });
    w.run(seconds(30));
    link.sent();
    w.input({ kind: "stop" });
    expect(w.engine.isWithdrawing).toBe(true);
    w.run(seconds(3));
    expect(primary.published(true)).toEqual([]);
    expect(w.engine.isWithdrawing).toBe(false);
    expect(w.engine.nextDeadline()).toBeUndefined();
    expect(w.isConnected).toBe(false);
    expect(link.questions()).toEqual([]);
  });

  test("withdraw_on_exit with a dead server: an end after 4 s", () => {
    const { w, server } = office({ target: target(zone, { withdrawOnExit: true }) });
    w.run(seconds(30));
    server.isDown = true;
    w.input({ kind: "stop" });
    w.run(seconds(3.9));
    expect(w.engine.isWithdrawing).toBe(true);
    w.run(seconds(0.2));
    expect(w.engine.isWithdrawing).toBe(false);
    expect(w.isConnected).toBe(false);
  });

  test("its state can be read", () => {
    const { w } = office();
    w.run(seconds(30));
    expect(w.engine.dump(w.now).published).toMatchObject([
      {
        inventory: "eth0",
        subdomain: zone,
        from: "config",
        isRunning: true,
        services: 1,
        zone,
        server: "192.0.2.53 port 53",
        by: "SOA MNAME",
        transport: "tcp",
        wanted: 8,
        published: 8,
        waiting: 0,
        serial: expect.any(Number),
        lifetime: "timeout",
        trouble: undefined,
      },
    ]);
  });
});
