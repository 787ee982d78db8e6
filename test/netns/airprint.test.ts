// `discli airprint-check` for printers that avahi announces, one of which lacks
// each thing that an iPhone needs, and for some that stand in a zone of BIND.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { AvahiService } from "./avahi.js";
import { Child, until } from "./children.js";
import { type Daemon, top } from "./daemon.js";
import { type Outcome, runDiscli } from "./discli-run.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("avahi-daemon", "named");
const domain = "floor1.example.com";

const whole = [
  "txtvers=1",
  "rp=ipp/print",
  "ty=ACME Laser",
  "pdl=application/pdf,image/urf",
  "URF=W8,CP1,RS600",
  "note=Room 7",
];
const lacking = (key: string) => whole.filter((text) => !text.startsWith(`${key}=`));
const universal = ["_universal._sub._ipp._tcp"];
const printer = (name: string, more: Partial<AvahiService> = {}): AvahiService => {
  return { name, type: "_ipp._tcp", port: 631, txt: whole, subtypes: universal, ...more };
};

const printers: readonly AvahiService[] = [
  printer("Good"),
  printer("Good over TLS", { type: "_ipps._tcp", subtypes: ["_universal._sub._ipps._tcp"] }),
  printer("No subtype", { subtypes: [] }),
  printer("No URF", { txt: lacking("URF") }),
  printer("No pdl", { txt: lacking("pdl") }),
  printer("No rp", { txt: lacking("rp") }),
  printer("No ty", { txt: lacking("ty") }),
  printer("PostScript", { txt: [...lacking("pdl"), "pdl=application/postscript"] }),
  printer("Static entry", { txt: [...lacking("URF"), "URF=none"] }),
  printer("Closed", { port: 632 }),
  printer("Own link only", { host: "shy.local" }),
];

const config = (more = "") => `wait = '500ms'
interfaces = { { name = 'net1', subdomain = '${domain}', suppress = false },
  { name = 'uplink', disable = true } }
${more}`;

let lab: Lab;
let daemon: Daemon;

laboratory(
  async (built) => {
    lab = built;
    // The office's printers cannot be reached from elsewhere; these can.
    lab.run("px", "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    lab.run("rt", "ip route add 10.1.0.0/24 via 10.8.0.53");
    lab.run("rt", "ip route add 2001:db8:1::/64 via 2001:db8:8::53");
    for (const way of ["10.1.0.1", "2001:db8:1::1"]) {
      lab.run("ava1", `ip route add default via ${way}`);
    }
    const server = "require('net').createServer().listen(631, '::')";
    lab.keep(new Child([...lab.enter("ava1"), process.execPath, "-e", server]));
    await lab.avahi("ava1", {
      host: "laser",
      services: printers,
      hosts: { "shy.local": "169.254.7.7" },
    });
    await lab.bind(
      "dns",
      ["10.9.0.53"],
      [
        {
          origin: "static.example.net.",
          lines: [
            "_ipp._tcp PTR Gone._ipp._tcp",
            "_universal._sub._ipp._tcp PTR Gone._ipp._tcp",
            "_ipp._tcp PTR evil\\027[31m._ipp._tcp",
            "evil\\027[31m._ipp._tcp SRV 0 0 631 laser",
            'evil\\027[31m._ipp._tcp TXT "note=\\027[2J" "ty=\\155"',
            "laser A 10.1.0.2",
            "lb._dns-sd._udp PTR static.example.net.",
          ],
        },
        { origin: "example.com.", lines: ["floor1 NS px", "px A 10.8.0.53"] },
      ],
    );
    daemon = await lab.discd(config(), { apex: domain });
  },
  () => new Lab(),
);

const check = (words: readonly string[], resolv = "nameserver 10.8.0.53\n"): Promise<Outcome> =>
  runDiscli(lab.enter("cli"), ["airprint-check", ...words], { resolv });

/** State and codes by printer. */
function codesIn({ out }: Outcome): Record<string, string> {
  const found: Record<string, string> = {};
  for (const part of out.split(/^airprint (?=\w)/m).slice(1)) {
    const [, state = "", name = ""] = /^(\w+) {2}(.*) in /.exec(part) ?? [];
    found[name] = [
      state,
      ...(part.match(/^ {4}[A-Z-]+(?=:)/gm) ?? []).map((code) => code.trim()),
    ].join(" ");
  }
  return found;
}

it("C1 row 1 each printer, and just what it lacks", async () => {
  const seen = await until("every printer", async () => {
    const outcome = await check([domain]);
    return Object.keys(codesIn(outcome)).length === printers.length && outcome;
  });
  expect(codesIn(seen)).toEqual({
    Good: "PASS",
    "Good over TLS": "PASS",
    "No subtype": "FAIL NO-SUBTYPE",
    "No URF": "FAIL NO-URF",
    "No pdl": "FAIL NO-PDL",
    "No rp": "FAIL NO-RP",
    "No ty": "FAIL NO-TY",
    PostScript: "FAIL NO-URF-FORMAT",
    "Static entry": "WARN URF-NONE",
    Closed: "FAIL UNREACHABLE",
    "Own link only": "FAIL LOCAL-ADDRESS",
  });
  expect([seen.status, seen.err]).toEqual([2, ""]);
  expect(seen.out).toContain('    iOS shows "Good" at "Room 7" (ACME Laser)\n');
  expect(seen.out).toContain('    iOS shows "Good over TLS" at "Room 7" (ACME Laser), over TLS\n');
});

it("C1 row 1 one printer by its name: status 0, 1 and 2; as JSON, too", async () => {
  for (const [name, status] of [
    [`Good._ipp._tcp.${domain}`, 0],
    [`Good over TLS._ipps._tcp.${domain}`, 0],
    [`Static entry._ipp._tcp.${domain}`, 1],
    [`No rp._ipp._tcp.${domain}`, 2],
    [`Nobody._ipp._tcp.${domain}`, 1],
  ] as const) {
    const seen = await check([name]);
    expect(seen.status, `${name}\n${seen.out}${seen.err}`).toBe(status);
    expect(Object.keys(codesIn(seen)).length).toBe(name.startsWith("Nobody") ? 0 : 1);
  }
  const [one] = JSON.parse((await check(["--json", `Good._ipp._tcp.${domain}`])).out);
  expect(one).toMatchObject({ check: "airprint", label: "Good", state: "PASS", lacks: [] });
});

it("C1 row 2 the printed rule, put into discd.lua, adds what was missing", async () => {
  const names = ["No subtype", "No URF", "No pdl", "No rp", "No ty", "PostScript"];
  const before = await Promise.all(names.map((name) => check([`${name}._ipp._tcp.${domain}`])));
  const rules = before.map(({ out }) => /translate = \{ (.*) \}$/m.exec(out)?.[1]);
  daemon.reload(config(`translate = {\n${rules.join(",\n")}\n}`));
  await until("the rules hold", async () => {
    const found = codesIn(await check([domain]));
    return names.every((name) => found[name] === "PASS");
  });
  daemon.reload(config());
});

it("without a word: the domains that the search domains name", async () => {
  const resolv = "nameserver 10.9.0.53\nsearch static.example.net\n";
  const seen = await check([], resolv);
  expect(seen.status, seen.err).toBe(2);
  expect(codesIn(seen)).toEqual({
    Gone: "FAIL NO-SRV NO-TXT",
    "evil\\x1b[31m": "FAIL NO-SUBTYPE NO-PDL NO-URF NO-RP",
  });
  expect(seen.out.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
});

it("what is not there, or makes no sense, is said in one line", async () => {
  for (const [words, resolv, status, says] of [
    [
      ["example.com"],
      "nameserver 10.9.0.53\n",
      1,
      /no printer \(_ipp\._tcp, _ipps\._tcp\): example\.com/,
    ],
    [["_http._tcp.example.com"], "", 2, /write a domain, or a printer, NAME\._ipp\._tcp\.DOMAIN/],
    [[], "nameserver 10.9.0.53\nsearch example.com\n", 1, /example\.com names no domain to browse/],
    [[domain], "nameserver 10.8.0.54\n", 2, /10\.8\.0\.54/],
  ] as const) {
    const seen = await check(["--timeout", "1", ...words], resolv);
    expect([seen.status, seen.out], words.join(" ")).toEqual([status, ""]);
    expect(seen.err).toMatch(says);
    expect(seen.err.split("\n")).toHaveLength(1);
  }
});

it("each command of the manual runs, and says what the manual says", async () => {
  const manual = readFileSync(join(top, "docs", "airprint.md"), "utf8");
  const commands = [...manual.matchAll(/^discli airprint-check.*$/gm)].map(([line]) => line);
  expect(commands.length).toBeGreaterThan(2);
  for (const line of commands) {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
      ([, quoted, plain]) => quoted ?? plain!,
    );
    const seen = await check(words.slice(2), "nameserver 10.8.0.53\nsearch floor1.example.com\n");
    expect(seen.err, line).toBe("");
    expect(seen.out).toContain("Good");
  }
  const table = [...manual.matchAll(/^\| `([A-Z-]+)` \|/gm)].map(([, code]) => code);
  const source = readFileSync(join(top, "src/discli/airprint/verdict.ts"), "utf8");
  const codes = [...source.matchAll(/(?:lack|doubt)\("([A-Z-]+)"/g)].map(([, code]) => code);
  expect([...new Set(codes)].sort()).toEqual(table.sort());
});
