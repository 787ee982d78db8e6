// `discli update audit` of zones in BIND and Knot DNS in which something was left
// behind: written by hand as a discd would have that has died, beside what a real
// discd has published, and what an administrator keeps there.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { run, until } from "./children.js";
import { top } from "./daemon.js";
import type { Lab } from "./lab.js";
import { needs } from "./needs.js";
import { keyName, secretText, startKnot } from "./primaries.js";
import { lists, primaryAddress, updateSite, updateZone } from "./update-lab.js";

const it = needs("avahi-daemon", "dig", "named", "nsupdate");
const itKnot = needs("knotd");
const discli = join(top, "bin", "discli");
const folder = mkdtempSync(join(tmpdir(), "discd-audit-"));
const keyFile = join(folder, "key");
const key = (secret = secretText) =>
  `key "discd-link1.example." { algorithm hmac-sha256; secret "${secret}"; };\n`;
writeFileSync(keyFile, key(), { mode: 0o600 });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let lab: Lab;
const site = updateSite((built) => {
  lab = built;
});

interface Audited {
  readonly serial: number;
  readonly stateFile: number | null;
  readonly discd: readonly { readonly published: number }[] | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly records: readonly {
    state: string;
    name: string;
    type: string;
    leftSeconds: number | null;
  }[];
}

function audit(node: string, ...words: readonly string[]) {
  const [command = "", ...rest] = [...lab.enter(node), discli, "update", "audit", ...words];
  const { stdout, stderr, status } = spawnSync(command, rest, { encoding: "utf8" });
  const read = () => JSON.parse(stdout) as Audited;
  return { stdout, stderr, status, read };
}

const states = ({ records }: Audited) =>
  records.map(({ state, name, type }) => `${state} ${name.replace(`.${updateZone}`, "")} ${type}`);

/** TYPE65280 for all of a type at its owner, ending so many seconds from now. */
function timeout(type: number, inSeconds: number): string {
  const expiry = BigInt(Math.floor(Date.now() / 1000) + inSeconds);
  return `\\# 12 ${type.toString(16).padStart(4, "0")}0000${expiry.toString(16).padStart(16, "0")}`;
}

function write(...lines: readonly string[]): void {
  const input = [`server ${primaryAddress}`, `zone ${updateZone}`, ...lines, "send", ""];
  const words = ["nsupdate", "-v", "-k", keyFile];
  run([...lab.enter("px"), ...words], input.join("\n"));
}

const full = (name: string) => `${name}.${updateZone}.`;

/** As a discd that has died would have left them, and what is no discd's. */
const left = () => [
  `update add ${full("dead._ipp._tcp")} 120 SRV 0 0 631 ${full("gone")}`,
  `update add ${full("dead._ipp._tcp")} 120 TYPE65280 ${timeout(33, -7200)}`,
  `update add ${full("stray._ipp._tcp")} 120 SRV 0 0 631 ${full("strayhost")}`,
  `update add ${full("strayhost")} 120 A 10.1.0.77`,
  `update add ${full("alive._ipp._tcp")} 120 SRV 0 0 631 ${full("alivehost")}`,
  `update add ${full("alive._ipp._tcp")} 120 TYPE65280 ${timeout(33, 7200)}`,
  `update add ${full("nobody")} 120 TYPE65280 ${timeout(1, 7200)}`,
  `update add ${full("nobody")} 120 TYPE65280 \\# 3 000100`,
  `update add ${full("mine")} 120 A 10.1.0.88`,
];

it("C1 row 16 A3.20: BIND: whose each record is, by the state file and by lifetimes", async () => {
  await site.named();
  await site.printer("ava1", "Lobby");
  const discd = await site.discd({ update: "trust_clock = true," });
  await until("published", () => lists(lab, "Lobby._ipp._tcp"), 30_000, 200);
  const words = [updateZone, "--config", discd.file];
  // What is to be sent stands in the state file already; one of the lists may be on its way.
  const isQuiet = () => {
    const { status, read } = audit("px", ...words, "--json");
    return status === 0 && !read().records.some(({ name }) => name.startsWith("_discd-probe"));
  };
  await until("nothing is on its way, and no lease is tried", isQuiet, 20_000, 500);
  // However somebody types its name.
  const typed = [updateZone.toUpperCase(), ...words.slice(1)];
  const good = audit("px", ...typed, "--json", "--api", discd.socket);
  expect(good.status, good.stderr).toBe(0);
  expect(good.read().counts).toEqual({ foreign: 1, own: expect.any(Number) });
  expect(good.read().stateFile).toBeGreaterThan(3);
  // What discd says of itself by its API: as many as are found to be its own.
  const { discd: said } = good.read();
  expect(said?.map(({ published }) => published)).toEqual([good.read().counts.own]);
  const lives = good.read().records.filter(({ state }) => state === "own");
  for (const { leftSeconds } of lives) expect(leftSeconds).toBeGreaterThan(3000);
  // From now on nobody tidies up.
  await discd.stop();
  write(...left());
  write(`update delete ${full("Lobby._ipp._tcp")} TXT`);
  const found = audit("px", ...words, "--json");
  expect(found.status).toBe(1);
  const all = states(found.read());
  expect(all.filter((one) => !one.startsWith("own ")).sort()).toEqual(
    [
      "expired dead._ipp._tcp SRV",
      "orphan stray._ipp._tcp SRV",
      "orphan strayhost A",
      "idle Lobby._ipp._tcp TYPE65280",
      "idle nobody TYPE65280",
      "unreadable nobody TYPE65280",
      "missing Lobby._ipp._tcp TXT",
      "foreign keep A",
      "foreign mine A",
      "alive alive._ipp._tcp SRV",
    ].sort(),
  );
  const text = audit("px", ...words);
  expect(text.stdout).toMatch(/^expired\t-2 h 0 min\tdead\._ipp\._tcp\.link1\.discd\.test\tSRV\t/m);
  expect(text.stdout).not.toMatch(/^own/m);
  expect(text.stderr).toMatch(/2 orphan: nobody looks after these: remove them/);
  expect(audit("px", ...words, "--all").stdout).toMatch(/^own\t\d+ (h \d+ )?min\t/m);
}, 60_000);

it("BIND: from elsewhere, with a key file and without a state file", async () => {
  await site.named({ records: ["_ipp._tcp PTR x._ipp._tcp", "x._ipp._tcp SRV 0 0 631 keep"] });
  const server = ["--server", primaryAddress];
  const found = audit("px", updateZone, ...server, "--key", keyFile, "--json");
  // Nothing says whether they have an owner.
  expect(found.status, found.stderr).toBe(0);
  expect(states(found.read())).toEqual(
    expect.arrayContaining(["unknown _ipp._tcp PTR", "unknown x._ipp._tcp SRV", "unknown keep A"]),
  );
  const plain = audit("px", updateZone, ...server);
  expect(plain.status).toBe(3);
  expect(plain.stderr).toMatch(/REFUSED.*allow transfers to a host without a key/);
  const wrong = join(folder, "wrong");
  writeFileSync(wrong, key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), { mode: 0o600 });
  const denied = audit("px", updateZone, ...server, "--key", wrong);
  expect(denied.status).toBe(3);
  expect(denied.stderr).toMatch(/it has another secret for the key discd-link1\.example/);
  const away = audit("px", updateZone, "--server", "10.8.0.77", "--key", keyFile);
  expect(away.status).toBe(3);
  expect(audit("px", updateZone, ...server, "--key", "/nowhere").status).toBe(2);
}, 60_000);

itKnot(
  "C1 row 16: Knot DNS",
  async () => {
    const zone = updateZone;
    const place = {
      enter: lab.enter("ns1"),
      folder: site.fresh("knot"),
      address: primaryAddress,
      port: 53,
    };
    const records = [
      `dead._ipp._tcp SRV 0 0 631 gone`,
      `dead._ipp._tcp TYPE65280 ${timeout(33, -7200)}`,
      `alive._ipp._tcp SRV 0 0 631 alivehost`,
      `alive._ipp._tcp TYPE65280 ${timeout(33, 7200)}`,
    ];
    const knot = await startKnot(place, { zone, records });
    try {
      const words = ["--server", primaryAddress, "--key", keyFile, "--json"];
      const found = audit("px", zone, ...words);
      expect(found.status, found.stderr).toBe(1);
      expect(keyName).toBe("discd-link1.example");
      expect(states(found.read())).toEqual([
        "expired dead._ipp._tcp SRV",
        "foreign keep A",
        "foreign srp A",
        "foreign srp KEY",
        "alive alive._ipp._tcp SRV",
      ]);
    } finally {
      await knot.stop();
    }
  },
  60_000,
);
