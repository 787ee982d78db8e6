// `discli doctor --as apple`, with discd, BIND and Unbound: nothing wrong, and then
// one fault at a time, which it has to name and no other.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { Authority } from "./authority.js";
import { until } from "./children.js";
import { type Daemon, top } from "./daemon.js";
import { runDiscli } from "./discli-run.js";
import type { Checked } from "./doctor-stage.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("avahi-daemon", "named", "nft", "openssl", "unbound");
const zone = "floor1.example.com";

/** `lap` is on a network whose reverse name leads to the zone, `near` beside discd. */
const drawing = `
  wan:  cli  10.9.0.2/24 | rt 10.9.0.1/24
  wifi: lap  10.5.0.2/24 | rt 10.5.0.1/24
  core: rt   10.7.0.1/24
      | res  10.7.0.53/24
      | dns  10.7.0.10/24
  uplink: rt 10.8.0.1/24
      | px   10.8.0.53/24
      | near 10.8.0.7/24
  net1: px   10.1.0.1/24
      | ava1 10.1.0.2/24
`;

const gateways = {
  cli: ["10.9.0.1"],
  lap: ["10.5.0.1"],
  res: ["10.7.0.1"],
  dns: ["10.7.0.1"],
  px: ["10.8.0.1"],
  near: ["10.8.0.1"],
};

const parents = [
  {
    origin: "example.com.",
    lines: [
      "px A 10.8.0.53",
      "floor1 NS px",
      `lb._dns-sd._udp PTR ${zone}.`,
      `b._dns-sd._udp PTR ${zone}.`,
    ],
  },
  { origin: "bonly.example.net.", lines: [`b._dns-sd._udp PTR ${zone}.`] },
  { origin: "none.example.net.", lines: [] },
  { origin: "other.example.net.", lines: ["lb._dns-sd._udp PTR floor9.example.com."] },
  { origin: "local.example.net.", lines: ["lb._dns-sd._udp PTR office.local."] },
  { origin: "lost.example.net.", lines: ["lb._dns-sd._udp PTR nowhere.example.org."] },
  {
    origin: "static.example.net.",
    lines: [
      "lb._dns-sd._udp PTR static.example.net.",
      "_dns-push-tls._tcp SRV 0 0 853 gone",
      "_ipp._tcp PTR A._ipp._tcp",
    ],
  },
  { origin: "5.10.in-addr.arpa.", lines: [`lb._dns-sd._udp.0.0 PTR ${zone}.`] },
];

let lab: Lab;
let discd: Daemon;
let roots: string;
const authority = new Authority();

function config(certificate: string, more = ""): string {
  return `certificate = ${certificate}
wait = '500ms'
interfaces = { { name = 'net1', subdomain = '${zone}' }, { name = 'uplink', disable = true } }
${more}`;
}

function issued(...names: string[]): string {
  const { leaf, key } = authority.issue(...names);
  const path = (kind: string) => join(authority.folder, `${names[0]}.${kind}`);
  writeFileSync(path("pem"), `${leaf}${authority.middle}`);
  writeFileSync(path("key"), key, { mode: 0o600 });
  return `{ crt = '${path("pem")}', key = '${path("key")}' }`;
}

const good = config(issued("px.example.com"));

laboratory(
  async (built) => {
    lab = built;
    roots = readFileSync(authority.root, "utf8");
    await lab.avahi("ava1", {
      host: "printserver",
      services: [{ name: "Laser", type: "_ipp._tcp", port: 631 }],
    });
    await lab.bind("dns", ["10.7.0.10"], parents);
    await lab.unbound("res", 53, ["10.7.0.10"], ['local-zone: "test." nodefault']);
    discd = await lab.discd(good, { apex: zone });
  },
  () => new Lab(drawing, gateways),
);

interface Ran {
  readonly status: number | null | undefined;
  readonly checks: readonly Checked[];
  readonly left: readonly string[];
  /** `id CODE` of whatever warns or fails. */
  readonly faults: readonly string[];
  check(id: string): Checked;
}

async function apple(
  search: string,
  words: readonly string[] = ["--zone", zone],
  { node = "cli", trust = roots, server = "10.7.0.53" } = {},
): Promise<Ran> {
  const argv = ["--json", "doctor", "--as", "apple", ...words];
  const resolv = `nameserver ${server}\n${search === "" ? "" : `search ${search}\n`}`;
  const files = { "/etc/ssl/certs/ca-certificates.crt": trust };
  const { status, out, err } = await runDiscli(lab.enter(node), argv, { resolv, files });
  expect(err).toBe("");
  const { checks, left } = JSON.parse(out) as Pick<Ran, "checks" | "left">;
  const faults = checks.filter(({ state }) => state === "FAIL" || state === "WARN");
  for (const { remedy } of faults) expect(remedy).not.toEqual([]);
  return {
    ...{ status, checks, left, faults: faults.map(({ id, code }) => `${id} ${code}`) },
    check: (id) => checks.find((one) => one.id === id) as Checked,
  };
}

/** discd as configured, once the resolver says so. */
async function configured(text: string, hasPush = true): Promise<void> {
  discd.reload(text);
  const asked = `_dns-push-tls._tcp.${zone}`;
  await until("the new configuration", async () => {
    const { answer } = await lab.dig("@10.8.0.53", asked, "SRV");
    return answer.length > 0 === hasPush;
  });
  // The resolver keeps what it knows of the SRV record for ten seconds at most.
  await until(
    "the resolver has forgotten",
    async () => {
      const { answer } = await lab.dig("@10.7.0.53", "+recurse", asked, "SRV");
      return answer.length > 0 === hasPush;
    },
    70_000,
    500,
  );
}

it("C1 row 10 no fault: all steps pass, from a search domain and from a reverse network", async () => {
  const found = await apple("example.com");
  expect([found.faults, found.left, found.status]).toEqual([[], [], 0]);
  expect(found.checks.map(({ state }) => state)).toEqual(Array(8).fill("PASS"));
  expect(found.check("lb").evidence[0]).toMatch(
    /^lb\._dns-sd\._udp\.example\.com PTR: NOERROR.*floor1/,
  );
  expect(found.check("soa").evidence.map((line) => line.split(":")[0])).toEqual(
    ["_ipp._tcp.", "_tcp.", ""].map((front) => `${front}${zone} SOA`),
  );
  expect(found.check("push-session").evidence[0]).toContain("px.example.com (10.8.0.53) port 853");
  // Without a search domain, and without --zone: by the network's own name.
  const reverse = await apple("", [], { node: "lap" });
  expect([reverse.faults, reverse.left, reverse.status]).toEqual([[], [], 0]);
  expect(reverse.check("lb").evidence.join()).toMatch(
    /lb\._dns-sd\._udp\.0\.0\.5\.10\.in-addr\.arpa/,
  );
});

it("A8.28 the manual's own command, and what --explain prints for each step", async () => {
  const manual = readFileSync(join(top, "docs", "doctor.md"), "utf8");
  const [line = ""] = /^discli doctor --as apple.*$/m.exec(manual) ?? [];
  expect((await apple("example.com", line.split(" ").slice(4))).status, line).toBe(0);
  const words = ["doctor", "--as", "apple", "--server", "10.8.0.53"];
  const { status, err } = await runDiscli(lab.enter("cli"), words, { resolv: "" });
  expect([status, err]).toEqual([2, expect.stringMatching(/asks this system's resolver: leave/)]);
  for (const id of ["lb", "soa", "push-tls"]) {
    const words = ["doctor", "--explain", id, "--zone", zone];
    const { status, out } = await runDiscli(lab.enter("cli"), words, { resolv: "" });
    expect(status).toBe(0);
    expect(out).toMatch(/^by hand:\n {4}(dig|openssl) /m);
  }
});

it("C1 row 10 b only, and the records that would do", async () => {
  const found = await apple("bonly.example.net");
  expect([found.faults, found.status]).toEqual([["lb B-ONLY"], 2]);
  expect(found.check("lb").remedy.join("\n")).toContain(
    "lb._dns-sd._udp.bonly.example.net. PTR floor1.example.com.",
  );
  expect(found.check("lb").remedy.join("\n")).toContain(
    "lb._dns-sd._udp.0.0.9.10.in-addr.arpa. PTR floor1.example.com.",
  );
  expect(found.left).toEqual(["browse", "soa", "push-srv", "push-tcp", "push-tls", "push-session"]);
});

it("C1 row 10 lb missing; lb where nobody searches; lb of another zone, and of .local", async () => {
  const none = await apple("none.example.net", ["--zone", "static.example.org"]);
  expect([none.faults, none.status]).toEqual([["lb NO-LB"], 2]);
  const wrong = await apple("none.example.net");
  expect(wrong.faults).toEqual(["lb WRONG-SEARCH"]);
  expect(wrong.check("lb").decision).toContain("in example.com, where nobody here looks");
  const other = await apple("other.example.net", ["--zone", "floor2.example.org"]);
  expect(other.faults).toEqual(["lb OTHER-DOMAIN"]);
  const local = await apple("local.example.net", ["--zone", "static.example.net"]);
  expect(local.faults).toEqual(["lb LOCAL-DOMAIN"]);
});

it("C1 row 10 .local: as a zone, and as a search domain", async () => {
  const asZone = await apple("example.com", ["--zone", "office.local"]);
  expect([asZone.faults, asZone.status]).toEqual([["search LOCAL-ZONE"], 2]);
  const asSearch = await apple("corp.local example.com");
  expect([asSearch.faults, asSearch.status]).toEqual([["search LOCAL-SEARCH"], 1]);
});

it("C1 row 10 a resolver that is not there; a domain that nobody serves", async () => {
  const silent = await apple("example.com", ["--zone", zone], { server: "10.7.0.99" });
  expect([silent.faults, silent.status]).toEqual([["lb NO-ANSWER"], 2]);
  const lost = await apple("lost.example.net", []);
  expect([lost.faults, lost.status]).toEqual([["soa NO-ZONE"], 2]);
});

it("C1 row 10 SRV missing: the client polls; SRV that leads nowhere", async () => {
  const gone = await apple("static.example.net", []);
  expect(gone.faults).toEqual(["push-srv NO-PUSH-ADDRESS"]);
  await configured(config("false"), false);
  const found = await apple("example.com");
  expect([found.faults, found.status]).toEqual([["push-srv NO-PUSH-SRV"], 2]);
  expect(found.check("push-srv").decision).toMatch(/every 15 minutes/);
  await configured(good);
});

it("C1 row 10 the TLS port blocked", async () => {
  const chain = "chain forward { type filter hook forward priority 0; tcp dport 853 drop; }";
  lab.run("rt", `nft 'table inet fault {\n${chain}\n}'`);
  const found = await apple("example.com");
  lab.run("rt", "nft delete table inet fault");
  expect([found.faults, found.status]).toEqual([["push-tcp PUSH-UNREACHABLE"], 2]);
});

it("C1 row 10 certificates: of a stranger, for another name, self-signed; near and far", async () => {
  const stranger = await apple("example.com", ["--zone", zone], { trust: "" });
  expect([stranger.faults, stranger.status]).toEqual([["push-tls CERT-UNTRUSTED"], 2]);
  await configured(config(issued("elsewhere.example.org")));
  const named = await apple("example.com");
  expect(named.faults).toEqual(["push-tls CERT-NAME"]);
  await configured(config("'self-signed'"));
  const far = await apple("example.com");
  expect([far.faults, far.status]).toEqual([["push-tls SELF-SIGNED"], 2]);
  expect(far.check("push-tls").decision).toMatch(/expect polling, every 15 minutes/);
  const near = await apple("example.com", ["--zone", zone], { node: "near" });
  expect([near.faults, near.status]).toEqual([["push-tls SELF-SIGNED"], 1]);
  expect(near.check("push-tls").decision).toMatch(/on the client's own network/);
  expect(near.check("push-session").state).toBe("PASS");
  await configured(config(issued(zone)));
  const zoneNamed = await apple("example.com");
  expect([zoneNamed.faults, zoneNamed.status]).toEqual([[], 0]);
  await configured(good);
});

it("C1 row 10 zero touch: what a link tells by multicast counts as well", async () => {
  await configured(
    config(issued("px.example.com"), "").replace(
      "'uplink', disable = true",
      `'uplink', subdomain = false, announce = { lb = { '${zone}' } }`,
    ),
  );
  const found = await apple("none.example.net", ["--zone", zone], { node: "near" });
  expect([found.faults, found.status]).toEqual([[], 0]);
  expect(found.check("lb").evidence.at(-1)).toBe(`lb._dns-sd._udp.local by multicast: ${zone}`);
  await configured(good);
});
