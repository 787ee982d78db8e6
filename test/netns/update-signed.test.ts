// Zones that BIND and Knot sign while the publisher's core changes them: delv
// validates what is there and what is not, and two other programs check the
// whole zone afterwards. The publisher itself never sends a signature.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect } from "vitest";
import { gone, printer } from "../update/zone-stage.js";
import { run as execute, until } from "./children.js";
import { needs } from "./needs.js";
import { type NameServer, type Place, startBindPrimary, startKnot } from "./primaries.js";
import { Site } from "./update-stage.js";
import { inkjet, laser, zone } from "./update-stories.js";

const run = needs("named", "knotd", "delv", "dig", "dnssec-verify", "ldns-verify-zone");
let site: Site;

afterEach(() => site.close());

const servers = {
  "BIND with NSEC and ECDSA": (place: Place) => startBindPrimary(place, { zone }),
  "BIND with NSEC3 and Ed25519": (place: Place) =>
    startBindPrimary(place, { zone, signing: "nsec3" }),
  "Knot with NSEC and ECDSA": (place: Place) => startKnot(place, { zone }),
} as const;

/** What delv thinks of an answer, with the zone's own key as its only trust. */
function delv(server: NameServer, name: string, type: string): string {
  const key = site.dig(server, "+short", zone, "DNSKEY").trim().split(" ");
  const anchors = join(server.place.folder, "trust.conf");
  const text = `${key.slice(0, 3).join(" ")} "${key.slice(3).join("")}"`;
  writeFileSync(anchors, `trust-anchors { "${zone}" static-key ${text}; };\n`);
  const { address, port } = server.place;
  const words = ["-a", anchors, `+root=${zone}`, name, type];
  return execute([...site.enter, "delv", `@${address}`, "-p", `${port}`, ...words]);
}

/** The zone as a file, checked by both programs; they end with an error if it is not sound. */
function verify(server: NameServer): void {
  const path = join(server.place.folder, "transferred.zone");
  writeFileSync(path, `${site.transfer(server).join("\n")}\n`);
  execute(["dnssec-verify", "-q", "-z", "-o", zone, path]);
  execute(["ldns-verify-zone", path]);
}

for (const [kind, begin] of Object.entries(servers)) {
  run(`${kind}: validates while services come, change and go [SEC-1] [SEC-2] [SEC-3]`, async () => {
    site = await Site.open();
    const server = site.keep(await begin(site.place(kind.startsWith("BIND") ? 53531 : 53532)));
    await site.isAnswered(server);
    const isSigned = () => site.transfer(server).some((line) => / RRSIG SOA /.test(line));
    await until("signed", isSigned, 30_000, 300);
    const live = site.publisher(server);
    live.offer(laser, inkjet);
    await site.isThere(server, [laser, inkjet]);

    const isGood = (name: string, type: string, what: RegExp) => {
      const said = delv(server, name, type);
      expect(said).toMatch(what);
      expect(said).toContain("fully validated");
    };
    isGood(`laser.${zone}`, "A", /192\.0\.2\.5/);
    isGood(`laser.${zone}`, "TYPE65280", /\\# 12 00010000/);
    isGood(`_ipp._tcp.${zone}`, "PTR", /[Ll]aser\._ipp/);
    isGood(`Laser._ipp._tcp.${zone}`, "SRV", /0 0 631/);
    // Another type, no such name, and a name that only has children.
    isGood(`laser.${zone}`, "MX", /negative response/);
    isGood(`nobody.${zone}`, "A", /negative response/);
    isGood(`_tcp.${zone}`, "A", /negative response/);
    expect(site.dig(server, `_tcp.${zone}`, "A")).toContain("status: NOERROR");
    expect(site.dig(server, `nobody.${zone}`, "A")).toContain("status: NXDOMAIN");
    const denied = site.dig(server, "+dnssec", `laser.${zone}`, "MX").split("\n");
    const ttls = denied.flatMap((line) => /\s(\d+)\s+IN\s+(?:SOA|NSEC3?)\s/.exec(line)?.[1] ?? []);
    expect(new Set(ttls)).toEqual(new Set(["10"]));
    verify(server);

    const moved = printer("Inkjet", { address: "192.0.2.66" });
    live.offer(gone(laser), moved);
    await site.isThere(server, [moved]);
    isGood(`inkjet.${zone}`, "A", /192\.0\.2\.66/);
    isGood(`laser.${zone}`, "A", /negative response/);
    verify(server);
    const signed = live.sent.filter((frame) => Buffer.from(frame).includes("RRSIG"));
    expect(signed).toEqual([]);
  });
}
