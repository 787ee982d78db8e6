// docs/delegation.md word by word: what it says for each server is run, and each
// parent then delegates. Only paths are changed. The programs that need to be told
// where a test's server is are wrapped; `aws` is one that looks at what it gets.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { Child, run } from "./children.js";
import { configure, top } from "./daemon.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("dig", "knotd", "kzonecheck", "named", "named-checkzone", "pdnsutil", "sqlite3");
const itPowerDns = needs("pdns_server", "pdnsutil", "sqlite3");
const page = readFileSync(join(top, "docs", "delegation.md"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "discd-delegation-docs-"));

const drawing = `
  wan:  px 192.0.2.53/24
      | dns 192.0.2.1/24 192.0.2.2/24 192.0.2.3/24
  net1: px 10.1.0.1/24
  net2: px 10.2.0.1/24
`;
const config = `
interfaces = {
  { name = 'net1', subdomain = 'floor1.example.com' },
  { name = 'net2', subdomain = 'floor2.example.com' },
  { name = 'wan', disable = true },
}
`;

let lab: Lab;
const programs = join(folder, "bin");

/** A program of the page, in the node where it belongs and with the test's own places. */
function wrap(name: string, command: string): void {
  writeFileSync(join(programs, name), `#!/bin/sh\n${command}\n`);
  chmodSync(join(programs, name), 0o755);
}

laboratory(
  async (built) => {
    lab = built;
    mkdirSync(programs);
    const file = configure(config);
    const discli = join(top, "bin", "discli");
    wrap("discli", `exec ${lab.enter("px").join(" ")} ${discli} --config ${file} "$@"`);
    await lab.discd(config, { server: "192.0.2.53", apex: "floor2.example.com", from: "dns" });
  },
  () => new Lab(drawing, {}),
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The block of the page with this info string. */
function block(info: string): string {
  const found = page.split(`\n\`\`\`${info}\n`);
  expect(found.length, `blocks called "${info}"`).toBe(2);
  return (found[1] as string).split("\n```")[0] as string;
}

function shell(text: string, at = folder): string {
  const ours = text.replaceAll(/\/etc\/bind\/|\/var\/lib\/(bind|knot)\//g, `${at}/`);
  return run(["env", `PATH=${programs}:${process.env.PATH}`, "sh", "-euc", `cd ${at}\n${ours}`]);
}

/** The zone as it was before, and the line that the page has people add. */
function zoneFile(at: string, name: string, include: string): void {
  const lines = ["$TTL 60", "@ SOA ns h 1 3600 600 86400 60", "@ NS ns", "ns A 192.0.2.1", include];
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, name), `$ORIGIN example.com.\n${lines.join("\n")}\n`);
}

/** Whether a parent delegates both floors, by discli's own word. */
function verified(address: string): string {
  const words = block("sh verify").replaceAll("192.0.2.1", address);
  const said = shell(words);
  expect(said.match(/^[a-z]+ +(PASS|SKIP) /gm)).toHaveLength(22);
  return said;
}

it("BIND, and the page's way to look whether it is right", async () => {
  const at = join(folder, "bind");
  zoneFile(at, "example.com", `$INCLUDE "${at}/discd.zone"`);
  writeFileSync(join(at, "discd.zone"), "");
  const options = `directory "${at}"; pid-file none; listen-on { 192.0.2.1; }; recursion no;`;
  const zone = 'zone "example.com" { type primary; file "example.com"; };';
  writeFileSync(join(at, "named.conf"), `options { ${options} };\ncontrols { };\n${zone}\n`);
  const words = [...lab.enter("dns"), "named", "-g", "-n", "1", "-c", join(at, "named.conf")];
  const child = lab.keep(new Child(words));
  await child.says(/ running$/);
  wrap("rndc", `test "$*" = "reload example.com" && kill -HUP ${child.pid} && sleep 1`);
  shell(block("sh bind"), at);
  const said = verified("192.0.2.1");
  expect(said).toContain("; floor1.example.com\n");
  expect(said).toContain('"zone": "floor1.example.com"');
});

it("Knot DNS", async () => {
  const at = join(folder, "knot");
  for (const name of ["run", "db"]) mkdirSync(join(at, name), { recursive: true });
  zoneFile(at, "example.com.zone", `$INCLUDE "${at}/discd.zone"`);
  writeFileSync(join(at, "discd.zone"), "");
  const conf = [
    `server:\n    rundir: ${at}/run\n    listen: 192.0.2.2@53`,
    `database:\n    storage: ${at}/db`,
    "log:\n  - target: stderr\n    any: info",
    `zone:\n  - domain: example.com\n    file: ${at}/example.com.zone\n    zonefile-sync: -1`,
    "    zonefile-load: difference-no-serial",
    "    journal-content: all\n",
  ];
  writeFileSync(join(at, "knot.conf"), conf.join("\n"));
  const words = [...lab.enter("dns"), "knotd", "-c", join(at, "knot.conf")];
  await lab.keep(new Child(words)).says(/server started/);
  const knotc = run(["sh", "-c", "command -v knotc"]).trim();
  wrap("knotc", `exec ${knotc} -c ${at}/knot.conf -b "$@"`);
  shell(block("sh knot"), at);
  verified("192.0.2.2");
});

itPowerDns("PowerDNS", async () => {
  const at = join(folder, "pdns");
  mkdirSync(at);
  const conf = [
    `launch=gsqlite3\ngsqlite3-database=${at}/pdns.db\ngsqlite3-dnssec=yes`,
    `local-address=192.0.2.3\nsocket-dir=${at}\n`,
  ];
  writeFileSync(join(at, "pdns.conf"), conf.join("\n"));
  const pdnsutil = run(["sh", "-c", "command -v pdnsutil"]).trim();
  wrap("pdnsutil", `exec ${pdnsutil} --config-dir=${at} "$@"`);
  const schema = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql";
  shell(`sqlite3 pdns.db <${schema}\npdnsutil create-zone example.com ns.example.com`, at);
  expect(shell(block("sh powerdns"), at)).toMatch(/, 0 errors/);
  const words = [`--config-dir=${at}`, "--guardian=no", "--daemon=no", "--disable-syslog"];
  const child = lab.keep(new Child([...lab.enter("dns"), "pdns_server", ...words]));
  await child.says(/ready to distribute questions/);
  verified("192.0.2.3");
});

it("Windows and Route 53: what is made for them", () => {
  shell(block("sh powershell"));
  const script = readFileSync(join(folder, "discd.ps1"), "utf8");
  const head = "Add-DnsServerResourceRecord -ZoneName 'example.com' -Name 'floor1' -NS";
  expect(script).toContain(`${head} -NameServer 'px.example.com.' -TimeToLive 01:00:00`);
  wrap("aws", 'test "$1 $2" = "route53 change-resource-record-sets" && cat discd.json');
  const batch = JSON.parse(shell(block("sh route53"))) as { Changes: readonly object[] };
  expect(batch.Changes.length).toBeGreaterThan(4);
});
