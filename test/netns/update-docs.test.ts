// docs/update-mode.md word by word: each primary is set up from its page, the
// rules there let the key do what they promise and nothing else, and discd, from
// the page's discd.lua, publishes a real device in it. Only paths are changed, and
// what stands between @ signs.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { Child, run, until } from "./children.js";
import { Daemon, top } from "./daemon.js";
import { Lab } from "./lab.js";
import { needs } from "./needs.js";

const page = readFileSync(join(top, "docs", "update-mode.md"), "utf8");
const zone = "floor2.example.com";
const drawing = `
  core: dns 192.0.2.1/24
      | px  192.0.2.53/24
  eth0.20: px 10.2.0.1/24 2001:db8:20::1/64
      | ava1 10.2.0.2/24 2001:db8:20::2/64
`;

/** The block of the page with this info string. */
function block(info: string): string {
  const found = page.split(`\n\`\`\`${info}\n`);
  expect(found.length, `blocks called "${info}"`).toBe(2);
  return (found[1] as string).split("\n```")[0] as string;
}

const folder = mkdtempSync(join(tmpdir(), "discd-update-docs-"));
let lab: Lab;
let secret = "";

/** The same text with the test's own files. */
function ours(text: string): string {
  return text
    .replaceAll("/etc/discd.key", join(folder, "discd.key"))
    .replaceAll(/\/etc\/bind\/|\/etc\/discd\/|\/etc\/powerdns\//g, `${folder}/`)
    .replaceAll("/var/lib/bind/", `${folder}/`)
    .replaceAll("@SECRET@", secret);
}

function shell(text: string, enter: readonly string[] = []): string {
  return run([...enter, "sh", "-euc", ours(text)]);
}

/** Puts a server's files there, and starts it at 192.0.2.1. */
type Start = (options: { readonly isTls?: boolean }) => Promise<Child>;

const startBind: Start = async ({ isTls = false }) => {
  // What was published before is no proof of what is published now.
  rmSync(join(folder, `${zone}.jnl`), { force: true });
  writeFileSync(join(folder, zone), `${block(`zone ${zone}`)}\n`);
  if (isTls) shell(block("sh tls"));
  const listen = isTls ? ours(block("named.conf options")) : "";
  const tls = `tls discd { key-file "${folder}/tls.key"; cert-file "${folder}/tls.pem"; };`;
  const conf = [
    `options { directory "${folder}"; pid-file none; session-keyfile none; recursion no;`,
    `  dnssec-validation no; listen-on { 192.0.2.1; }; ${listen} };`,
    "controls { };",
    isTls ? tls : "",
    ours(block("named.conf")),
    "",
  ];
  const file = join(folder, "named.conf");
  writeFileSync(file, conf.join("\n"));
  const child = lab.keep(new Child([...lab.enter("dns"), "named", "-g", "-n", "1", "-c", file]));
  await child.says(/ running$/);
  return child;
};

const startKnot: Start = async () => {
  const at = join(folder, "knot");
  // As Debian's package has them.
  for (const name of ["run", "db"]) mkdirSync(join(at, name), { recursive: true });
  writeFileSync(join(at, `${zone}.zone`), `${block(`zone ${zone}`)}\n`);
  const head = [
    "server:",
    `    rundir: ${at}/run`,
    "    listen: 192.0.2.1@53",
    "database:",
    `    storage: ${at}/db`,
    "log:",
    "  - target: stderr",
    "    any: info",
    "template:",
    "  - id: default",
    `    storage: ${at}`,
    "",
  ];
  const file = join(at, "knot.conf");
  writeFileSync(file, `${head.join("\n")}${ours(block("knot.conf"))}\n`);
  const child = lab.keep(new Child([...lab.enter("dns"), "knotd", "-c", file]));
  await child.says(/zone file parsed/);
  return child;
};

const startPowerDns: Start = async () => {
  writeFileSync(join(folder, "discd-policy.lua"), block("lua discd-policy.lua"));
  const conf = [
    "launch=gsqlite3",
    `gsqlite3-database=${folder}/pdns.db`,
    "gsqlite3-dnssec=yes",
    "local-address=192.0.2.1",
    `socket-dir=${folder}`,
    ours(block("pdns.conf")),
    "",
  ];
  writeFileSync(join(folder, "pdns.conf"), conf.join("\n"));
  const schema = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql";
  shell(`sqlite3 ${folder}/pdns.db <${schema}`);
  shell(`pdnsutil() { command pdnsutil --config-dir=${folder} "$@"; }\n${block("sh pdns")}`);
  const words = [`--config-dir=${folder}`, "--guardian=no", "--daemon=no", "--disable-syslog"];
  const child = lab.keep(new Child([...lab.enter("dns"), "pdns_server", ...words]));
  await child.says(/ready to distribute questions/);
  return child;
};

/** What one update of `lines` came to: nsupdate's word for it. */
function update(...lines: readonly string[]): string {
  const input = ["server 192.0.2.1", "check-names off", `zone ${zone}`, ...lines, "send", ""];
  const words = ["nsupdate", "-v", "-k", join(folder, "discd.key")];
  const [command = "", ...rest] = [...lab.enter("px"), ...words];
  const { stderr } = spawnSync(command, rest, { encoding: "utf8", input: input.join("\n") });
  return /failed: (\S+)/.exec(stderr)?.[1] ?? "NOERROR";
}

const dig = (...words: readonly string[]): string =>
  run([...lab.enter("px"), "dig", "@192.0.2.1", "+short", ...words]).trim();

const isThere = (owner: string, type: string): boolean =>
  dig(owner === "@" ? `${zone}.` : `${owner}.${zone}.`, type) !== "";

/** Owner, type and data that the key may not write, whoever asks. */
const neverAnywhere = [
  ["@", "TXT", "x"],
  ["h", "MX", "0 h"],
  ["h", "NS", "h"],
] as const;

/** And by name, where the server has rules for names. */
const neverByName = [
  ["*", "A", "10.2.0.66"],
  ["ns1", "A", "10.2.0.66"],
  ["wpad", "A", "10.2.0.66"],
  ["isatap", "AAAA", "2001:db8:20::66"],
  ["localhost", "A", "10.2.0.66"],
  ["_acme-challenge", "TXT", "x"],
  ["_dmarc", "TXT", "x"],
  ["a._domainkey", "TXT", "x"],
] as const;

const allowed = [
  ["android_12", "A", "10.2.0.9"],
  ["h", "AAAA", "2001:db8:20::9"],
  ["_ipp._tcp", "PTR", "a\\032b._ipp._tcp"],
  ["a\\032b._ipp._tcp", "SRV", "0 0 631 h"],
  ["a\\032b._ipp._tcp", "TXT", "rp=1"],
] as const;

type Written = readonly [owner: string, type: string, data: string];

const fullOf = (owner: string) => (owner === "@" ? `${zone}.` : `${owner}.${zone}.`);
const line = ([owner, type, data]: Written, verb = "add") => {
  const isName = type === "PTR" || type === "SRV" || type === "MX" || type === "NS";
  return `update ${verb} ${fullOf(owner)} 120 ${type} ${data}${isName ? `.${zone}.` : ""}`;
};

interface Primary {
  readonly start: Start;
  readonly hasNameRules: boolean;
  /** PowerDNS leaves out what its script refuses, and says NOERROR. */
  readonly isSilent: boolean;
  readonly instance: string;
}

const primaries: Readonly<Record<string, Primary>> = {
  BIND: { start: startBind, hasNameRules: true, isSilent: false, instance: "Lobby\\032Printer" },
  "Knot DNS": {
    start: startKnot,
    hasNameRules: false,
    isSilent: false,
    instance: "lobby\\032printer",
  },
  PowerDNS: {
    start: startPowerDns,
    hasNameRules: true,
    isSilent: true,
    instance: "Lobby\\032Printer",
  },
};

beforeAll(async () => {
  shell(block("sh"));
  secret = /secret "([^"]+)"/.exec(readFileSync(join(folder, "discd.key"), "utf8"))?.[1] ?? "";
  lab = new Lab(drawing, {});
  const service = { name: "Lobby Printer", type: "_ipp._tcp", port: 631, txt: ["rp=ipp/print"] };
  await lab.avahi("ava1", { host: "lobby", services: [service] });
});

afterAll(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

const programs = ["avahi-daemon", "dig", "knotd", "named", "nsupdate", "openssl"] as const;
const it = needs(...programs, "pdns_server", "pdnsutil", "sqlite3");

async function publishes(text: string, instance: string): Promise<Daemon> {
  const state = mkdtempSync(join(folder, "state-"));
  const file = `${ours(text)}\nstate = '${state}'\n`;
  const daemon = lab.keep(Daemon.launch(lab.enter("px"), file));
  await until(
    "the device is in the zone",
    () => dig(`_ipp._tcp.${zone}.`, "PTR") === `${instance}._ipp._tcp.${zone}.`,
    30_000,
    200,
  ).catch((error) => {
    throw new Error(`${error}\n${daemon.log.slice(-20).join("\n")}`);
  });
  return daemon;
}

describe.each(Object.entries(primaries))("%s as on the page", (_, primary) => {
  const { start, hasNameRules, isSilent, instance } = primary;
  let server: Child;
  beforeAll(async () => {
    server = await start({});
  });
  afterAll(async () => {
    await server?.stop();
  });

  it("lets the key write addresses and services, TYPE65280 where it takes it [UP-61] [A6.10]", () => {
    expect(update(...allowed.map((one) => line(one)))).toBe("NOERROR");
    for (const [owner, type] of allowed) expect(isThere(owner, type), owner).toBe(true);
    const life = `update add h.${zone}. 120 TYPE65280 \\# 12 001c0000000000006955b900`;
    expect(update(life)).toBe(isSilent ? "FORMERR" : "NOERROR");
    for (const [owner, type] of allowed) {
      expect(update(`update delete ${fullOf(owner)} ${type}`)).toBe("NOERROR");
    }
    if (!isSilent) expect(update(`update delete h.${zone}. TYPE65280`)).toBe("NOERROR");
  });

  it("keeps the key from all else [UP-61] [A6.10]", () => {
    for (const one of hasNameRules ? [...neverAnywhere, ...neverByName] : neverAnywhere) {
      const before = dig(fullOf(one[0]), one[1]);
      // A good record beside it is no way in.
      const outcome = update(line(["beside", "A", "10.2.0.8"]), line(one));
      if (!isSilent) expect(outcome, one.join(" ")).toMatch(/^(REFUSED|NOTAUTH)/);
      expect(dig(fullOf(one[0]), one[1]), one.join(" ")).toBe(before);
    }
    for (const type of ["SOA", "NS"]) {
      update(`update delete ${zone}. ${type}`);
      expect(isThere("@", type), type).toBe(true);
    }
    if (isSilent) update(`update delete beside.${zone}. A`);
  });

  it("takes what discd publishes from the page's discd.lua [A3.1]", async () => {
    const daemon = await publishes(block("lua discd.lua"), instance);
    expect(dig(`${instance}._ipp._tcp.${zone}.`, "SRV")).toBe(`0 0 631 lobby.${zone}.`);
    expect(dig(`${instance}._ipp._tcp.${zone}.`, "TXT")).toBe('"rp=ipp/print"');
    expect(dig(`lobby.${zone}.`, "A")).toBe("10.2.0.2");
    await daemon.stop();
  }, 60_000);
});

it("Knot DNS: a rule that denies names does not stop a message of several, as the page says", async () => {
  const server = await startKnot({});
  await server.stop();
  const file = join(folder, "knot", "knot.conf");
  const denial = [
    "acl:",
    "  - id: never",
    "    key: discd",
    "    action: update",
    "    deny: on",
    "    update-owner: name",
    "    update-owner-name: [wpad]",
  ].join("\n");
  const text = readFileSync(file, "utf8").replace("acl:", denial);
  writeFileSync(file, text.replace("acl: [discd_update", "acl: [never, discd_update"));
  const again = lab.keep(new Child([...lab.enter("dns"), "knotd", "-c", file]));
  await again.says(/server started/);
  expect(update(line(["wpad", "A", "10.2.0.66"]))).toMatch(/^NOTAUTH/);
  const beside = line(["beside", "A", "10.2.0.8"]);
  expect(update(beside, line(["wpad", "A", "10.2.0.66"]))).toBe("NOERROR");
  await again.stop();
});

it("BIND over TLS, as on the page [UP-17]", async () => {
  const server = await startBind({ isTls: true });
  const plain = block("lua discd.lua");
  const text = `${plain.slice(0, plain.indexOf("update = {"))}${block("lua discd.lua tls")}`;
  const daemon = await publishes(text, "Lobby\\032Printer");
  expect(daemon.log.join("\n")).toMatch(/"transport":"tls"[^\n]*primary-found/);
  await daemon.stop();
  await server.stop();
}, 60_000);
