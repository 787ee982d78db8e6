// What the API tells of a link in mode 'update': its subdomain, its primary, and the
// health of a zone that other servers answer.

import { expect } from "vitest";
import type { UpdateView } from "../../src/api/shapes.js";
import { ask, read } from "./api-stage.js";
import { until } from "./children.js";
import type { Daemon } from "./daemon.js";
import type { Lab } from "./lab.js";
import { needs } from "./needs.js";
import { lists, untilZone, updateSite, updateZone } from "./update-lab.js";

const it = needs("avahi-daemon", "named", "dig", "curl");
let lab: Lab;
const { named, discd, printer } = updateSite((built) => {
  lab = built;
});

const updateOf = (daemon: Daemon): UpdateView | undefined =>
  read<{ updates: readonly UpdateView[] }>(lab, daemon, "/v1/updates").updates[0];

const health = (daemon: Daemon, query = "") => ask(lab, daemon, `/healthz${query}`);

const zone = `?zone=${updateZone}`;

it("A8.17 a published zone is as healthy as its link and its primary", async () => {
  const primary = await named();
  const daemon = await discd();
  const laser = await printer("ava1", "Laser");
  await untilZone("it is published", lab, () => lists(lab, "Laser._ipp._tcp"));
  await until("the API says so", () => (updateOf(daemon)?.published ?? 0) > 0);
  expect(updateOf(daemon)).toMatchObject({
    subdomain: updateZone,
    zone: updateZone,
    source: "config",
    transport: "tcp",
    trouble: null,
  });
  const { zones } = read<{ zones: readonly object[] }>(lab, daemon, "/v1/zones");
  expect(zones).toContainEqual(
    expect.objectContaining({ zone: updateZone, kind: "published", link: "net1" }),
  );
  // Nothing is answered here: no listener is missed.
  await until("all is well", () => health(daemon).status === 200);
  expect(health(daemon).body.listeners).toEqual([]);
  expect(health(daemon, zone).body).toMatchObject({ ok: true, reasons: [] });
  await primary.stop();
  await laser.stop();
  await until("the zone is not", () => health(daemon, zone).status === 503, 30_000, 200);
  expect(health(daemon, zone).body.reasons[0]).toMatch(new RegExp(`^zone ${updateZone}: \\S`));
  expect(health(daemon).status).toBe(200);
  expect(health(daemon).body.zones).toEqual([{ name: updateZone, ok: false }]);
  const { problems } = read<{ problems: readonly string[] }>(lab, daemon, "/v1/summary");
  expect(problems.join("\n")).toContain(updateZone);
}, 90_000);

it("and without its link it is not", async () => {
  await named();
  const daemon = await discd();
  await until("all is well", () => health(daemon, zone).status === 200, 20_000);
  lab.run("px", "ip link set net1 down");
  await until("the zone is not", () => health(daemon, zone).status === 503, 20_000);
  expect(health(daemon, zone).body.reasons).toEqual(["link net1: the interface is down"]);
  lab.run("px", "ip link set net1 up");
  await until("all is well again", () => health(daemon, zone).status === 200, 20_000);
});
