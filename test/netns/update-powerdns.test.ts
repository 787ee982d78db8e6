// The publisher's core against PowerDNS: what is so with every primary, and what
// is so with PowerDNS alone: it knows no TIMEOUT, tells capitals apart in what it
// deletes, and says REFUSED to whatever is wrong with a key.

import { afterEach, expect } from "vitest";
import { gone, printer } from "../update/zone-stage.js";
import { until } from "./children.js";
import { needs } from "./needs.js";
import { startPowerdns } from "./primaries.js";
import { Site } from "./update-stage.js";
import {
  complaintStories,
  inkjet,
  laser,
  publisherStories,
  ruleStories,
  zone,
} from "./update-stories.js";

const run = needs("pdns_server", "sqlite3", "dig", "nsupdate");
let site: Site;

afterEach(() => site.close());

async function start(algorithm = "hmac-sha256") {
  site = await Site.open();
  const server = site.keep(await startPowerdns(site.place(53534), { zone, algorithm }));
  await site.isAnswered(server);
  return { site, server };
}

publisherStories("PowerDNS", run, start);
ruleStories("PowerDNS", run, start);
complaintStories("PowerDNS", run, start, {
  unknownKey: "refuses us and signs nothing (REFUSED)",
  wrongSecret: "refuses us and signs nothing (REFUSED)",
  wrongClock: "refuses us and signs nothing (REFUSED)",
});

run("it takes no TIMEOUT, and gets none from then on [UP-64] [TO-20]", async () => {
  const { server } = await start();
  const live = site.publisher(server, { lifetime: undefined });
  live.offer(laser);
  // With TIMEOUTs, without, and a trial of leases with its end.
  await until("tried", () => live.updates.length === 4, 20_000);
  await live.settles();
  await site.isThere(server, [laser]);
  expect(live.publisher.state().lifetime).toBe("none");
  expect(live.logged.filter((line) => line.startsWith("update-without-timeouts")).length).toBe(1);
  const sent = live.sent.length;
  live.offer(inkjet);
  await site.isThere(server, [laser, inkjet]);
  await live.settles();
  // At once, in one message: nothing is tried a second time.
  expect(live.sent.length).toBe(sent + 1);
  expect(site.transfer(server).filter((line) => line.includes("discd-probe"))).toEqual([]);
});

run("a record is deleted with the capitals that it was added with [UP-60]", async () => {
  const { server } = await start();
  const shouting = printer("LASER\\032Jet");
  const live = site.publisher(server);
  live.offer(shouting, inkjet);
  await until("it is there", () => site.published(server).length >= 9);
  await live.settles();
  const browse = () => site.dig(server, "+short", `_ipp._tcp.${zone}`, "PTR");
  expect(browse()).toContain("LASER");
  const own = live.end();
  // Somebody who writes it otherwise does nothing, and is told that all is well.
  const target = browse()
    .split("\n")
    .find((line) => line.includes("LASER"));
  const other = `update delete _ipp._tcp.${zone}. PTR ${target?.toLowerCase()}`;
  expect(site.nsupdate(server, [other])).toBe("NOERROR");
  expect(browse()).toContain("LASER");
  const second = site.publisher(server, { own });
  second.offer(shouting, inkjet);
  await second.settles();
  second.offer(gone(shouting));
  await site.isThere(server, [inkjet]);
});
