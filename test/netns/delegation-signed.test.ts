// A signed zone above discd: the printed delegation has no DS records, so that a
// resolver that validates takes discd's zones for what they are, unsigned. A DS
// record that somebody adds breaks its zone, and `delegation verify` says so.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { Child, run } from "./children.js";
import { configure, top } from "./daemon.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("dig", "dnssec-verify", "named", "unbound");
const discli = join(top, "bin", "discli");
const folder = mkdtempSync(join(tmpdir(), "discd-signed-"));
const drawing = `
  wan:  px  192.0.2.53/24
      | dns 192.0.2.1/24
      | cli 192.0.2.2/24
  net1: px  10.1.0.1/24
  net2: px  10.2.0.1/24
`;
const config = `
allow = { 'any' }
interfaces = {
  { name = 'net1', subdomain = 'floor1.example.com' },
  { name = 'net2', subdomain = 'floor2.example.com' },
  { name = 'wan', disable = true },
}
`;

let lab: Lab;

/** The printed records, signed as a zone, with one record more. @returns the trust anchor */
function signedParent(at: string, printed: string, more: string): string {
  mkdirSync(at);
  const head = "$TTL 60\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n";
  writeFileSync(join(at, "zone"), `$ORIGIN example.com.\n${head}${printed}\n${more}\n`);
  const make =
    "dnssec-keygen -q -a ECDSAP256SHA256 -f KSK example.com; dnssec-keygen -q -a ECDSAP256SHA256 example.com";
  run(["sh", "-euc", `cd ${at}; ${make}; dnssec-signzone -q -S -o example.com -f signed zone`]);
  const keys = readFileSync(join(at, "signed"), "utf8");
  expect(keys).toContain("NSEC");
  const found = run(["sh", "-euc", `cat ${at}/K*.key`]).split("\n");
  return found.find((line) => /DNSKEY\s+257/.test(line)) ?? "";
}

laboratory(
  async (built) => {
    lab = built;
    const file = configure(config);
    const words = [discli, "--config", file, "delegation", "print", "example.com"];
    const printed = run([...lab.enter("px"), ...words]);
    expect(printed).not.toMatch(/IN DS/);
    const at = join(folder, "parent");
    const wrong = `floor2.example.com. DS 12345 13 2 ${"ab".repeat(32)}`;
    const anchor = signedParent(at, printed, wrong);
    const options = `directory "${at}"; pid-file none; listen-on { 192.0.2.1; }; recursion no;`;
    const zone = 'zone "example.com" { type primary; file "signed"; };';
    writeFileSync(join(at, "named.conf"), `options { ${options} };\ncontrols { };\n${zone}\n`);
    const named = [...lab.enter("dns"), "named", "-g", "-n", "1", "-c", join(at, "named.conf")];
    await lab.keep(new Child(named)).says(/ running$/);
    await lab.unbound(
      "cli",
      5301,
      ["192.0.2.1"],
      [
        'module-config: "validator iterator"',
        `trust-anchor: "${anchor}"`,
        ...["stub-zone:", 'name: "example.com"', "stub-addr: 192.0.2.1"],
      ],
    );
    await lab.discd(config, { server: "192.0.2.53", apex: "floor2.example.com", from: "cli" });
  },
  () => new Lab(drawing, {}),
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function head(name: string): { status: string; isValidated: boolean } {
  const words = ["dig", "@127.0.0.1", "-p", "5301", "+dnssec", "+tries=1", name, "SOA"];
  const said = run([...lab.enter("cli"), ...words]);
  return {
    status: /status: (\w+)/.exec(said)?.[1] ?? "",
    isValidated: /flags:[^;]* ad[ ;]/.test(said),
  };
}

it("A1.22 below a signed parent a validating resolver answers, insecurely and not SERVFAIL", () => {
  expect(head("example.com")).toEqual({ status: "NOERROR", isValidated: true });
  expect(head("floor1.example.com")).toEqual({ status: "NOERROR", isValidated: false });
});

it("A1.22 A8.22 with a DS record it does not, and discli says which record it is", () => {
  expect(head("floor2.example.com").status).toBe("SERVFAIL");
  const words = [discli, "delegation", "verify", "floor2.example.com", "--server", "192.0.2.1"];
  const [command = "", ...rest] = [...lab.enter("cli"), ...words];
  const { stdout, status } = spawnSync(command, rest, { encoding: "utf8" });
  expect(status).toBe(2);
  expect(stdout).toMatch(/^ds +FAIL/m);
  expect(stdout).toMatch(/remove from example\.com: floor2\.example\.com\. \d+ IN DS 12345 13 2 /);
  expect(stdout.match(/^\w+ +FAIL/gm)).toHaveLength(1);
});
