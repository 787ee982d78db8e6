// The publisher's core against Knot DNS: what is so with every primary, and what
// is so with Knot alone: names in lower case, rules that deny with BADKEY, and a
// zone that a restart can empty.

import { afterEach, expect } from "vitest";
import { printer } from "../update/zone-stage.js";
import { until } from "./children.js";
import { needs } from "./needs.js";
import { type KnotOptions, startKnot } from "./primaries.js";
import { Site } from "./update-stage.js";
import {
  complaintStories,
  inkjet,
  laser,
  publisherStories,
  ruleStories,
  zone,
} from "./update-stories.js";

const run = needs("knotd", "dig", "nsupdate");
let site: Site;

afterEach(() => site.close());

async function start(options: Partial<KnotOptions> = {}) {
  site = await Site.open();
  const server = site.keep(await startKnot(site.place(53532), { zone, ...options }));
  await site.isAnswered(server);
  return { site, server };
}

const plain = (algorithm = "hmac-sha256") => start({ algorithm });

publisherStories("Knot", run, plain);
ruleStories("Knot", run, plain);
complaintStories("Knot", run, plain, {
  unknownKey: "does not know the key",
  wrongSecret: "another secret",
  wrongClock: /clock is (399|400|401) s ahead of ours/,
});

run("instances lose their capitals: told of once, and not taken for missing [UP-54]", async () => {
  const { server } = await start();
  const first = site.publisher(server);
  first.offer(laser, inkjet);
  await first.settles();
  await until("it is there", () => site.published(server).length >= 9);
  const serial = site.serial(server);
  const second = site.publisher(server, { own: first.end() });
  second.offer(laser, inkjet);
  await second.settles();
  await second.tells("server-lowers-case");
  expect(second.logged.filter((line) => line.startsWith("server-lowers-case")).length).toBe(1);
  expect(site.serial(server)).toBe(serial);
  expect(site.dig(server, "+short", `_ipp._tcp.${zone}`, "PTR")).toContain("laser._ipp");
});

run("rules that deny one name: BADKEY is not about the key [UP-64] [UP-63]", async () => {
  const owners = ["_tcp", "_udp", "p0", "p1", "p2", "p3", "p4", "p5"];
  const { server } = await start({ owners });
  const live = site.publisher(server);
  const others = Array.from({ length: 6 }, (_, index) => printer(`P${index}`));
  live.offer(others[0] as typeof laser);
  await site.isThere(server, others.slice(0, 1));
  live.offer(...others.slice(1, 3), printer("Phone"), ...others.slice(3));
  await site.isThere(server, others);
  await live.tells(`"phone.${zone}"`);
  expect(live.logged.join()).not.toContain("does not know the key");
  expect(live.publisher.state().trouble).toBeUndefined();
});

run("a zone that a restart has emptied is filled again within one audit [UP-64]", async () => {
  const zoneLines = [
    "zonefile-load: difference-no-serial",
    "zonefile-sync: -1",
    "journal-content: all",
  ];
  const { server } = await start({ zoneLines });
  const live = site.publisher(server);
  live.offer(laser, inkjet);
  await site.isThere(server, [laser, inkjet]);
  await live.settles();
  await server.restart();
  await site.isAnswered(server);
  expect(site.published(server)).toEqual([]);
  await until("filled again", () => site.published(server).length === 9, 90_000, 1000);
  await site.isThere(server, [laser, inkjet]);
});
