// `discd --check` and the other ways to run discd that start no service: what is
// printed, and the exit status. No network and no privilege is needed; where there
// is the privilege, each runs in an empty namespace.

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test as it } from "vitest";
import { Child } from "./children.js";
import { configure, discd } from "./daemon.js";

/** Nothing here may touch the machine's own network, should discd go on to start. */
const alone = process.getuid?.() === 0 ? ["unshare", "-n"] : [];

interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs discd to its end; it gets ten seconds. */
async function runDiscd(...words: string[]): Promise<Outcome> {
  const child = new Child([...alone, discd, ...words]);
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await child.ended;
  clearTimeout(timer);
  const status = child.exit?.code ?? null;
  return { status, out: child.stdoutLines.join("\n"), err: child.stderrLines.join("\n") };
}

async function check(text: string, ...more: string[]): Promise<Outcome & { file: string }> {
  const file = configure(text);
  const outcome = await runDiscd("-c", file, "--check", ...more);
  return { ...outcome, file };
}

/** Lines of the form FILE:LINE: text, without the FILE. */
function problems({ out, err, file }: Outcome & { file: string }): string[] {
  const lines = `${out}\n${err}`.split("\n").filter((line) => line.startsWith(`${file}:`));
  return lines.map((line) => line.slice(file.length + 1));
}

const base = (more: string) => `interfaces = { { name = 'net1', ${more} } }`;

it.concurrent("[A1.14] --version tells the default file, --help the options", async () => {
  const version = await runDiscd("--version");
  expect(version.status).toBe(0);
  expect(version.out).toMatch(/\d+\.\d+\.\d+/);
  expect(version.out).toContain("/etc/discd.lua");
  const usage = await runDiscd("--help");
  expect(usage.status).toBe(0);
  for (const option of ["--config", "--check", "--print-json", "--demo", "--version"]) {
    expect(usage.out).toContain(option);
  }
});

it.concurrent("a wrong option, a file that is not there: one line and status 1", async () => {
  for (const words of [
    ["--no-such-option"],
    ["-c", "/nonexistent/discd.lua"],
    ["--check", "-c", "/nonexistent"],
  ]) {
    const { status, err } = await runDiscd(...words);
    expect(status, words.join(" ")).toBe(1);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(err).not.toMatch(/^\s+at /m);
  }
});

it.concurrent("[A1.12] a good file passes silently, --print-json fills it in", async () => {
  const good = await check(base("subdomain = 'floor1.example.com'"));
  expect([good.status, problems(good)]).toEqual([0, []]);
  const printed = await check(base("subdomain = 'floor1.example.com'"), "--print-json");
  expect(printed.status).toBe(0);
  const json = JSON.parse(printed.out);
  expect(json.hostname).toMatch(/^px\.example\.com\.?$/);
  expect(JSON.stringify(json)).toContain("floor1.example.com");
});

it.concurrent("every error at once, with its line and the nearest known key", async () => {
  const outcome = await check(`
interfaces = {
  { name = 'net1', subdomian = 'floor1.example.com' },
}
listn = { '192.0.2.1' }
rotate = 'perhaps'
`);
  expect(outcome.status).toBe(1);
  const lines = problems(outcome);
  expect(lines.length).toBeGreaterThanOrEqual(3);
  expect(lines.find((line) => line.includes("subdomian"))).toMatch(/^7: .*subdomain/);
  expect(lines.find((line) => line.includes("listn"))).toMatch(/^9: .*listen/);
  expect(lines.find((line) => line.includes("rotate"))).toMatch(/^10: /);
});

it.concurrent("[A1.12] a syntax error is FILE:LINE: text and status 1", async () => {
  const outcome = await check("interfaces = {\n  { name = 'net1' \n");
  expect(outcome.status).toBe(1);
  expect(problems(outcome)[0]).toMatch(/^\d+: .+/);
});

it.concurrent("[A1.13] a file cannot loop for ever nor reach the system", async () => {
  const marker = join(dirname(configure("")), "touched");
  for (const text of [
    "while true do end",
    `os.execute('touch ${marker}')`,
    `io.open('${marker}', 'w')`,
    "local s = 'x' while true do s = s .. s end",
    "string.rep('x', 2^30)",
  ]) {
    const begin = Date.now();
    const outcome = await check(text);
    expect(outcome.status, text).toBe(1);
    expect(problems(outcome).length, text).toBeGreaterThan(0);
    expect(Date.now() - begin).toBeLessThan(9000);
  }
  expect(existsSync(marker)).toBe(false);
  rmSync(dirname(marker), { recursive: true });
});

it.concurrent("[A1.12] a file computes: loops, env, include", async () => {
  const file = configure(`
local extra = include('extra.lua')
interfaces = {}
for vlan = 1, 100 do
  interfaces[vlan] = { name = 'eth0.' .. vlan, subdomain = 'vlan' .. vlan .. '.' .. extra.domain }
end
contact = env('DISCD_TEST_CONTACT')
`);
  writeFileSync(join(dirname(file), "extra.lua"), "return { domain = 'example.net' }\n");
  const child = new Child([...alone, discd, "-c", file, "--check", "--print-json"], {
    env: { DISCD_TEST_CONTACT: "me@example.net" },
  });
  await child.ended;
  expect(child.stderrLines.join("\n")).toBe("");
  const json = JSON.parse(child.stdoutLines.join("\n"));
  expect(json.interfaces).toHaveLength(100);
  expect(JSON.stringify(json.interfaces[99])).toContain("vlan100.example.net");
  expect(JSON.stringify(json.contact)).toMatch(/me(@|\.)example\.net/);
});

const refused: Readonly<Record<string, { text: string; says: RegExp }>> = {
  "[DP-3] one zone on two links": {
    text: `interfaces = { { name = 'net1', subdomain = 'f.example.com' },
                          { name = 'net2', subdomain = 'F.example.com' } }`,
    says: /f\.example\.com/i,
  },
  "[DP-17] a prefix longer than /24": {
    text: base("subdomain = 'f.example.com', reverse = { '10.1.0.0/25' }"),
    says: /10\.1\.0\.0\/25|\/24/,
  },
  "[DP-17] a prefix longer than /64": {
    text: base("subdomain = 'f.example.com', reverse = { '2001:db8::/65' }"),
    says: /2001:db8::\/65|\/64/,
  },
  "[DP-23] a db domain that is no b domain": {
    text: `${base("subdomain = 'f.example.com'")}
browse = { b = { 'one.example.com' }, db = { 'two.example.com' } }`,
    says: /one\.example\.com.*two\.example\.com|two\.example\.com.*one\.example\.com/,
  },
  "[DP-25] an enumeration list over 65,535 bytes": {
    text: `${base("subdomain = 'f.example.com'")}
local all = {}
for i = 1, 500 do
  all[i] = string.rep('a', 63) .. '.' .. string.rep('b', 63) .. '.' .. string.rep('c', 63)
    .. '.' .. string.rep('d', 56) .. string.format('%04d', i)
end
browse = { b = all, lb = all, db = {} }`,
    says: /500.*fit/,
  },
  "[DP-99] a name server inside a proxied zone": {
    text: `${base("subdomain = 'f.example.com', hosts = 'g.example.com'")}
nameservers = { 'ns1.g.example.com' }`,
    says: /ns1\.g\.example\.com/,
  },
  "[DP-110] .local as a zone": { text: base("subdomain = 'local'"), says: /local/ },
  "[DP-110] a zone below .local": { text: base("subdomain = 'office.local'"), says: /local/ },
  "[A5.4] a record outside every zone": {
    text: `${base("subdomain = 'f.example.com'")}
records = { { name = 'www.example.org', type = 'A', data = '192.0.2.1' } }`,
    says: /www\.example\.org/,
  },
};

for (const [title, { text, says }] of Object.entries(refused)) {
  it.concurrent(`${title} is refused`, async () => {
    const outcome = await check(text);
    expect(outcome.status).toBe(1);
    const lines = problems(outcome);
    expect(lines.join("\n")).toMatch(says);
    expect(lines.filter((line) => / warning: /.test(line))).toEqual([]);
  });
}

it.concurrent("[DP-12] a host zone with a space is a warning, and status 0", async () => {
  const outcome = await check(base("subdomain = 'f.example.com', hosts = 'Host Zone.example.com'"));
  expect(outcome.status).toBe(0);
  expect(problems(outcome).join("\n")).toMatch(/^\d+: warning: .*Host Zone\.example\.com/m);
  const punycode = await check(
    base("subdomain = 'f.example.com', hosts = 'xn--bcher-kva.example'"),
  );
  expect([punycode.status, problems(punycode)]).toEqual([0, []]);
});
