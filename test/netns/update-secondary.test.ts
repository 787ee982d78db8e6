// Zones that the publisher's core fills at BIND, as their secondaries serve them:
// NSD and Knot take TIMEOUT records as they come and end nothing by themselves.

import { afterEach, expect } from "vitest";
import { encodeTimeout } from "../../src/wire/timeout.js";
import { gone } from "../update/zone-stage.js";
import { until } from "./children.js";
import { needs } from "./needs.js";
import { type NameServer, startBindPrimary, startKnot, startNsd } from "./primaries.js";
import { Site } from "./update-stage.js";
import { inkjet, laser, zone } from "./update-stories.js";

const run = needs("named", "knotd", "nsd", "dig", "nsupdate");
let site: Site;

afterEach(() => site.close());

async function start(kind: "NSD" | "Knot"): Promise<[NameServer, NameServer]> {
  site = await Site.open();
  const place = site.place(kind === "NSD" ? 53533 : 53532);
  const bind = site.place(53531);
  const primary = site.keep(await startBindPrimary(bind, { zone, notify: [place] }));
  const secondary = site.keep(
    kind === "NSD"
      ? await startNsd(place, { zone, primary: bind })
      : await startKnot(place, { zone, secondaryOf: bind }),
  );
  await site.isAnswered(secondary);
  return [primary, secondary];
}

for (const kind of ["NSD", "Knot"] as const) {
  run(
    `${kind} as the secondary of BIND serves what is published, TIMEOUTs too [TO-11]`,
    async () => {
      const [primary, secondary] = await start(kind);
      const live = site.publisher(primary);
      live.offer(laser, inkjet);
      await site.isThere(primary, [laser, inkjet]);
      const at = (server: NameServer, name: string, type: string) =>
        site.dig(server, "+short", `${name}.${zone}`, type);
      await until("transferred", () => at(secondary, "laser", "A") === "192.0.2.5\n", 30_000, 200);
      for (const [name, type] of [
        ["laser", "TYPE65280"],
        ["Laser._ipp._tcp", "SRV"],
        ["Laser._ipp._tcp", "TXT"],
        ["_ipp._tcp", "TYPE65280"],
      ] as const) {
        const sorted = (server: NameServer) =>
          at(server, name, type).toLowerCase().split("\n").sort();
        expect(sorted(secondary)).toEqual(sorted(primary));
      }
      expect(at(secondary, "laser", "TYPE65280")).toMatch(/^\\# 12 00010000[0-9A-F]{16}\n$/);
      live.offer(gone(laser));
      const isGone = () => site.dig(secondary, `laser.${zone}`, "A").includes("status: NXDOMAIN");
      await until("withdrawn", isGone, 30_000, 200);
    },
  );

  run(`${kind} as a secondary ends nothing, however long it is over [TO-14]`, async () => {
    const [primary, secondary] = await start(kind);
    const expiry = Math.floor(Date.now() / 1000) - 3600;
    const hex = Buffer.from(encodeTimeout({ represented: 1, expiry, hashes: [] })).toString("hex");
    const lines = [
      `update add old.${zone}. 120 A 192.0.2.9`,
      `update add old.${zone}. 120 TYPE65280 \\# 12 ${hex}`,
    ];
    expect(site.nsupdate(primary, lines)).toBe("NOERROR");
    const there = () => site.dig(secondary, "+short", `old.${zone}`, "A") === "192.0.2.9\n";
    await until("transferred", there, 30_000, 200);
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    expect(there()).toBe(true);
    expect(site.dig(secondary, "+short", `old.${zone}`, "TYPE65280")).toContain(hex.toUpperCase());
  });
}
