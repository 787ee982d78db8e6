// `discli delegation verify` against BIND as the parent of a real discd. Each zone
// of the table has exactly one fault, which must be named, and nothing else; the
// one without a fault is all PASS.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect } from "vitest";
import { Child } from "./children.js";
import { configure, top } from "./daemon.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("named", "unbound");
const discli = join(top, "bin", "discli");
const folder = mkdtempSync(join(tmpdir(), "discd-verify-"));

const drawing = `
  wan:  cli 10.9.0.2/24 2001:db8:9::2/64
      | dns 10.9.0.53/24 2001:db8:9::53/64
      | dns2 10.9.0.54/24
      | kid 10.9.0.20/24 10.9.0.21/24 2001:db8:9::20/64
      | px  10.9.0.10/24 2001:db8:9::10/64
  net1: px  10.1.0.1/24
`;

/** The parent of each zone has the delegation and `lb`, and what the fault says. */
const delegated = ["floor NS px.hub.test.", "lb._dns-sd._udp PTR floor"];
const lb = "lb._dns-sd._udp PTR floor";
const kid = (...addresses: string[]) => [
  lb,
  "floor NS ns.floor",
  ...addresses.map((at) => `ns.floor ${at.includes(":") ? "AAAA" : "A"} ${at}`),
];

interface Fault {
  readonly lines: readonly string[];
  /** `ID CODE`; none: all is well. */
  readonly found?: string;
  readonly status: number;
  /** Of the remedy. */
  readonly mends?: RegExp;
}

const faults: Readonly<Record<string, Fault>> = {
  right: { lines: delegated, status: 0 },
  nxdomain: {
    lines: [lb],
    found: "delegation nxdomain",
    status: 2,
    mends: /add NS records for floor\.nxdomain\.test to nxdomain\.test/,
  },
  nons: { lines: [lb, 'floor TXT "x"'], found: "delegation no-ns", status: 2, mends: /add NS/ },
  cname: {
    lines: [lb, "floor CNAME elsewhere.example."],
    found: "delegation cname",
    status: 2,
    mends: /remove from cname\.test: floor\.cname\.test\. \d+ IN CNAME elsewhere\.example\./,
  },
  refused: {
    lines: delegated,
    found: "authority lame",
    status: 2,
    mends: /is floor\.refused\.test in its discd\.lua, and are you in `allow`/,
  },
  // The parent's own server is named, and knows no more than that it is delegated.
  lame: { lines: [lb, "floor NS ns.bind.test."], found: "authority lame", status: 2, mends: /lua/ },
  dead: {
    lines: [lb, "floor NS dead", "dead A 10.9.0.99"],
    found: "reach unreachable",
    status: 2,
    mends: /does discd run and listen there/,
  },
  glue: {
    lines: [lb, "floor NS ns.floor"],
    found: "glue glue-missing",
    status: 2,
    mends: /add to glue\.test: A and AAAA records of ns\.floor\.glue\.test/,
  },
  stale: {
    lines: kid("10.9.0.20", "10.9.0.21"),
    found: "glue glue-differs",
    status: 1,
    mends: /remove above: ns\.floor\.stale\.test 10\.9\.0\.21/,
  },
  surplus: {
    lines: [...delegated, "floor NS old.hub.test."],
    found: "ns ns-differs",
    status: 1,
    mends: /remove from surplus\.test: floor\.surplus\.test\. 3600 IN NS old\.hub\.test\./,
  },
  missing: {
    lines: kid("10.9.0.20"),
    found: "ns ns-differs",
    status: 1,
    mends: /add to missing\.test: floor\.missing\.test\. 3600 IN NS ns2\.floor\.missing\.test\./,
  },
  ds: {
    lines: [...delegated, `floor DS 12345 13 2 ${"ab".repeat(32)}`],
    found: "ds ds-unsigned",
    status: 2,
    mends: /remove from ds\.test: floor\.ds\.test\. \d+ IN DS 12345 13 2 /i,
  },
  nolb: {
    lines: ["floor NS px.hub.test.", "b._dns-sd._udp PTR floor"],
    found: "lb lb-missing",
    status: 1,
    mends: /add to nolb\.test: lb\._dns-sd\._udp\.nolb\.test\. 3600 IN PTR floor\.nolb\.test\./,
  },
  sixth: {
    lines: kid("10.9.0.20", "2001:db8:9::99"),
    found: "families one-family",
    status: 1,
    mends: /make it answer over IPv6, or remove those addresses/,
  },
  fourth: {
    lines: kid("10.9.0.98", "2001:db8:9::20"),
    found: "families one-family",
    status: 1,
    mends: /make it answer over IPv4/,
  },
};

/** Answered by discd, all but one of those that the parent sends to it. */
const served = ["right", "surplus", "ds", "nolb", "two", "nxdomain", "nons", "cname"];

/** What BIND in `kid` says of itself. */
const kids: Readonly<Record<string, readonly string[]>> = {
  stale: ["@ NS ns", "ns A 10.9.0.20"],
  missing: ["@ NS ns", "@ NS ns2", "ns A 10.9.0.20", "ns2 A 10.9.0.20"],
  sixth: ["@ NS ns", "ns A 10.9.0.20", "ns AAAA 2001:db8:9::99"],
  fourth: ["@ NS ns", "ns A 10.9.0.98", "ns AAAA 2001:db8:9::20"],
};

const config = `
hostname = 'px.hub.test'
nsid = 'px-one'
interfaces = {
  { name = 'net1', subdomain = 'floor.${served[0]}.test',
    aliases = { ${served
      .slice(1)
      .map((name) => `'floor.${name}.test'`)
      .join(", ")} } },
  { name = 'wan', disable = true },
}
`;

let lab: Lab;

/** named for some zones, each given whole. */
async function named(node: string, zones: Readonly<Record<string, readonly string[]>>) {
  const at = join(folder, node);
  mkdirSync(at, { recursive: true });
  const blocks = Object.entries(zones).map(([origin, lines]) => {
    const head = ["$TTL 60", "@ SOA ns hostmaster 1 3600 600 86400 60"];
    writeFileSync(join(at, `zone-${origin}`), `${[...head, ...lines].join("\n")}\n`);
    return `zone "${origin}" { type primary; file "zone-${origin}"; check-integrity no; };`;
  });
  const options = [
    `directory "${at}"; pid-file none; listen-on { any; }; listen-on-v6 { any; };`,
    "recursion no; dnssec-validation no; empty-zones-enable no; notify no;",
  ];
  const text = [`options { ${options.join(" ")} };`, "controls { };", ...blocks, ""].join("\n");
  writeFileSync(join(at, "named.conf"), text);
  const words = ["named", "-g", "-n", "1", "-c", join(at, "named.conf")];
  const child = lab.keep(new Child([...lab.enter(node), ...words]));
  await child.says(/ running$/);
}

laboratory(
  async (built) => {
    lab = built;
    const ns = "@ NS ns.bind.test.";
    const hub = [ns, "px A 10.9.0.10", "px AAAA 2001:db8:9::10", "old A 10.9.0.10"];
    const parents = Object.fromEntries(
      Object.entries(faults).map(([name, { lines }]) => [`${name}.test`, [ns, ...lines]]),
    );
    const two = [ns, "@ NS ns2.bind.test.", lb, "floor NS px.hub.test."];
    const cuts = [...Object.keys(parents), "hub.test", "two.test"];
    const root = [
      ns,
      "ns.bind.test. A 10.9.0.53",
      "ns2.bind.test. A 10.9.0.54",
      ...cuts.map((origin) => `${origin}. NS ns.bind.test.`),
      "two.test. NS ns2.bind.test.",
    ];
    await named("dns", { ...parents, "hub.test": hub, "two.test": two, ".": root });
    await named("dns2", { "two.test": [...two, "floor NS old.hub.test."] });
    await named(
      "kid",
      Object.fromEntries(
        Object.entries(kids).map(([name, lines]) => [`floor.${name}.test`, lines]),
      ),
    );
    await lab.unbound("cli", 53, ["10.9.0.53"], ['local-zone: "test." nodefault']);
    lab.keep(await lab.discd(config, { server: "10.9.0.10", apex: "floor.right.test" }));
  },
  () => new Lab(drawing, {}),
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Finding {
  readonly id: string;
  readonly state: string;
  readonly code: string | null;
  readonly remedy: readonly string[];
}

interface Verified {
  readonly zone: string;
  readonly findings: readonly Finding[];
  readonly trace: readonly { zone: string | null; server: string; nsid: string | null }[];
}

/** Runs it in `cli`, whose resolver is its own Unbound. */
function discliIn(node: string, ...words: readonly string[]) {
  const resolv = configure("nameserver 127.0.0.1\n", true);
  const script = `mount --bind ${resolv} /etc/resolv.conf; exec "$@"`;
  const enter = [...lab.enter(node), "unshare", "-m", "sh", "-c", script, "discli"];
  const [command = "", ...rest] = [...enter, discli, "--timeout", "0.8", ...words];
  return spawnSync(command, rest, { encoding: "utf8" });
}

function verify(...words: readonly string[]): { results: Verified[]; status: number | null } {
  const { stdout, stderr, status } = discliIn("cli", "--json", "delegation", "verify", ...words);
  expect(stdout, stderr).not.toBe("");
  return { results: JSON.parse(stdout) as Verified[], status };
}

const faultsIn = ({ findings }: Verified): string[] =>
  findings
    .filter(({ state }) => state === "FAIL" || state === "WARN")
    .map(({ id, code }) => `${id} ${code}`);

describe("C1 row 13: one fault in the parent is named, and nothing else", () => {
  for (const [name, { found, status, mends }] of Object.entries(faults)) {
    it(`${name}: ${found ?? "all is well"}`, () => {
      const said = verify(`floor.${name}.test`, "--server", "10.9.0.53");
      const [result] = said.results as [Verified];
      expect(faultsIn(result), JSON.stringify(result, null, 1)).toEqual(
        found === undefined ? [] : [found],
      );
      expect(said.status).toBe(status);
      const remedy = result.findings.flatMap((one) => one.remedy).join("\n");
      if (mends !== undefined) expect(remedy).toMatch(mends);
      else expect(result.findings.map(({ state }) => state)).not.toContain("SKIP");
    });
  }
});

it("A8.10 from the root down: the server of each step", () => {
  const { results, status } = verify("floor.right.test");
  expect(status).toBe(0);
  expect(results[0]?.trace.map(({ zone, server }) => `${zone} ${server}`)).toEqual([
    ". 10.9.0.53",
    "right.test 10.9.0.53",
  ]);
  const text = discliIn("cli", "delegation", "verify", "floor.right.test").stdout;
  expect(text).toMatch(/^way +PASS/m);
  expect(text).toMatch(/^ +right\.test: 10\.9\.0\.53 \(ns\.bind\.test\): NOERROR/m);
  expect(text.match(/^\w+ +PASS/gm)).toHaveLength(11);
});

it("A8.10 the NSID of discd is told", () => {
  const text = discliIn("cli", "delegation", "verify", "floor.refused.test").stdout;
  expect(text).toMatch(/NSID px-one/);
});

it("two servers of the parent that differ", () => {
  const { results, status } = verify("floor.two.test");
  expect(faultsIn(results[0] as Verified)).toContain("parents parents-differ");
  expect(status).toBe(1);
});

it("a parent: every floor that it names is looked at", () => {
  const { results, status } = verify("right.test", "--server", "10.9.0.53");
  expect(results.map(({ zone }) => zone)).toEqual(["floor.right.test"]);
  expect(status).toBe(0);
});

it("what should be there, in the words of the parent's keeper", () => {
  const words = ["delegation", "verify", "nolb.test", "--server", "10.9.0.53", "--for", "powerdns"];
  const { stdout, status } = discliIn("cli", ...words);
  expect(status).toBe(1);
  const set = "'lb._dns-sd._udp' PTR 3600 'floor.nolb.test.'";
  expect(stdout).toContain(`pdnsutil replace-rrset 'nolb.test.' ${set}`);
});

it("on the host of discd its discd.lua says what should be there", () => {
  const file = configure(config);
  const words = ["delegation", "verify", "floor.nxdomain.test", "--server", "10.9.0.53"];
  const { stdout, status } = discliIn("px", "--config", file, ...words);
  expect(status).toBe(2);
  expect(stdout).toContain("add to nxdomain.test: floor.nxdomain.test. 3600 IN NS px.hub.test.");
});

it("discd itself, which knows nothing of delegations: could not be tested", () => {
  const { results, status } = verify("floor.right.test", "--server", "10.9.0.10");
  expect(faultsIn(results[0] as Verified)).toEqual([]);
  expect(status).toBe(3);
});

it("nobody to begin with: could not be tested", () => {
  const { stderr, status } = discliIn("dns2", "delegation", "verify", "floor.right.test");
  expect(stderr).toMatch(/knows no root to begin at; name the server of the zone above/);
  expect(status).toBe(3);
});
