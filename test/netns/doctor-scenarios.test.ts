// Networks that are known for what they do to DNS: hotels, hotspots, several
// uplinks. What the doctor says of each is fixed in doctor-scenarios.json.

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { type Diagnosis, type DoctorStage, doctorStage, saidBy, server } from "./doctor-stage.js";
import { needs } from "./needs.js";

const it = needs("avahi-daemon", "named", "nft", "tcpdump", "unbound");
const built = doctorStage();

interface Fixed {
  readonly status: number;
  readonly faults: readonly string[];
}

const verdicts = JSON.parse(
  readFileSync(new URL("doctor-scenarios.json", import.meta.url), "utf8"),
) as Readonly<Record<string, Fixed>>;

/** Whatever is asked of whomever over IPv4 is answered by the resolver in the middle. */
const hijack = [
  "chain pre { type nat hook prerouting priority -100;",
  "  iifname wan meta nfproto ipv4 meta l4proto { tcp, udp } th dport 53 dnat ip to 10.7.0.53;",
  "}",
  "chain post { type nat hook postrouting priority 100; masquerade; }",
];

const forward = (...rules: readonly string[]) => [
  `chain forward { type filter hook forward priority 0; ${rules.join("; ")}; }`,
];

const scenarios: Readonly<Record<string, (stage: DoctorStage) => Promise<Diagnosis>>> = {
  // Every name has the portal's address until somebody logs in.
  captive: async (stage) => {
    const portal = ['local-zone: "." redirect', 'local-data: ". A 10.9.0.1"'];
    await stage.resolver([...portal, 'local-zone: "invalid." nodefault']);
    const found = await stage.withRules(hijack, () => stage.run());
    await stage.resolver();
    return found;
  },
  "port53-hijack": (stage) => stage.withRules(hijack, () => stage.run()),
  // Nobody sends "packet too big".
  "small-mtu": (stage) => stage.withRules(forward("meta length > 1100 drop"), () => stage.run()),
  // The hotel's resolver is asked when the office's is slow.
  "two-uplinks": (stage) =>
    stage.run(undefined, { resolvConf: "nameserver 10.7.0.53\nnameserver 10.6.0.1\n" }),
  "udp53-blocked": (stage) =>
    stage.withRules(
      forward(`ip daddr ${server} udp dport 53 drop`, "ip6 daddr 2001:db8:8::53 udp dport 53 drop"),
      () => stage.run(),
    ),
  "v6-broken": (stage) =>
    stage.withRules(forward("ip6 daddr 2001:db8:8::53 drop"), () => stage.run()),
};

for (const [name, run] of Object.entries(scenarios)) {
  it(`A8.26 ${name}: the verdict that is fixed for it`, async () => {
    const found = await run(built.stage);
    const { status, faults } = found;
    expect({ status, faults }, saidBy(found)).toEqual(verdicts[name]);
  });
}

it("A8.26 every scenario has a verdict, and every verdict a scenario", () => {
  expect(Object.keys(scenarios).sort()).toEqual(Object.keys(verdicts).sort());
});
