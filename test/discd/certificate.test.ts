// The certificate over time: what the setting leads to, what is taken into use
// when files change, what stays, and which lines the log gets of it.

import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CertificateChoice, CertificateSetting } from "../../src/config/certificate.js";
import { problemText } from "../../src/config/check-text.js";
import { CertificateInForce } from "../../src/discd/certificate-in-force.js";
import { findCertificate, printFound } from "../../src/discd/find-certificate.js";
import { instant } from "../../src/time.js";
import { day, folder, issueChain, newKey, noon } from "../os/authority.js";

const names = ["px.example.com", "floor1.example.com"];

const settingOf = (choice: CertificateChoice, named = names): CertificateSetting => {
  const file = "discd.lua";
  const places = { certificate: 3, crt: 4, key: 5, chain: 6 };
  const placed = Object.entries(places).map(([key, line]) => [key, { file, line }]);
  return { choice, names: named, places: Object.fromEntries(placed) };
};

interface Said {
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A certificate in force, its clocks turned by hand, its log a list. */
async function running(setting: CertificateSetting, start = noon) {
  const said: Said[] = [];
  const log = {
    event: (level: string, event: string, fields = {}) => void said.push({ level, event, fields }),
  };
  let passed = 0;
  const clocks = { now: () => instant(passed), wall: () => start + passed };
  const found = await findCertificate(setting, start);
  const inForce = new CertificateInForce(setting, found, log, clocks);
  inForce.tell();
  return {
    inForce,
    /** Lines since the last time, as `level event`. */
    lines: () => said.splice(0).map(({ level, event }) => `${level} ${event}`),
    take: () => said.splice(0),
    /** Lets time pass, then looks. */
    look: (time = 10_000) => {
      passed += time;
      return inForce.look();
    },
    async change(next: CertificateSetting, isAsked: boolean) {
      inForce.take(next, await findCertificate(next, clocks.wall()), isAsked);
      inForce.tell();
    },
  };
}

const subjectOf = (cert: string | undefined) => {
  const { subject, serialNumber } = new X509Certificate(cert ?? "");
  return `${subject} ${serialNumber}`;
};

function filesIn(place: ReturnType<typeof folder>, chain = issueChain(names)) {
  place.write("crt", chain.leaf.pem + chain.middle.pem);
  place.write("key", chain.leaf.key);
  return settingOf({ kind: "files", files: { crt: place.in("crt"), key: place.in("key") } });
}

/** What discli prints of a server, reckoned from its private key. */
function pinOfKey(key = ""): string {
  const der = createPublicKey(key).export({ type: "spki", format: "der" });
  return `sha256/${createHash("sha256").update(der).digest("base64")}`;
}

test("files: one line says which, whom they name, until when", async () => {
  const place = folder();
  const run = await running(filesIn(place));
  const [line, ...rest] = run.take();
  expect(rest).toEqual([]);
  expect(line).toMatchObject({
    level: "info",
    event: "certificate",
    fields: {
      crt: place.in("crt"),
      key: place.in("key"),
      names,
      until: "2026-09-13T12:00:00.000Z",
    },
  });
  expect(line?.fields.fingerprint).toBe(
    new X509Certificate(run.inForce.credentials?.cert ?? "").fingerprint256,
  );
  expect(line?.fields.pin).toBe(pinOfKey(run.inForce.credentials?.key));
  // Never what is secret.
  expect(JSON.stringify(line)).not.toContain("PRIVATE");
});

test("problems stand at the line of their key, for --check and the log alike", async () => {
  const place = folder();
  const setting = filesIn(place);
  place.write("key", newKey());
  const found = await findCertificate(setting, noon);
  expect(found.certificate).toBeUndefined();
  expect(found.problems.map(problemText)).toEqual([
    `discd.lua:5: certificate.key: ${place.in("key")}: is not the key of the certificate in ` +
      `${place.in("crt")}; name the two that belong together`,
  ]);
  const run = await running(setting);
  expect(run.inForce.credentials).toBeUndefined();
  expect(run.lines()).toEqual(["error certificate-problem", "info tls-closed"]);
});

test("where HTTP is to speak TLS, the want of a certificate is an error", async () => {
  const neededAt = { file: "discd.lua", line: 9 };
  const nowhere = join(folder().in("crt"), "live");
  const setting = {
    ...settingOf({ kind: "unwritten", folder: nowhere, otherwise: "none" }),
    neededAt,
  };
  const found = await findCertificate(setting, noon);
  expect(found.problems.map(problemText)).toEqual([
    `discd.lua:9: http.tls: needs a certificate, and certificate is not set and ${nowhere} is not ` +
      "there; set certificate = { crt = 'FILE', key = 'FILE' } or 'self-signed'",
  ]);
  const own = { ...settingOf({ kind: "self-signed" }), neededAt };
  expect((await findCertificate(own, noon)).problems).toEqual([]);
});

test("self-signed: said so, with the fingerprint, and remade for other names or before it ends", async () => {
  const run = await running(settingOf({ kind: "self-signed" }));
  const first = run.inForce.credentials;
  const [line, ...rest] = run.take();
  expect(rest).toEqual([]);
  expect(line).toMatchObject({ level: "info", event: "certificate" });
  expect(line?.fields).toMatchObject({
    source: "self-signed",
    names,
    fingerprint: new X509Certificate(first?.cert ?? "").fingerprint256,
    pin: pinOfKey(first?.key),
    effect: expect.stringContaining("refuse it"),
    remedy: "set certificate = { crt = 'FILE', key = 'FILE' }",
  });
  // The same names: the same certificate, and nothing to say.
  await run.change(settingOf({ kind: "self-signed" }), true);
  expect(run.inForce.credentials).toBe(first);
  expect(run.lines()).toEqual([]);
  await run.change(settingOf({ kind: "self-signed" }, [...names, "mesh"]), false);
  expect(run.inForce.credentials?.names).toEqual([...names, "mesh"]);
  expect(run.lines()).toEqual(["info certificate"]);
  const second = run.inForce.credentials;
  expect(await run.look(365 * day)).toBe(false);
  expect(await run.look(2 * day)).toBe(true);
  expect(run.inForce.credentials).not.toBe(second);
  expect(run.lines()).toEqual(["info certificate"]);
});

test("self-signed for a host without any name that a certificate can hold", async () => {
  const run = await running(settingOf({ kind: "self-signed" }, []));
  expect(run.inForce.credentials?.names).toEqual(["discd.home.arpa"]);
});

const none = { kind: "none", reason: "certificate is false", remedy: "x" } as const;

test("false: no TLS", async () => {
  const run = await running(settingOf(none));
  expect(run.inForce.credentials).toBeUndefined();
  expect(run.lines()).toEqual(["info tls-closed"]);
  expect(printFound(await findCertificate(settingOf(none), noon))).toBe(false);
});

test("new files are taken into use at the next look, ten seconds after the last", async () => {
  const place = folder();
  const run = await running(filesIn(place));
  const first = run.inForce.credentials;
  run.lines();
  filesIn(place);
  expect(await run.look(9_999)).toBe(false);
  expect(run.inForce.credentials).toBe(first);
  expect(await run.look(1)).toBe(true);
  expect(run.inForce.credentials?.key).not.toBe(first?.key);
  expect(run.lines()).toEqual(["info certificate"]);
  expect(await run.look()).toBe(false);
  expect(run.lines()).toEqual([]);
});

test("half-written or bad files leave the old ones in use, said once", async () => {
  const place = folder();
  const setting = filesIn(place);
  const run = await running(setting);
  const first = run.inForce.credentials;
  run.lines();
  const next = issueChain(names);
  place.write("crt", next.leaf.pem.slice(0, 200));
  expect(await run.look()).toBe(false);
  expect(run.lines()).toEqual(["error certificate-problem", "error certificate-kept"]);
  for (let look = 0; look < 5; look += 1) expect(await run.look()).toBe(false);
  expect(run.lines()).toEqual([]);
  // The certificate is whole, the key still the old one.
  place.write("crt", next.leaf.pem + next.middle.pem);
  expect(await run.look()).toBe(false);
  expect(run.inForce.credentials).toBe(first);
  expect(run.lines()).toEqual(["error certificate-problem"]);
  // Interfaces come and go meanwhile.
  await run.change(setting, false);
  expect(run.inForce.credentials).toBe(first);
  expect(run.lines()).toEqual([]);
  place.write("key", next.leaf.key);
  expect(await run.look()).toBe(true);
  expect(subjectOf(run.inForce.credentials?.cert)).toBe(subjectOf(next.leaf.pem));
  expect(run.lines()).toEqual(["info certificate"]);
});

test("files that are written again with the same contents change nothing", async () => {
  const place = folder();
  const chain = issueChain(names);
  const run = await running(filesIn(place, chain));
  const first = run.inForce.credentials;
  run.lines();
  filesIn(place, chain);
  expect(await run.look()).toBe(false);
  expect(run.inForce.credentials).toBe(first);
  expect(run.lines()).toEqual([]);
});

/** A folder as certbot keeps it: links into an archive. */
function live(place: ReturnType<typeof folder>, version: number) {
  const chain = issueChain(names);
  const path = place.in("live");
  mkdirSync(path, { recursive: true });
  const link = (name: string, text: string) => {
    const target = place.write(`${name}${version}.pem`, text);
    symlinkSync(target, join(path, "next"));
    renameSync(join(path, "next"), join(path, `${name}.pem`));
  };
  link("cert", chain.leaf.pem);
  link("chain", chain.middle.pem);
  link("fullchain", chain.leaf.pem + chain.middle.pem);
  link("privkey", chain.leaf.key);
  return { path, chain };
}

test("[A1.10] Let's Encrypt: found when it comes, followed when its links swap", async () => {
  const place = folder();
  const choice = { kind: "unwritten", folder: place.in("live"), otherwise: "none" } as const;
  const run = await running(settingOf(choice));
  expect(run.inForce.credentials).toBeUndefined();
  const [closed] = run.take();
  expect(closed).toMatchObject({ level: "info", event: "tls-closed" });
  expect(closed?.fields.reason).toBe(`certificate is not set and ${place.in("live")} is not there`);
  expect(closed?.fields.remedy).toContain(
    `put fullchain.pem and privkey.pem into ${choice.folder}`,
  );
  const first = live(place, 1);
  expect(await run.look()).toBe(true);
  expect(run.take()[0]?.fields).toMatchObject({ crt: join(choice.folder, "fullchain.pem") });
  expect(subjectOf(run.inForce.credentials?.cert)).toBe(subjectOf(first.chain.leaf.pem));
  expect(run.inForce.credentials?.cert.match(/BEGIN/g)).toHaveLength(2);
  live(place, 2);
  expect(await run.look()).toBe(true);
  expect(run.lines()).toEqual(["info certificate"]);
  // Gone: what is in use stays, until the operator asks.
  const second = run.inForce.credentials;
  rmSync(choice.folder, { recursive: true });
  expect(await run.look()).toBe(false);
  expect(run.inForce.credentials).toBe(second);
  expect(run.lines()).toEqual(["error certificate-kept"]);
  await run.change(settingOf(choice), true);
  expect(run.inForce.credentials).toBeUndefined();
  expect(run.lines()).toEqual(["info tls-closed"]);
});

test("[A1.10] Let's Encrypt without fullchain.pem: cert.pem with chain.pem", async () => {
  const place = folder();
  const { path } = live(place, 1);
  rmSync(join(path, "fullchain.pem"));
  const found = await findCertificate(
    settingOf({ kind: "unwritten", folder: path, otherwise: "none" }),
    noon,
  );
  const files = {
    crt: join(path, "cert.pem"),
    key: join(path, "privkey.pem"),
    chain: join(path, "chain.pem"),
  };
  expect(printFound(found)).toEqual(files);
  expect(found.certificate?.credentials.cert.match(/BEGIN/g)).toHaveLength(2);
});

test("[A1.10] Let's Encrypt with a missing key: an error with a file, else a warning", async () => {
  const place = folder();
  const { path } = live(place, 1);
  rmSync(join(path, "privkey.pem"));
  const choice = { kind: "unwritten", folder: path } as const;
  const strict = await findCertificate(settingOf({ ...choice, otherwise: "none" }), noon);
  expect(strict.problems.map(problemText)).toEqual([
    expect.stringContaining(`discd.lua:3: certificate: ${path}/privkey.pem: is not there; `),
  ]);
  expect(strict.problems.map(({ isWarning }) => isWarning)).toEqual([false]);
  const easy = await findCertificate(settingOf({ ...choice, otherwise: "self-signed" }), noon);
  expect(easy.source).toBe("self-signed");
  expect(easy.problems.map(({ isWarning }) => isWarning)).toEqual([true]);
});

test("Let's Encrypt becomes unreadable while it is in use: it stays", async () => {
  const place = folder();
  const { path } = live(place, 1);
  const run = await running(
    settingOf({ kind: "unwritten", folder: path, otherwise: "self-signed" }),
  );
  const first = run.inForce.credentials;
  expect(run.lines()).toEqual(["info certificate"]);
  place.write("privkey1.pem", "");
  expect(await run.look()).toBe(false);
  expect(run.inForce.credentials).toBe(first);
  expect(run.lines()).toEqual(["warn certificate-problem", "error certificate-kept"]);
});

test("the end is announced once a day from two weeks before, and then as an error", async () => {
  const place = folder();
  const chain = issueChain(names, { until: noon + 20 * day });
  const run = await running(filesIn(place, chain));
  expect(run.lines()).toEqual(["info certificate"]);
  await run.look(5 * day);
  expect(run.lines()).toEqual([]);
  await run.look(day + 1);
  const [line, ...rest] = run.take();
  expect(rest).toEqual([]);
  expect(line).toMatchObject({ level: "warn", event: "certificate-expires", fields: { days: 13 } });
  await run.look(day - 20_000);
  expect(run.lines()).toEqual([]);
  await run.look(20_000);
  expect(run.lines()).toEqual(["warn certificate-expires"]);
  await run.look(20 * day);
  expect(run.lines()).toEqual(["error certificate-expired"]);
  await run.look(1_000_000);
  expect(run.lines()).toEqual([]);
  await run.look(day);
  expect(run.lines()).toEqual(["error certificate-expired"]);
  // It is used all the same: clients decide.
  expect(run.inForce.credentials).toBeDefined();
  filesIn(place, issueChain(names, { until: noon + 200 * day }));
  expect(await run.look()).toBe(true);
  expect(run.lines()).toEqual(["info certificate"]);
});

test("one that is not valid yet is used, and an error in the log", async () => {
  const place = folder();
  const run = await running(filesIn(place, issueChain(names, { from: noon + day })));
  expect(run.inForce.credentials).toBeDefined();
  expect(run.lines()).toContain("error certificate-not-yet-valid");
});

test("what clients refuse is told to health, and what nobody verifies is not", async () => {
  const troubleOf = async (chain: ReturnType<typeof issueChain>) =>
    (await running(filesIn(folder(), chain))).inForce.trouble;
  expect(await troubleOf(issueChain(names))).toBeUndefined();
  expect(await troubleOf(issueChain([names[1] ?? ""]))).toBeUndefined();
  expect(await troubleOf(issueChain(["*.example.com"]))).toBeUndefined();
  expect(await troubleOf(issueChain(["elsewhere.example.net"]))).toBe(
    "the certificate names elsewhere.example.net, and not px.example.com",
  );
  expect(await troubleOf(issueChain(names, { from: noon + day }))).toMatch(
    /^the .*not valid before/,
  );
  const run = await running(filesIn(folder(), issueChain(names, { until: noon + 2 * day })));
  expect(run.inForce.trouble).toBeUndefined();
  await run.look(3 * day);
  expect(run.inForce.trouble).toMatch(/^the certificate expired on .*; renew it$/);
  const own = await running(settingOf({ kind: "self-signed" }));
  expect(own.inForce.trouble).toBeUndefined();
});
