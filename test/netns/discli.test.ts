// discli as a program, against discd in an empty network namespace: what is
// printed where, and the exit status that scripts read.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { Child, until } from "./children.js";
import { configure, discd, top } from "./daemon.js";
import { needs } from "./needs.js";

const it = needs("named-checkzone");
const discli = join(top, "bin", "discli");
const printer = "Dr. Smith's Printer._ipp._tcp.demo.home.arpa";

let folder: string;
let daemon: Child | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "discd-discli-"));
  if (process.getuid?.() !== 0) return;
  // The file that the system's resolver is found in is this test's own.
  const own = join(folder, "resolv.conf");
  const files = `ip link set lo up; mount --bind ${own} /etc/resolv.conf; exec "$@"`;
  writeFileSync(own, "nameserver 127.0.0.1\n");
  const file = configure("zones = { 'mesh' }\nwait = '500ms'");
  daemon = new Child(["unshare", "-nm", "sh", "-c", files, "sh", discd, "-c", file, "--demo"]);
  await daemon.says(/"event":"started"/);
  await until("the demo's printers", async () => {
    const { out } = await run("browse _ipp._tcp demo.home.arpa");
    return out.length === 2;
  });
});

afterAll(async () => {
  await daemon?.stop();
  rmSync(folder, { recursive: true });
});

interface Outcome {
  readonly status: number | null | undefined;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

async function run(words: string | readonly string[]): Promise<Outcome> {
  const enter = ["nsenter", "-t", String(daemon?.pid), "-n", "-m"];
  const list = typeof words === "string" ? words.split(" ") : words;
  const child = new Child([...enter, discli, ...list]);
  await child.ended;
  return { status: child.exit?.code, out: child.stdoutLines, err: child.stderrLines };
}

/** The lines of a command that has to succeed. */
async function lines(words: string | readonly string[]): Promise<readonly string[]> {
  const { status, out, err } = await run(words);
  expect([status, err]).toEqual([0, []]);
  return out;
}

it("browse: types, instances, by the system's resolver or another server", async () => {
  expect(await lines("browse demo.home.arpa")).toContain("_ipp._tcp.demo.home.arpa");
  const instances = [
    "Dr\\. Smith's Printer._ipp._tcp.demo.home.arpa",
    "プリンター._ipp._tcp.demo.home.arpa",
  ];
  for (const server of ["127.0.0.1", "127.0.0.1:53", "::1", "[::1]:53"]) {
    const found = await lines(["--server", server, "browse", "_ipp._tcp", "demo.home.arpa"]);
    expect([...found].sort()).toEqual(instances);
  }
  const json = JSON.parse((await lines("--json browse _ipp._tcp demo.home.arpa")).join("\n"));
  expect(json).toHaveLength(2);
});

it("resolve: an instance as it is called, and as it was printed", async () => {
  for (const name of [printer, printer.replace(".", "\\.")]) {
    const found = await lines(["resolve", name]);
    expect(found).toContain("  at dr-smiths-printer.demo.home.arpa port 631");
    expect(found).toContain("  txt rp=ipp/print");
    expect(found.join("\n")).toMatch(/^ {2}A \d/m);
  }
});

it("query: any type, escaped if wanted", async () => {
  const [, , record] = await lines("query demo.home.arpa SOA");
  expect(record).toMatch(/^demo\.home\.arpa {2}\d+ {2}SOA {2}/);
  const escaped = await lines("--escaped query _ipp._tcp.demo.home.arpa PTR");
  expect(escaped.join("\n")).toContain("PTR Dr\\.\\032Smith's\\032Printer._ipp._tcp");
});

it("without a domain: where the search domains of the system lead", async () => {
  writeFileSync(join(folder, "resolv.conf"), "nameserver 127.0.0.1\nsearch a..b demo.home.arpa\n");
  const { status, out, err } = await run("browse _ipp._tcp");
  expect(status).toBe(0);
  expect(out).toHaveLength(2);
  expect(err).toEqual(['discli: /etc/resolv.conf: search domain "a..b": name: empty label']);
  expect((await run("domains")).out).toContain("lb browse unasked       demo.home.arpa");
  writeFileSync(join(folder, "resolv.conf"), "nameserver 127.0.0.1\n");
  const none = await run("browse _ipp._tcp");
  expect(none).toMatchObject({ status: 2, out: [] });
  expect(none.err.join("\n")).toMatch(
    /no DOMAIN given, and \/etc\/resolv\.conf has no search domain/,
  );
});

it("status 1: nothing there; 2: failed; one line that says why", async () => {
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ["browse _none._tcp demo.home.arpa", 1, /no _none\._tcp in demo\.home\.arpa/],
    ["resolve Nobody._ipp._tcp.demo.home.arpa", 1, /Nobody\._ipp.* is not there/],
    ["query nobody.demo.home.arpa", 1, /no A record at nobody\.demo\.home\.arpa/],
    ["query example.org", 2, /REFUSED for example\.org: it does not serve that zone/],
    ["domains example.org", 2, /REFUSED/],
    ["--server 127.0.0.1:54 browse demo.home.arpa", 2, /127\.0\.0\.1 port 54: nothing listens/],
    ["--server 198.51.100.1 browse demo.home.arpa", 2, /no route/],
    ["--server no-such-host.invalid browse x.example", 2, /finds no address/],
    ["browse ipp demo.home.arpa", 2, /"ipp" is no type/],
    ["--api /nonexistent show zones", 2, /\/nonexistent is not there/],
    [
      "-c /nonexistent delegation print example.com",
      2,
      /\/nonexistent is not there; name the file/,
    ],
    [`-c ${configure("zones = 'mesh'")} delegation print a.example`, 2, /serves mesh$/],
  ];
  for (const [words, status, says] of cases) {
    const outcome = await run(words);
    expect(outcome.status, words).toBe(status);
    expect(outcome.err, words).toHaveLength(1);
    expect(outcome.err[0], words).toMatch(says);
  }
});

it("a reader that has seen enough is no failure", async () => {
  const shell = `${discli} browse demo.home.arpa | true; echo "\${PIPESTATUS[0]}"`;
  const enter = ["nsenter", "-t", String(daemon?.pid), "-n", "-m"];
  const child = new Child([...enter, "bash", "-c", shell]);
  await child.ended;
  expect([child.stdoutLines, child.stderrLines]).toEqual([["0"], []]);
});

it("a full disk is a failure that is told", async () => {
  const enter = ["nsenter", "-t", String(daemon?.pid), "-n", "-m"];
  const child = new Child([...enter, "sh", "-c", `${discli} browse demo.home.arpa > /dev/full`]);
  await child.ended;
  expect(child.exit?.code).toBe(2);
  expect(child.stderrLines).toEqual([
    "discli: the results cannot be written: ENOSPC; is there room where they go?",
  ]);
});

const head = "@ 60 SOA ns.example.net. h.example.net. 1 2 3 4 5\n@ 60 NS ns.example.net.\n";

it("[A1.4] delegation print: fragments for zones of every kind that BIND accepts", async () => {
  const file = configure(
    `hostname = 'px.example.com'
zones = { 'static.example.com' }
interfaces = {
  { name = 'lo', subdomain = 'Floor "1"; (x).example.com', hosts = 'floor1.example.com',
    reverse = { '203.0.113.0/24', '10.2.0.0/23', '2001:db8:1::/64' } },
}`,
    true,
  );
  for (const zone of [
    "example.com",
    "203.in-addr.arpa",
    "2.10.in-addr.arpa",
    "8.b.d.0.1.0.0.2.ip6.arpa",
  ]) {
    const printed = await lines(["-c", file, "delegation", "print", zone]);
    const path = join(folder, "zone");
    writeFileSync(path, `${head}${printed.join("\n")}\n`);
    const check = new Child(["named-checkzone", "-i", "local", zone, path]);
    await check.ended;
    expect([check.exit?.code, check.stdoutLines.at(-1)], printed.join("\n")).toEqual([0, "OK"]);
    expect(check.stdoutLines.join("\n")).not.toMatch(/ignoring|warning/i);
  }
  const json = JSON.parse(
    (await lines(["-c", file, "--json", "delegation", "print", "203.in-addr.arpa"])).join("\n"),
  );
  expect(json).toMatchObject({
    zone: "203.in-addr.arpa",
    records: ["113.0.203.in-addr.arpa. 3600 IN NS px.example.com."],
  });
});
