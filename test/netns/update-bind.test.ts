// The publisher's core against named itself: signatures, UPDATE, AXFR and
// TIMEOUT records as another implementation takes them. On loopback alone.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect } from "vitest";
import type { Offer } from "../../src/update/offer.js";
import { gone, linesOf, printer } from "../update/zone-stage.js";
import { type Child, until } from "./children.js";
import { needs } from "./needs.js";
import {
  LivePublisher,
  type PrimaryOptions,
  secretText,
  startPrimary,
  updateKey,
  updateZone,
} from "./update-stage.js";

const run = needs("named", "dig");
const folders: string[] = [];
const living: LivePublisher[] = [];
const children: Child[] = [];

afterEach(async () => {
  for (const publisher of living.splice(0)) publisher.end();
  for (const child of children.splice(0)) await child.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function primary(port: number, options?: PrimaryOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "discd-update-"));
  folders.push(folder);
  children.push(await startPrimary(folder, port, options));
}

function publisher(...given: ConstructorParameters<typeof LivePublisher>): LivePublisher {
  const made = new LivePublisher(...given);
  living.push(made);
  return made;
}

const dig = (port: number, ...words: readonly string[]): string =>
  execFileSync("dig", ["@127.0.0.1", "-p", `${port}`, "+norec", ...words], { encoding: "utf8" });

/** The zone without what named itself puts there, as linesOf writes it. */
function published(port: number, algorithm = "hmac-sha256"): string[] {
  const key = `${algorithm}:discd-link1.example.:${secretText}`;
  const lines = dig(port, "-y", key, updateZone, "AXFR", "+noall", "+answer", "+onesoa").split(
    "\n",
  );
  const own = /\s(A|AAAA|PTR|SRV|TXT)\s/;
  return lines
    .map((line) => line.replace(/\s+/g, " ").trim().replace(" IN ", " "))
    .filter(
      (line) => own.test(line) && !/ (RRSIG|NSEC|DNSKEY|CDS|CDNSKEY) |^(ns1|keep)\./.test(line),
    )
    .sort();
}

const isThere = (port: number, offers: readonly Offer[], algorithm?: string) =>
  until(
    "the zone is as the link is",
    () => published(port, algorithm).join("\n") === linesOf(...offers).join("\n"),
    20_000,
    200,
  );

const laser = printer("Laser");
const inkjet = printer("Inkjet", { address: "192.0.2.6" });

run(
  "services come and go; TIMEOUTs come with them, foreign records stay [UP-57] [TO-11]",
  async () => {
    const port = 53531;
    await primary(port);
    const live = publisher(port);
    live.offer(laser, inkjet);
    await isThere(port, [laser, inkjet]);
    const timeout = dig(port, "+short", `laser.${updateZone}`, "TYPE65280");
    expect(timeout).toMatch(/^\\# 12 00010000[0-9A-F]{16}\n$/);
    expect(live.publisher.state()).toMatchObject({ lifetime: "timeout", trouble: undefined });
    const moved = printer("Inkjet", { address: "192.0.2.66" });
    live.offer(gone(laser), moved);
    await isThere(port, [moved]);
    expect(dig(port, "+short", `laser.${updateZone}`, "TYPE65280")).toBe("");
    expect(dig(port, `laser.${updateZone}`, "A")).toContain("status: NXDOMAIN");
    expect(dig(port, "+short", `keep.${updateZone}`, "A")).toBe("192.0.2.77\n");
    live.offer(printer("Trap", { host: "keep" }));
    await until("the conflict is told", () =>
      live.logged.some((line) => line.includes("name-taken")),
    );
    expect(published(port)).toEqual(linesOf(moved));
  },
);

run("a name that named refuses costs its own service alone [UP-53]", async () => {
  const port = 53541;
  await primary(port, { zoneLines: [] });
  const live = publisher(port);
  const others = Array.from({ length: 6 }, (_, index) => printer(`P${index}`));
  live.offer(...others.slice(0, 3), printer("Phone", { host: "android_12" }), ...others.slice(3));
  await isThere(port, others);
  await until(
    "told by name",
    () => live.logged.some((line) => line.includes("android_12")),
    20_000,
  );
});

run("killed and started again: live ones stay as they are [UP-65]", async () => {
  const port = 53551;
  await primary(port);
  const first = publisher(port);
  first.offer(laser, inkjet);
  await isThere(port, [laser, inkjet]);
  const serial = dig(port, "+short", updateZone, "SOA");
  const second = publisher(port, updateKey, first.end());
  second.offer(laser);
  await until("the zone was read", () => second.publisher.isSettled, 20_000);
  expect(dig(port, "+short", updateZone, "SOA")).toBe(serial);
  expect(published(port)).toEqual(linesOf(laser, inkjet));
});

for (const [index, algorithm] of (["hmac-sha384", "hmac-sha512"] as const).entries()) {
  run(`${algorithm} is what named takes for it [TSIG-6]`, async () => {
    const port = 53561 + index;
    await primary(port, { algorithm });
    publisher(port, { ...updateKey, algorithm }).offer(laser);
    await isThere(port, [laser], algorithm);
  });
}

run("a wrong secret and an unknown key are told apart in the log [TSIG-9]", async () => {
  const port = 53571;
  await primary(port);
  const secret = Buffer.from(secretText, "base64").map((byte) => byte ^ 1);
  const wrong = publisher(port, { ...updateKey, secret });
  const unknown = publisher(port, { ...updateKey, algorithm: "hmac-sha512" });
  for (const live of [wrong, unknown]) live.offer(laser);
  const tells = (live: LivePublisher, words: string) =>
    until(words, () => live.logged.some((line) => line.includes(words)), 40_000);
  await tells(wrong, "another secret");
  await tells(unknown, "does not know the key");
  expect(published(port)).toEqual([]);
});
