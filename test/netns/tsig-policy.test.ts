// `discli tsig-policy`: its own words, given to each server, let discd publish by the
// very discd.lua that they were made from, and keep the key from all else. Only
// paths are changed, and what stands between @ signs.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { Child, run, until } from "./children.js";
import { configure, Daemon, top } from "./daemon.js";
import { Lab } from "./lab.js";
import { needs } from "./needs.js";
import { secretText } from "./primaries.js";

const it = needs("avahi-daemon", "dig", "knotd", "named", "nsupdate", "pdns_server", "sqlite3");
const discli = join(top, "bin", "discli");

const drawing = `
  core: dns 192.0.2.1/24
      | px  192.0.2.53/24
  eth0.20: px 10.2.0.1/24
      | ava1 10.2.0.2/24
`;

const folder = mkdtempSync(join(tmpdir(), "discd-tsig-policy-"));
const subdomain = "Floor\\0322.example.com";

/** In a zone of its own, or inside the zone around it, where lists are kept, too. */
const layouts = {
  "a zone of its own": { zone: subdomain, update: "", hasLists: false },
  "a part of the zone around it": {
    zone: "example.com",
    update: "zone = 'example.com', within = { 'example.com' },",
    hasLists: true,
  },
} as const;
type Layout = (typeof layouts)[keyof typeof layouts];

const config = ({ update }: Layout) => `
interfaces = {
  { name = 'eth0.20', subdomain = 'Floor 2.example.com', mode = 'update' },
  { name = 'core', disable = true },
}
update = {
  server = '192.0.2.1',
  key = { name = 'discd', algorithm = 'hmac-sha256', secret = '${secretText}' },
  ${update}
}
`;

let lab: Lab;
let file = "";

function policy(...words: readonly string[]): string {
  return run([...lab.enter("px"), discli, "--config", file, "tsig-policy", ...words]);
}

const zoneLines = [
  "$TTL 60",
  "@ SOA ns1.example.net. hostmaster.example.net. 1 3600 600 604800 10",
  "@ NS ns1.example.net.",
  "mine A 192.0.2.7",
];

/** The same text with the test's own files. */
const ours = (at: string, text: string): string =>
  text
    .replaceAll(/\/etc\/bind\/|\/var\/lib\/bind\/|\/etc\/powerdns\//g, `${at}/`)
    .replaceAll("@SECRET@", secretText);

type Start = (at: string, layout: Layout) => Promise<Child>;

const startBind: Start = async (at) => {
  const text = policy("--server", "bind");
  expect(text).not.toContain(secretText);
  const key = `key "discd" { algorithm hmac-sha256; secret "${secretText}"; };`;
  writeFileSync(join(at, "discd.key"), `${key}\n`);
  for (const [, name = ""] of text.matchAll(/file "\/var\/lib\/bind\/([^"]+)"/g)) {
    writeFileSync(join(at, name), `${zoneLines.join("\n")}\n`);
  }
  const head = [
    `options { directory "${at}"; pid-file none; session-keyfile none; recursion no;`,
    "  dnssec-validation no; listen-on { 192.0.2.1; }; notify no; };",
    "controls { };",
  ];
  const conf = join(at, "named.conf");
  writeFileSync(conf, `${head.join("\n")}\n${ours(at, text)}`);
  run(["named-checkconf", "-z", conf]);
  const child = new Child([...lab.enter("dns"), "named", "-g", "-n", "1", "-c", conf]);
  await child.says(/ running$/);
  return child;
};

const startKnot: Start = async (at) => {
  for (const name of ["run", "db"]) mkdirSync(join(at, name), { recursive: true });
  const text = policy("--server", "knot");
  expect(text).not.toContain(secretText);
  for (const [, name = ""] of text.matchAll(/^ {4}file: (.+)$/gm)) {
    writeFileSync(join(at, name), `${zoneLines.join("\n")}\n`);
  }
  const head = [
    `server:\n    rundir: ${at}/run\n    listen: 192.0.2.1@53`,
    `database:\n    storage: ${at}/db`,
    "log:\n  - target: stderr\n    any: info",
    `template:\n  - id: default\n    storage: ${at}\n`,
  ];
  const conf = join(at, "knot.conf");
  writeFileSync(conf, `${head.join("\n")}${text}`);
  // A secret that was forgotten is no silent hole.
  expect(() => run(["knotc", "-c", conf, "conf-check"])).toThrow(/status/);
  writeFileSync(conf, `${head.join("\n")}${ours(at, text)}`);
  run(["knotc", "-c", conf, "conf-check"]);
  const child = new Child([...lab.enter("dns"), "knotd", "-c", conf]);
  await child.says(/zone file parsed/);
  return child;
};

const startPowerDns: Start = async (at, { zone }) => {
  const text = policy("--server", "pdns");
  expect(text).not.toContain(secretText);
  const settings = [...text.matchAll(/^# {3}(\S+=.*)$/gm)].map(([, line]) => line);
  expect(settings).toHaveLength(3);
  expect(settings).toContain("allow-dnsupdate-from=192.0.2.53/32");
  const conf = [
    "launch=gsqlite3",
    `gsqlite3-database=${at}/pdns.db`,
    "gsqlite3-dnssec=yes",
    "local-address=192.0.2.1",
    `socket-dir=${at}`,
    ...settings.map((line) => ours(at, line ?? "")),
    "",
  ];
  writeFileSync(join(at, "pdns.conf"), conf.join("\n"));
  writeFileSync(join(at, "zone.db"), `$ORIGIN ${zone}.\n${zoneLines.join("\n")}\n`);
  const schema = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql";
  const script = [
    `sqlite3 ${at}/pdns.db <${schema}`,
    `pdnsutil() { command pdnsutil --config-dir=${at} "$@"; }`,
    `pdnsutil load-zone '${zone}' ${at}/zone.db`,
    ours(at, text),
  ];
  run(["sh", "-euc", script.join("\n")]);
  const words = [`--config-dir=${at}`, "--guardian=no", "--daemon=no", "--disable-syslog"];
  const child = new Child([...lab.enter("dns"), "pdns_server", ...words]);
  await child.says(/ready to distribute questions/);
  return child;
};

/** What one update of `lines` came to: nsupdate's word for it. */
function update(zone: string, ...lines: readonly string[]): string {
  const input = ["server 192.0.2.1", "check-names off", `zone ${zone}.`, ...lines, "send", ""];
  const key = `hmac-sha256:discd:${secretText}`;
  const [command = "", ...rest] = [...lab.enter("px"), "nsupdate", "-v", "-y", key];
  const { stderr } = spawnSync(command, rest, { encoding: "utf8", input: input.join("\n") });
  return /failed: (\S+)/.exec(stderr)?.[1] ?? "NOERROR";
}

const dig = (...words: readonly string[]): string =>
  run([...lab.enter("px"), "dig", "@192.0.2.1", "+short", ...words]).trim();

const servers = {
  BIND: { start: startBind, hasNameRules: true, keepsCase: true },
  "Knot DNS": { start: startKnot, hasNameRules: false, keepsCase: false },
  PowerDNS: { start: startPowerDns, hasNameRules: true, keepsCase: true },
} as const;

/** Owner below the subdomain, type and data: nothing that the key may write. */
const never = [
  ["", "TXT", "x"],
  ["h.", "MX", "0 h.example.net."],
  ["h.", "NS", "h.example.net."],
] as const;
const neverByName = [
  ["*.", "A", "10.2.0.66"],
  ["ns1.", "A", "10.2.0.66"],
  ["wpad.", "A", "10.2.0.66"],
  ["_acme-challenge.", "TXT", "x"],
  ["a._domainkey.", "TXT", "x"],
] as const;

beforeAll(async () => {
  lab = new Lab(drawing, {});
  const service = { name: "Lobby Printer", type: "_ipp._tcp", port: 631, txt: ["rp=print"] };
  await lab.avahi("ava1", { host: "lobby", services: [service], ipv6: false });
});
afterAll(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;
const kinds = Object.entries(servers).flatMap(([name, server]) =>
  Object.entries(layouts).map(([where, layout]) => ({ name, server, where, layout })),
);

describe.each(kinds)("$name, $where", ({ server: { start, ...rules }, layout }) => {
  let primary: Child;
  beforeAll(async () => {
    count += 1;
    const at = join(folder, `${count}`);
    mkdirSync(at);
    file = configure(config(layout));
    primary = await start(at, layout);
  });
  afterAll(async () => {
    await primary?.stop();
  });

  it("UP-61 A6.10 the key may write nothing else", () => {
    const tried = rules.hasNameRules ? [...never, ...neverByName] : never;
    for (const [owner, type, text] of tried) {
      // Where Knot has to allow lists, too, it allows the subdomain's own name.
      if (owner === "" && !rules.hasNameRules && layout.hasLists) continue;
      const name = `${owner}${subdomain}.`;
      update(layout.zone, `update add ${name} 60 ${type} ${text}`);
      const found = dig(name, type).split("\n");
      expect(found, `${name} ${type}`).not.toContain(type === "TXT" ? `"${text}"` : text);
    }
    for (const type of ["SOA", "NS"]) {
      update(layout.zone, `update delete ${layout.zone}. ${type}`);
      expect(dig(`${layout.zone}.`, type), type).not.toBe("");
    }
    if (!layout.hasLists) return;
    update("example.com", "update delete mine.example.com. A");
    update("example.com", "update add other.example.com. 60 A 10.2.0.66");
    expect(dig("mine.example.com.", "A")).toBe("192.0.2.7");
    expect(dig("other.example.com.", "A")).toBe("");
  });

  it("A3.1 A3.3 discd publishes all that it has", async () => {
    const state = mkdtempSync(join(folder, "state-"));
    const daemon = Daemon.launch(lab.enter("px"), `${config(layout)}\nstate = '${state}'\n`);
    try {
      const cased = (text: string) => (rules.keepsCase ? text : text.toLowerCase());
      const told = (...words: readonly string[]) => cased(dig(...words));
      const instance = cased(`Lobby\\032Printer._ipp._tcp.${subdomain}.`);
      await until(
        "the device is in the zone",
        () => told(`_ipp._tcp.${subdomain}.`, "PTR") === instance,
        30_000,
        200,
      ).catch((error) => {
        throw new Error(`${error}\n${daemon.log.slice(-20).join("\n")}`);
      });
      expect(told(instance, "SRV")).toBe(cased(`0 0 631 lobby.${subdomain}.`));
      expect(dig(`lobby.${subdomain}.`, "A")).toBe("10.2.0.2");
      const lists = layout.hasLists ? [subdomain, "example.com"] : [subdomain];
      for (const domain of lists) {
        await until(
          `lb of ${domain}`,
          () => told(`lb._dns-sd._udp.${domain}.`, "PTR") === cased(`${subdomain}.`),
          20_000,
          200,
        );
      }
      expect(daemon.log.join("\n")).not.toMatch(/update-refused|update-failed/);
    } finally {
      await daemon.stop();
    }
  }, 60_000);
});

it("--show-secret, and a key that is not wanted by anybody", () => {
  file = configure(config(layouts["a zone of its own"]));
  expect(policy("--server", "bind", "--show-secret")).toContain(`secret "${secretText}"`);
  const none = configure("interfaces = { { name = 'eth0.20', subdomain = 'a.example' } }");
  const words = ["--config", none, "tsig-policy", "--server", "knot"];
  const [command = "", ...rest] = [...lab.enter("px"), discli, ...words];
  const said = spawnSync(command, rest, { encoding: "utf8" });
  expect(said.status).toBe(2);
  expect(said.stderr).toMatch(/no interface in mode 'update'/);
});
