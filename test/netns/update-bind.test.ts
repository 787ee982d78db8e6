// The publisher's core against named: what is so with every primary, and what is
// so with named alone: capitals are kept, and host names are judged.

import { afterEach, expect } from "vitest";
import { linesOf, printer } from "../update/zone-stage.js";
import { until } from "./children.js";
import { needs } from "./needs.js";
import { type BindOptions, startBindPrimary } from "./primaries.js";
import { Site } from "./update-stage.js";
import {
  complaintStories,
  inkjet,
  laser,
  publisherStories,
  ruleStories,
  zone,
} from "./update-stories.js";

const run = needs("named", "dig", "nsupdate");
let site: Site;

afterEach(() => site.close());

async function start(options: Partial<BindOptions> = {}) {
  site = await Site.open();
  const server = site.keep(await startBindPrimary(site.place(53531), { zone, ...options }));
  return { site, server };
}

const plain = (algorithm = "hmac-sha256") => start({ algorithm });

publisherStories("BIND", run, plain);
ruleStories("BIND", run, plain);
complaintStories("BIND", run, plain, {
  unknownKey: "does not know the key",
  wrongSecret: "another secret",
  wrongClock: /clock is (399|400|401) s ahead of ours/,
});

run("TIMEOUTs come with their records; names keep their capitals [TO-11] [TO-13]", async () => {
  const { server } = await start();
  const live = site.publisher(server);
  live.offer(laser, inkjet);
  await site.isThere(server, [laser, inkjet]);
  expect(site.published(server)).toEqual(linesOf(laser, inkjet));
  const timeout = site.dig(server, "+short", `laser.${zone}`, "TYPE65280");
  expect(timeout).toMatch(/^\\# 12 00010000[0-9A-F]{16}\n$/);
  expect(live.publisher.state()).toMatchObject({ lifetime: "timeout", trouble: undefined });
});

run("it keeps no leases: TIMEOUTs after a trial that leaves nothing [TO-20]", async () => {
  const { server } = await start();
  const live = site.publisher(server, { lifetime: undefined });
  live.offer(laser);
  await site.isThere(server, [laser]);
  await until("tried", () => live.updates.length === 3);
  await live.settles();
  await site.isThere(server, [laser]);
  expect(live.publisher.state().lifetime).toBe("timeout");
});

run("a name that named refuses costs its own service alone [UP-53]", async () => {
  const { server } = await start({ zoneLines: [] });
  const live = site.publisher(server);
  const others = Array.from({ length: 6 }, (_, index) => printer(`P${index}`));
  live.offer(...others.slice(0, 3), printer("Phone", { host: "android_12" }), ...others.slice(3));
  await site.isThere(server, others);
  await live.tells("android_12");
});

run("what its rules protect is refused to the key, whatever discd would do [UP-61]", async () => {
  const { server } = await start();
  const tell = (...lines: string[]) => site.nsupdate(server, lines);
  expect(tell(`update add ns1.${zone}. 120 A 192.0.2.9`)).toBe("REFUSED");
  expect(tell(`update delete keep.${zone}. A`)).toBe("REFUSED");
  expect(tell(`update delete ${zone}.`)).toBe("REFUSED");
  expect(tell(`update add other.${zone}. 120 MX 10 keep.${zone}.`)).toBe("REFUSED");
});
