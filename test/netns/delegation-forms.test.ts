// The parent's records in each form, put where they belong by what reads them:
// zone files by named-checkzone and kzonecheck, then by named and knotd; commands
// by a shell with pdnsutil, then by pdns_server. Each parent must then name every
// floor to `discli domains`, whatever the floors are called.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect } from "vitest";
import { Child, run } from "./children.js";
import { dig } from "./clients.js";
import { configure, top } from "./daemon.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { plainName } from "./packet.js";

const it = needs("dig", "knotd", "kzonecheck", "named", "named-checkzone");
const itPowerDns = needs("dig", "pdns_server", "pdnsutil", "sqlite3");
const discli = join(top, "bin", "discli");

const drawing = `
  wan:  px 10.8.0.53/24
      | dns 10.8.0.1/24 10.8.0.2/24 10.8.0.3/24
  net1: px 10.1.0.1/24
  net2: px 10.2.0.1/24
  net3: px 10.3.0.1/24
`;

const folder = mkdtempSync(join(tmpdir(), "discd-forms-"));
/** What a name would make in the folder of a shell that ran it. */
const trap = "was-run";

/** As discd.lua has them, and as dig prints them. */
const floors = [
  ["Floor 1", "Floor\\0321"],
  [`It's "Büro" $(touch ${trap})`, `It's\\032\\"B\\195\\188ro\\"\\032\\$\\(touch\\032${trap}\\)`],
  [`\`touch ${trap}\`;1\\.5 %x% @&|<>#!*`, `\`touch\\032${trap}\`\\;1\\.5\\032%x%\\032\\@&|<>#!*`],
] as const;

const config = `
interfaces = {
  { name = 'net1', subdomain = [[${floors[0][0]}.example.com]], reverse = true },
  { name = 'net2', subdomain = [[${floors[1][0]}.example.com]] },
  { name = 'net3', subdomain = [[${floors[2][0]}.example.com]] },
  { name = 'wan', disable = true },
}
`;

let lab: Lab;
let file: string;

laboratory(
  async (built) => {
    lab = built;
    file = configure(config);
  },
  () => new Lab(drawing, {}),
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const printed = (form: string, domain = "example.com"): string =>
  run([
    ...lab.enter("px"),
    ...[discli, "--config", file, "delegation", "print", domain, "--for", form],
  ]);

/** A whole zone: what is printed, and what every zone has. */
function zoneFile(form: string, domain = "example.com", more = ""): string {
  const path = join(folder, `${form}-${domain}.zone`);
  const head = [
    "$TTL 60",
    `${domain}. SOA ns.${domain}. hostmaster.${domain}. 1 3600 600 86400 60`,
    `${domain}. NS ns.${domain}.`,
    `ns.${domain}. A 10.8.0.1`,
  ];
  writeFileSync(path, `${head.join("\n")}\n${more}${printed(form, domain)}`);
  return path;
}

const plain = (text: string) => text.toLowerCase();

/** What clients of a parent are led to, and where each floor is delegated. */
async function leads(address: string): Promise<void> {
  const words = [discli, "--server", address, "--escaped", "domains", "example.com"];
  const lines = run([...lab.enter("dns"), ...words])
    .trimEnd()
    .split("\n");
  const of = (prefix: string) =>
    lines
      .filter((line) => line.startsWith(`${prefix} `))
      .map((line) => plain(line.slice(24)))
      .sort();
  const all = floors.map(([, escaped]) => plain(`${escaped}.example.com.`));
  expect(of("b")).toEqual([...all, "example.com."].sort());
  expect(of("lb")).toEqual([...all].sort());
  expect(of("db")).toEqual(["example.com."]);
  const glue = await dig(lab.enter("dns"), [`@${address}`, "+norecurse", "A", "px.example.com."]);
  expect(glue.answer.map(({ data }) => data)).toEqual(["10.8.0.53"]);
  for (const [, escaped] of floors) {
    const name = `${escaped}.example.com.`;
    const said = await dig(lab.enter("dns"), [`@${address}`, "+norecurse", "NS", name]);
    expect(
      said.authority.map(({ name: owner, type, data }) => [plain(owner), type, data]),
      name,
    ).toEqual([[plain(plainName(name)), "NS", "px.example.com."]]);
    const ds = await dig(lab.enter("dns"), [`@${address}`, "+norecurse", "DS", name]);
    expect(ds.answer, "no DS: A1.22").toEqual([]);
  }
}

describe("A1.4 BIND", () => {
  it("named-checkzone accepts it, named names every floor", async () => {
    const zone = zoneFile("bind");
    expect(lab.run("px", `named-checkzone -i local example.com ${zone}`)).toMatch(/OK$/m);
    const conf = join(folder, "named.conf");
    const options = `directory "${folder}"; pid-file none; listen-on { 10.8.0.1; }; recursion no;`;
    const block = `zone "example.com" { type primary; file "${zone}"; };`;
    writeFileSync(conf, `options { ${options} dnssec-validation no; };\ncontrols { };\n${block}\n`);
    const child = lab.keep(new Child([...lab.enter("dns"), "named", "-g", "-n", "1", "-c", conf]));
    await child.says(/ running$/);
    await leads("10.8.0.1");
  });

  it("the zone above the reverse zones", () => {
    const zone = zoneFile("bind", "10.in-addr.arpa");
    expect(lab.run("px", `named-checkzone -i local 10.in-addr.arpa ${zone}`)).toMatch(/OK$/m);
    expect(printed("bind", "10.in-addr.arpa")).toMatch(/^0\.1\tIN NS\tpx\.example\.com\.$/m);
  });
});

describe("A1.4 Knot DNS", () => {
  it("kzonecheck accepts it, knotd names every floor", async () => {
    const zone = zoneFile("knot");
    expect(lab.run("px", `kzonecheck -v -o example.com ${zone} 2>&1`)).toMatch(/No semantic error/);
    const at = join(folder, "knot");
    for (const name of ["run", "db"]) mkdirSync(join(at, name), { recursive: true });
    const conf = [
      `server:\n    rundir: ${at}/run\n    listen: 10.8.0.2@53`,
      `database:\n    storage: ${at}/db`,
      "log:\n  - target: stderr\n    any: info",
      `zone:\n  - domain: example.com\n    file: ${zone}\n    zonefile-sync: -1`,
      "",
    ];
    writeFileSync(join(at, "knot.conf"), conf.join("\n"));
    const words = ["knotd", "-c", join(at, "knot.conf")];
    const child = lab.keep(new Child([...lab.enter("dns"), ...words]));
    await child.says(/server started/);
    await leads("10.8.0.2");
  });

  it("kzonecheck accepts the zone above the reverse zones", () => {
    const zone = zoneFile("knot", "10.in-addr.arpa");
    const said = lab.run("px", `kzonecheck -v -o 10.in-addr.arpa ${zone} 2>&1`);
    expect(said).toMatch(/No semantic error/);
  });
});

describe("A1.4 PowerDNS", () => {
  itPowerDns("a shell takes the commands, pdns_server names every floor", async () => {
    const at = join(folder, "pdns");
    mkdirSync(at, { recursive: true });
    const conf = [
      "launch=gsqlite3",
      `gsqlite3-database=${at}/pdns.db`,
      "gsqlite3-dnssec=yes",
      "local-address=10.8.0.3",
      "8bit-dns=yes",
      `socket-dir=${at}`,
      "",
    ];
    writeFileSync(join(at, "pdns.conf"), conf.join("\n"));
    const schema = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql";
    const script = [
      `sqlite3 ${at}/pdns.db <${schema}`,
      `pdnsutil() { command pdnsutil --config-dir=${at} "$@"; }`,
      "pdnsutil create-zone example.com ns.example.com",
    ];
    writeFileSync(join(at, "records.sh"), printed("powerdns"));
    // Twice: nothing is there twice afterwards.
    const twice = `. ${join(at, "records.sh")}\n`.repeat(2);
    const sh = run([
      "sh",
      "-euc",
      `${script.join("\n")}\n${twice}exec 2>&1; pdnsutil check-zone example.com`,
    ]);
    expect(sh).toMatch(/Checked \d+ records of 'example\.com', 0 errors/);
    const words = [`--config-dir=${at}`, "--guardian=no", "--daemon=no", "--disable-syslog"];
    const child = lab.keep(new Child([...lab.enter("dns"), "pdns_server", ...words]));
    await child.says(/ready to distribute questions/);
    await leads("10.8.0.3");
  });
});

it("no shell has taken a name for a command", () => {
  const words = ["--config", file, "delegation", "print", "example.com", "--for", "powershell"];
  // A dot inside a label is nothing that can be said to Windows.
  const said = spawnSync("ip", [...lab.enter("px").slice(1), discli, ...words], {
    encoding: "utf8",
  });
  expect(said.status).toBe(1);
  expect(said.stderr).toMatch(/no command for NS of .*Windows has no text/);
  expect(said.stdout).toContain("$(touch was-run)') -NS -NameServer");
  expect(existsSync(join(folder, trap))).toBe(false);
  expect(readFileSync(file, "utf8")).toContain(trap);
});
