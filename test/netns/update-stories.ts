// What has to be so with every primary: stories of the publisher's core against
// one of them, and what nsupdate shows of its rules as an independent client.

import { expect } from "vitest";
import { Rcode } from "../../src/wire/codes.js";
import { gone, printer } from "../update/zone-stage.js";
import type { Case } from "./needs.js";
import { type NameServer, secretText } from "./primaries.js";
import { nextKey, type Site, updateKey } from "./update-stage.js";

export const zone = "link1.discd.test";
export const laser = printer("Laser");
export const inkjet = printer("Inkjet", { address: "192.0.2.6" });

/** Starts a server with the fixture's zone, its keys of this algorithm. */
export type Start = (algorithm?: string) => Promise<{ site: Site; server: NameServer }>;

/** What the fixture put there, and nobody may change. */
function expectForeign(site: Site, server: NameServer): void {
  const lines = site.transfer(server).filter((line) => /^(keep|srp)\.\S+ \d+ (A|KEY) /.test(line));
  expect(lines.map((line) => line.split(" ").slice(0, 4).join(" "))).toEqual([
    `keep.${zone}. 120 A 192.0.2.77`,
    `srp.${zone}. 120 A 192.0.2.78`,
    `srp.${zone}. 120 KEY 512`,
  ]);
}

/** Stories of the publisher; `kind` is the server's name. */
export function publisherStories(kind: string, run: Case, start: Start): void {
  run(`${kind}: services come, change and go; foreign names stay [UP-57] [UP-46]`, async () => {
    const { site, server } = await start();
    const live = site.publisher(server);
    live.offer(laser, inkjet, printer("Trap", { host: "keep" }), printer("Robot", { host: "srp" }));
    await site.isThere(server, [laser, inkjet]);
    await live.tells(`"name":"keep.${zone}"`);
    await live.tells(`"name":"srp.${zone}"`);
    const moved = printer("Inkjet", { address: "192.0.2.66", port: 9100 });
    live.offer(gone(laser), moved);
    await site.isThere(server, [moved]);
    live.offer(gone(moved));
    await site.isThere(server, []);
    await live.settles();
    expect(site.transfer(server).filter((line) => line.includes("TYPE65280 \\#"))).toEqual([]);
    expectForeign(site, server);
    expect(live.publisher.state()).toMatchObject({ trouble: undefined, waiting: 0, aside: 2 });
  });

  run(`${kind}: killed and started again, it says nothing [UP-65]`, async () => {
    const { site, server } = await start();
    const first = site.publisher(server);
    first.offer(laser, inkjet);
    await site.isThere(server, [laser, inkjet]);
    await first.settles();
    const serial = site.serial(server);
    const second = site.publisher(server, { own: first.end() });
    second.offer(laser);
    await second.settles();
    expect(site.serial(server)).toBe(serial);
    // Who has no state file knows its own by what it hears again, where TIMEOUTs are kept.
    const moved = printer("Laser", { address: "192.0.2.50" });
    second.offer(moved);
    await site.isThere(server, [moved, inkjet]);
    expectForeign(site, server);
  });

  for (const algorithm of ["hmac-sha384", "hmac-sha512"] as const) {
    run(`${kind}: ${algorithm} is what it takes for it [TSIG-6]`, async () => {
      const { site, server } = await start(algorithm);
      site.publisher(server, { key: { ...updateKey, algorithm } }).offer(laser);
      await site.isThere(server, [laser], algorithm);
    });
  }

  run(`${kind}: another key under load, no update is lost [TSIG-16]`, async () => {
    const { site, server } = await start();
    const live = site.publisher(server);
    const printers = Array.from({ length: 12 }, (_, index) => printer(`P${index}`));
    for (const [index, offer] of printers.entries()) {
      live.offer(offer);
      await new Promise((resolve) => setTimeout(resolve, 400));
      if (index === 6) live.configure(nextKey);
    }
    await site.isThere(server, printers);
    expect(live.logged.filter((line) => !line.includes("update-without-timeouts"))).toEqual([]);
  });

  run(`${kind}: a message that is sent again changes nothing [TSIG-15]`, async () => {
    const { site, server } = await start();
    const live = site.publisher(server);
    live.offer(laser);
    await site.isThere(server, [laser]);
    await live.settles();
    const creation = live.updates.at(-1) as Uint8Array;
    const serial = site.serial(server);
    expect(await site.replay(server, creation)).toBe(Rcode.YXDOMAIN);
    // Not even a message of long ago brings back what has been withdrawn since.
    live.offer(gone(laser), inkjet);
    await site.isThere(server, [inkjet]);
    expect(site.serial(server)).not.toBe(serial);
    live.offer(printer("Laser", { address: "192.0.2.99" }));
    await site.isThere(server, [printer("Laser", { address: "192.0.2.99" }), inkjet]);
    expect(await site.replay(server, creation)).toBe(Rcode.YXDOMAIN);
    await site.isThere(server, [printer("Laser", { address: "192.0.2.99" }), inkjet]);
  });

  run(`${kind}: NOERROR is on disk: nothing is missing after kill -9 [UP-34]`, async () => {
    const { site, server } = await start();
    const live = site.publisher(server);
    live.offer(laser);
    await live.settles();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await site.isThere(server, [laser]);
    const rcode = site.nsupdate(server, [`update add late.${zone}. 120 A 192.0.2.9`]);
    await server.stop("SIGKILL");
    live.end();
    expect(rcode).toBe("NOERROR");
    await server.restart();
    await site.isAnswered(server);
    expect(site.dig(server, "+short", `late.${zone}`, "A")).toBe("192.0.2.9\n");
    await site.isThereBesides(server, [laser], /^late\./);
  });
}

/** What is told of a wrong key or clock at this kind of server. */
export interface Complaints {
  readonly unknownKey: string;
  readonly wrongSecret: string;
  readonly wrongClock: string | RegExp;
}

export function complaintStories(
  kind: string,
  run: Case,
  start: Start,
  { unknownKey, wrongSecret, wrongClock }: Complaints,
): void {
  run(`${kind}: a wrong key and a wrong clock, in plain words [TSIG-9] [TSIG-10]`, async () => {
    const { site, server } = await start();
    const secret = Buffer.from(secretText, "base64").map((byte) => byte ^ 1);
    const stranger = { ...updateKey, algorithm: "hmac-sha512" } as const;
    const unknown = site.publisher(server, { key: stranger });
    const wrong = site.publisher(server, { key: { ...updateKey, secret } });
    const late = site.publisher(server, { skew: -400 });
    for (const live of [unknown, wrong, late]) live.offer(laser);
    await unknown.tells(unknownKey);
    await wrong.tells(wrongSecret);
    await late.tells(wrongClock);
    expect(site.published(server)).toEqual([]);
  });
}

/** What RFC 2136 says of any server, asked by nsupdate. */
export function ruleStories(kind: string, run: Case, start: Start): void {
  run(
    `${kind}: prerequisites that fail, and names that only have children [UP-24] [UP-25]`,
    async () => {
      const { site, server } = await start();
      const tell = (...lines: string[]) => site.nsupdate(server, lines);
      expect(tell(`update add p._ipp._tcp.${zone}. 120 TXT "x"`)).toBe("NOERROR");
      const serial = site.serial(server);
      const add = `update add new.${zone}. 120 A 192.0.2.5`;
      expect(tell(`prereq yxdomain nobody.${zone}.`, add)).toBe("NXDOMAIN");
      expect(tell(`prereq nxdomain p._ipp._tcp.${zone}.`, add)).toBe("YXDOMAIN");
      expect(tell(`prereq yxrrset p._ipp._tcp.${zone}. IN A`, add)).toBe("NXRRSET");
      expect(tell(`prereq nxrrset p._ipp._tcp.${zone}. IN TXT`, add)).toBe("YXRRSET");
      expect(tell("prereq yxdomain example.com.", add)).toBe("NOTZONE");
      expect(tell(`prereq yxdomain _tcp.${zone}.`, add)).toBe("NXDOMAIN");
      expect(site.serial(server)).toBe(serial);
      expect(tell(`prereq nxdomain _tcp.${zone}.`, add)).toBe("NOERROR");
      expect(site.dig(server, "+short", `new.${zone}`, "A")).toBe("192.0.2.5\n");
      expect(site.dig(server, `_tcp.${zone}`, "A")).toContain("status: NOERROR");
    },
  );

  run(`${kind}: one TTL for a set; a delete and an add change it [UP-29]`, async () => {
    const { site, server } = await start();
    const tell = (...lines: string[]) => expect(site.nsupdate(server, lines)).toBe("NOERROR");
    const at = (ttl: number, last: number) => `update add h.${zone}. ${ttl} A 192.0.2.${last}`;
    const ttls = () => {
      const lines = site.transfer(server).filter((line) => /^h\.\S+ \d+ A /.test(line));
      return lines.map((line) => line.split(" ")[1]);
    };
    tell(at(120, 1), at(120, 2));
    tell(at(60, 3));
    expect(ttls()).toEqual(["60", "60", "60"]);
    const removals = [1, 2, 3].map((last) => `update delete h.${zone}. A 192.0.2.${last}`);
    tell(...removals, ...[1, 2, 3].map((last) => at(30, last)));
    expect(ttls()).toEqual(["30", "30", "30"]);
    // The publisher does the same: a record of another TTL goes before it comes.
    const before = { ...laser, rrs: laser.rrs.map((one) => ({ ...one })) };
    const live = site.publisher(server);
    live.offer(before);
    await site.isThereBesides(server, [before], /^h\./);
    const rrs = laser.rrs.map((one) =>
      one.rr.type === 1 ? { ...one, rr: { ...one.rr, ttlSeconds: 20 } } : one,
    );
    live.offer({ ...laser, rrs });
    await site.isThereBesides(server, [{ ...laser, rrs }], /^h\./);
  });

  run(`${kind}: what is ignored in silence is not believed [UP-28]`, async () => {
    const { site, server } = await start();
    const tell = (...lines: string[]) => site.nsupdate(server, lines);
    const alias = `alias.${zone}.`;
    const [before] = site.transfer(server).filter((line) => / SOA /.test(line));
    expect(before).toBeDefined();
    // The last NS and the SOA stay, whatever is said; some servers say so, some do not.
    tell(`update delete ${zone}. NS`);
    tell(`update delete ${zone}. SOA`);
    const lines = site.transfer(server);
    expect(lines.some((line) => / NS ns1\./.test(line))).toBe(true);
    expect(lines.some((line) => / SOA /.test(line))).toBe(true);
    // An alias where an address is, and the other way round: nothing becomes of it.
    tell(`update add ${alias} 120 A 192.0.2.5`);
    tell(`update add ${alias} 120 CNAME keep.${zone}.`);
    const there = site.transfer(server).filter((line) => /^alias\.\S+ \d+ (A|CNAME) /.test(line));
    expect(there).toEqual([`${alias} 120 A 192.0.2.5`]);
  });
}
