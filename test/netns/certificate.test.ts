// Certificates as clients see them: openssl and kdig ask a discd that runs alone in
// a network namespace, with certificates that openssl made, in files, in the folder
// of Let's Encrypt, or none at all.

import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { Authority, type Issued } from "./authority.js";
import { Child, until } from "./children.js";
import { configure, discd } from "./daemon.js";
import { needs } from "./needs.js";

const it = needs("openssl", "kdig");

const host = "px.example.com";
const zone = "floor1.example.com";
const text = `interfaces = { { name = 'eth9', subdomain = '${zone}' } }\n`;

let authority: Authority;
/** What the daemons see as /etc: nothing of this machine's certificates. */
let etc: string;
let live: string;
let running: Child[] = [];

beforeAll(() => {
  if (spawnSync("openssl", ["version"]).status !== 0) return;
  authority = new Authority();
  etc = mkdtempSync(join(tmpdir(), "discd-etc-"));
  for (const name of ["hosts", "passwd", "group", "nsswitch.conf", "ld.so.cache"]) {
    if (existsSync(`/etc/${name}`)) copyFileSync(`/etc/${name}`, join(etc, name));
  }
  live = join(etc, "letsencrypt", "live", host);
});

afterEach(async () => {
  for (const child of running) await child.stop();
  running = [];
  rmSync(join(etc, "letsencrypt"), { recursive: true, force: true });
});

afterAll(() => {
  rmSync(etc, { recursive: true, force: true });
  rmSync(authority.folder, { recursive: true, force: true });
});

/** The link of the zone, with nobody on it. */
const link = "ip link add eth9 type dummy; ip link set eth9 up; ip addr add 10.9.9.1/24 dev eth9";

/** A program in a network of its own, with an /etc of our making. */
function launch(...argv: readonly string[]): Child {
  const prepare = `mount --bind ${etc} /etc; ip link set lo up; ${link}; exec "$@"`;
  const child = new Child(["unshare", "-n", "-m", "sh", "-c", prepare, "sh", ...argv]);
  running.push(child);
  return child;
}

async function start(config: string): Promise<Child> {
  const child = launch(discd, "-c", configure(config));
  await child.says(/"event":"started"/);
  return child;
}

const enter = (child: Child) => ["nsenter", "-t", String(child.pid), "-n"];

interface Shown {
  /** Common names of the certificates sent, the server's own first. */
  readonly chain: readonly string[];
  readonly fingerprint: string | undefined;
  readonly output: string;
  readonly isVerified: boolean;
}

/** One handshake; `more` are words for openssl s_client. */
function handshake(child: Child, ...more: readonly string[]): Shown {
  const words = ["s_client", "-connect", "127.0.0.1:853", "-showcerts", ...more];
  const [program, ...argv] = [...enter(child), "openssl", ...words];
  const done = spawnSync(program!, argv, { encoding: "utf8", input: "", timeout: 20_000 });
  const output = done.stdout + done.stderr;
  const chain = [...output.matchAll(/^ *\d+ s:CN ?= ?(.+)$/gm)].map(([, name]) => name!);
  const [first] = output.match(/-----BEGIN CERT[\s\S]*?-----END CERTIFICATE-----/) ?? [];
  const isVerified = done.status === 0 && output.includes("Verify return code: 0 (ok)");
  return { chain, fingerprint: first && fingerprintOf(first), output, isVerified };
}

function fingerprintOf(pem: string): string {
  const argv = ["x509", "-noout", "-fingerprint", "-sha256"];
  const done = spawnSync("openssl", argv, { encoding: "utf8", input: pem });
  return done.stdout.trim().replace(/^.*=/, "");
}

/** Words that make s_client end where the certificate is not good for a name. */
const verifying = (name: string, root = authority.root) =>
  ["-CAfile", root, "-verify_return_error", "-verify_hostname", name] as const;

/** Writes what certbot would, each version into the archive, the links last. */
function renew(version: number, { leaf, key }: Issued): void {
  const archive = join(etc, "letsencrypt", "archive", host);
  for (const folder of [archive, live]) mkdirSync(folder, { recursive: true });
  const files = { fullchain: leaf + authority.middle, privkey: key };
  for (const [name, pem] of Object.entries(files)) {
    const file = `${name}${version}.pem`;
    writeFileSync(join(archive, file), pem, { mode: 0o600 });
    symlinkSync(join("../../archive", host, file), join(live, "next"));
    renameSync(join(live, "next"), join(live, `${name}.pem`));
  }
}

/** Files of the given certificate, and the text that names them. */
function inFiles({ leaf, key }: Issued) {
  const folder = mkdtempSync(join(tmpdir(), "discd-files-"));
  const write = (name: string, pem: string) =>
    writeFileSync(join(folder, name), pem, { mode: 0o600 });
  write("crt.pem", leaf);
  write("key.pem", key);
  write("chain.pem", authority.middle);
  const at = (name: string) => `'${join(folder, name)}'`;
  const keys = `crt = ${at("crt.pem")}, key = ${at("key.pem")}, chain = ${at("chain.pem")}`;
  return { folder, write, line: `certificate = { ${keys} }\n` };
}

/** Lines of the log about an event. */
function events(child: Child, name: string): Record<string, unknown>[] {
  const lines = child.stderrLines.filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line)).filter(({ event }) => event === name);
}

it("[A1.10] [TLS-05] [TLS-06] Let's Encrypt by host name: leaf and intermediate, for host and zone", async () => {
  renew(1, authority.issue(host, zone));
  const child = await start(text);
  const shown = handshake(child, "-servername", host, ...verifying(host));
  expect(shown.chain).toEqual([host, "Lab Middle"]);
  expect(shown.isVerified, shown.output).toBe(true);
  expect(events(child, "certificate")).toMatchObject([
    { crt: `/etc/letsencrypt/live/${host}/fullchain.pem`, names: [host, zone] },
  ]);
  // A client without DNSSEC checks for the zone; SNI is either, or absent.
  expect(handshake(child, "-servername", zone, ...verifying(zone)).isVerified).toBe(true);
  expect(handshake(child, "-noservername", ...verifying(zone)).isVerified).toBe(true);
  expect(handshake(child, "-noservername", ...verifying("px.example.net")).isVerified).toBe(false);
  // GnuTLS thinks so, too.
  for (const name of [host, zone]) {
    const tls = [`+tls-ca=${authority.root}`, `+tls-hostname=${name}`];
    const kdig = new Child([...enter(child), "kdig", "@127.0.0.1", ...tls, zone, "SOA", "+short"]);
    await kdig.ended;
    expect(kdig.exit, kdig.stdoutLines.join("\n")).toEqual({ code: 0, signal: null });
    expect(kdig.stdoutLines.join()).toContain(host);
  }
});

it("[A1.10] [TLS-05] paths in the file win, intermediates in a file of their own", async () => {
  renew(1, authority.issue(host, zone));
  const other = authority.issue(host, zone);
  const child = await start(inFiles(other).line + text);
  const shown = handshake(child, ...verifying(zone));
  expect(shown.fingerprint).toBe(other.fingerprint);
  expect(shown.chain).toEqual([host, "Lab Middle"]);
  expect(shown.isVerified, shown.output).toBe(true);
});

/** A query for the zone's SOA, RFC 1035 §4.1, behind its length; all bytes are ASCII. */
function soaQuery(): string {
  const labels = zone.split(".").map((label) => String.fromCharCode(label.length) + label);
  const name = `${labels.join("")}\0`;
  const message = `\x01\x02\x01\0\0\x01\0\0\0\0\0\0${name}\0\x06\0\x01`;
  return `\0${String.fromCharCode(message.length)}${message}`;
}

it("[A1.10] renewed files: the next handshake shows them, a connection from before goes on", async () => {
  const first = authority.issue(host, zone);
  renew(1, first);
  // The connection may idle for as long as it takes until the files are looked at.
  const child = await start(`limits = { tcp_idle = '2m' }\n${text}`);
  const words = ["-connect", "127.0.0.1:853", "-quiet", "-CAfile", authority.root];
  const old = new Child([...enter(child), "openssl", "s_client", ...words], { binary: true });
  running.unshift(old);
  let heard = 0;
  old.stdout.on("data", (bytes: Buffer) => {
    heard += bytes.length;
  });
  const isAnswered = async () => {
    const before = heard;
    old.write(soaQuery());
    await until("an answer", () => heard > before + 40);
  };
  await isAnswered();
  expect(handshake(child).fingerprint).toBe(first.fingerprint);
  const second = authority.issue(host, zone);
  renew(2, second);
  await until("the new one is shown", () => events(child, "certificate").length === 2, 20_000);
  const shown = handshake(child, ...verifying(zone));
  expect(shown.fingerprint).toBe(second.fingerprint);
  expect(shown.isVerified, shown.output).toBe(true);
  await isAnswered();
  expect(old.exit).toBeUndefined();
  expect(events(child, "certificate")[1]).toMatchObject({ fingerprint: second.fingerprint });
});

it("half a renewal: the old one is shown, said once, until the rest is there", async () => {
  const first = authority.issue(host, zone);
  const files = inFiles(first);
  const child = await start(files.line + text);
  const second = authority.issue(host, zone);
  files.write("crt.pem", second.leaf);
  await until("it is said", () => events(child, "certificate-kept").length > 0, 20_000);
  expect(events(child, "certificate-problem")).toMatchObject([
    { level: "error", problem: expect.stringContaining("is not the key of the certificate in") },
  ]);
  expect(handshake(child).fingerprint).toBe(first.fingerprint);
  // A reload is refused as --check would, and changes nothing either.
  child.kill("SIGHUP");
  await until("it is refused", () => events(child, "reload-refused").length === 1);
  expect(handshake(child).fingerprint).toBe(first.fingerprint);
  files.write("key.pem", second.key);
  await until("it is whole", () => events(child, "certificate").length === 2, 20_000);
  expect(handshake(child).fingerprint).toBe(second.fingerprint);
  expect(events(child, "certificate-kept")).toHaveLength(1);
});

it("no file: self-signed, with the fingerprint in the log, fit for host and zone", async () => {
  const child = launch(discd, "--demo");
  await child.says(/"event":"started"/);
  const [said] = events(child, "certificate");
  expect(said).toMatchObject({ source: "self-signed", names: expect.any(Array) });
  const { output, fingerprint } = handshake(child);
  expect(said?.fingerprint).toBe(fingerprint);
  const own = join(authority.folder, "own.pem");
  writeFileSync(own, output.match(/-----BEGIN CERT[\s\S]*?-----END CERTIFICATE-----/)?.[0] ?? "");
  const names = said?.names as string[];
  expect(names).toContain("demo.home.arpa");
  for (const name of names) {
    const shown = handshake(child, "-servername", name, ...verifying(name, own));
    expect(shown.isVerified, shown.output).toBe(true);
    const tls = [`+tls-ca=${own}`, `+tls-hostname=${name}`];
    const argv = ["kdig", "@127.0.0.1", ...tls, "demo.home.arpa", "SOA", "+short"];
    const kdig = new Child([...enter(child), ...argv]);
    await kdig.ended;
    expect(kdig.exit, kdig.stdoutLines.join("\n")).toEqual({ code: 0, signal: null });
  }
});

it("a file, and no certificate: TLS is closed, the log says so, and opens when there is one", async () => {
  const child = await start(text);
  expect(events(child, "tls-closed")).toMatchObject([
    { level: "info", remedy: expect.stringContaining(`/etc/letsencrypt/live/${host}`) },
  ]);
  expect(handshake(child).output).toContain("Connection refused");
  const issued = authority.issue(host, zone);
  renew(1, issued);
  await until("it is seen", () => events(child, "certificate").length === 1, 20_000);
  await until("it is shown", () => handshake(child).fingerprint === issued.fingerprint);
});

it("[A1.10] [TLS-05] what cannot be used: discd --check says file and reason, and exits 1", async () => {
  const check = async (config: string) => {
    const child = launch(discd, "-c", configure(config), "--check");
    await child.ended;
    return [child.exit?.code, child.stdoutLines.join("\n")] as const;
  };
  const good = authority.issue(host, zone);
  const { folder, write, line } = inFiles(good);
  expect(await check(line + text)).toEqual([0, ""]);
  write("key.pem", authority.issue(host).key);
  const [mismatch, said] = await check(line + text);
  expect(mismatch).toBe(1);
  expect(said).toMatch(
    /discd\.lua:\d+: certificate\.key: .*\/key\.pem: is not the key of the cert/,
  );
  rmSync(join(folder, "key.pem"));
  const [missing, why] = await check(line + text);
  expect([missing, why]).toEqual([
    1,
    expect.stringMatching(/certificate\.key: .*: is not there; /),
  ]);
  const bare = authority.issue();
  write("crt.pem", bare.leaf);
  write("key.pem", bare.key);
  const [nameless, names] = await check(line + text);
  expect([nameless, names]).toEqual([
    1,
    expect.stringContaining("names no host in subjectAltName"),
  ]);
  // Nor does it start.
  const child = launch(discd, "-c", configure(line + text));
  await child.ended;
  expect(child.exit?.code).toBe(1);
  expect(child.stderrLines.join("\n")).toContain("names no host in subjectAltName");
  // TLS-06: it works, but not for clients that check for the zone.
  const half = authority.issue(host);
  write("crt.pem", half.leaf);
  write("key.pem", half.key);
  const [status, warned] = await check(line + text);
  expect([status, warned]).toEqual([
    0,
    expect.stringMatching(new RegExp(`warning: certificate\\.crt: .*does not name ${zone};`)),
  ]);
});
