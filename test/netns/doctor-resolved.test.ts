// Stage 1 with a real systemd-resolved: who owns the zone, and who decides.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { Avahi } from "./avahi.js";
import { doctorStage, saidBy, server, zone } from "./doctor-stage.js";
import { needs } from "./needs.js";
import { Resolved } from "./resolved.js";

const it = needs("avahi-daemon", "dbus-daemon", "named", "resolvectl", "tcpdump", "unbound");
const built = doctorStage();
let resolved: Resolved | undefined;

async function started(): Promise<Resolved> {
  if (resolved === undefined) {
    resolved = built.stage.lab.keep(await Resolved.start(built.stage.lab, "cli"));
    // The hotel's network takes everything, the office's link nothing of its own.
    resolved.control("dns hot 10.6.0.1");
    resolved.control("default-route hot yes");
    resolved.control("dns wan 10.7.0.53");
    resolved.control("default-route wan no");
  }
  return resolved;
}

const wanted = `--zone ${zone} --server ${server}`;

it("A8.1 A8.15 no link owns the zone: it goes to the hotel's resolver", async () => {
  const enter = (await started()).enter();
  const found = await built.stage.run(wanted, { enter });
  expect([found.faults, found.status], saidBy(found)).toEqual([
    ["resolver-owner NO-ROUTING-DOMAIN"],
    2,
  ]);
  const { decision, evidence, remedy } = found.check("resolver-owner") ?? {};
  expect(decision).toContain(`no link owns ~${zone}: it goes to hot`);
  expect(evidence?.join("\n")).toMatch(/^hot: servers 10\.6\.0\.1.*, takes other names$/m);
  expect(evidence?.join("\n")).toMatch(/^wan: servers 10\.7\.0\.53/m);
  expect(remedy?.[0]).toBe(
    `resolvectl domain IF ~${zone}, on the link through which discd is reached`,
  );
});

it("A8.1 A8.2 a link owns the zone: no fault, and the file is said to be a stub", async () => {
  const resolved = await started();
  resolved.control(`domain wan ~${zone} ~10.in-addr.arpa`);
  const found = await built.stage.run(wanted, { enter: resolved.enter() });
  expect([found.faults, found.status], saidBy(found)).toEqual([[], 0]);
  expect(found.check("resolver-owner")?.decision).toContain(`servers of wan for ${zone}`);
  expect(found.check("fallback")?.decision).toMatch(/^systemd-resolved alone is asked/);
  const file = found.check("resolv-conf");
  expect(file?.decision).toMatch(/names the stub of systemd-resolved/);
  expect(file?.evidence[0]).toMatch(/a link to \/run\/systemd\/resolve\/stub-resolv\.conf$/);
  expect(found.check("managers")?.evidence[0]).toBe("active: systemd-resolved");
});

it("A8.25 a link has two servers, and one does not know the zone", async () => {
  const resolved = await started();
  resolved.control(`domain wan ~${zone} ~10.in-addr.arpa`);
  resolved.control("dns wan 10.7.0.53 10.6.0.1");
  const found = await built.stage.run(wanted, { enter: resolved.enter() });
  resolved.control("dns wan 10.7.0.53");
  expect([found.faults, found.status], saidBy(found)).toEqual([["fallback FALLBACK-LEAK"], 1]);
  expect(found.check("fallback")?.decision).toMatch(/^10\.6\.0\.1 may be asked for floor1/);
});

it("C1 row 21 avahi and systemd-resolved both answer for the host", async () => {
  const resolved = await started();
  resolved.control(`domain wan ~${zone} ~10.in-addr.arpa`);
  resolved.control("mdns hot yes");
  const folder = mkdtempSync(join(tmpdir(), "discd-avahi-"));
  const options = { host: "cli", services: [], interfaces: ["hot"] };
  const avahi = await Avahi.start(resolved.enter(), folder, options);
  const found = await built.stage.run(wanted, { enter: resolved.enter() });
  await avahi.stop();
  rmSync(folder, { recursive: true });
  resolved.control("mdns hot no");
  expect([found.faults, found.status], saidBy(found)).toEqual([["port-5353 MDNS-STACKS"], 1]);
});

it("A7.15 A8.15 resolv.conf leads past systemd-resolved: two resolvers fight", async () => {
  const resolved = await started();
  resolved.control(`domain wan ~${zone} ~10.in-addr.arpa`);
  const past = 'rm /etc/resolv.conf; echo nameserver 10.7.0.53 >/etc/resolv.conf; exec "$@"';
  const enter = [...resolved.enter(), "sh", "-c", past, "sh"];
  const found = await built.stage.run(wanted, { enter });
  expect([found.faults, found.status], saidBy(found)).toEqual([["managers RESOLVERS-FIGHT"], 1]);
});
