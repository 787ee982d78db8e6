// Stage 7: this host itself, and discd where it runs here.

import type { Told } from "./api-facts.js";
import { check, type Stage } from "./check.js";
import { gatherClock, judgeClock, type Offset, skewMax } from "./clock.js";
import { type FirewallEvidence, gatherFirewall, judgeFirewall } from "./firewall.js";
import { findHolders, type Holder, judgeHolders } from "./holders.js";
import { gatherReflector, judgeReflector } from "./reflector.js";
import { gatherUpstream, judgeUpstream, type UpstreamEvidence } from "./upstream.js";

export const hostStage: Stage = {
  id: "host",
  title: "is this host well, and discd where it runs here?",
  checks: [
    check<UpstreamEvidence>({
      id: "upstream",
      title: "On discd's host: do its listeners, its links and the servers it needs work?",
      codes: {
        "LISTENER-FAILS": "discd's own question through a listener has no answer",
        "LINK-FAILS": "discd's own question on a link is not heard back",
        "UPDATE-FAILS": "a subdomain cannot be published",
        "PARENT-SILENT": "this host's resolver does not reach the zone above",
      },
      limit: 6000,
      commands: ({ zone }) => [
        `dig @127.0.0.1 ${zone} SOA +norecurse`,
        "discli health; discli show interfaces; discli show updates",
      ],
      gather: gatherUpstream,
      judge: judgeUpstream,
    }),
    check<FirewallEvidence>({
      id: "firewall",
      title: "Does this host's firewall drop packets of these ports?",
      codes: { "FIREWALL-DROPS": "a rule drops packets of DNS or of multicast DNS" },
      limit: 3000,
      commands: () => ["nft list ruleset   (ports 53, 853, 5352, 5353)", "iptables-legacy -nvL"],
      gather: gatherFirewall,
      judge: judgeFirewall,
    }),
    check<Told>({
      id: "reflector",
      title: "Does something repeat multicast DNS from link to link?",
      codes: { REFLECTOR: "one service is heard on two links" },
      limit: 6000,
      commands: () => ["discli show services: the same instance and address on two links"],
      gather: gatherReflector,
      judge: judgeReflector,
    }),
    check<readonly Holder[]>({
      id: "port-5353",
      title: "Which programs of this host speak multicast DNS?",
      codes: { "MDNS-STACKS": "two programs answer for this host's name" },
      limit: 3000,
      commands: () => ["ss -lnup 'sport = 5353'"],
      gather: async () => findHolders(),
      judge: judgeHolders,
    }),
    check<readonly Offset[]>({
      id: "clock",
      title: "Do the clocks agree?",
      codes: { "CLOCK-SKEW": `clocks differ by more than ${skewMax} s` },
      limit: 8000,
      commands: ({ zone, server }) => [
        "timedatectl",
        `dig @${server} ${zone} SOA +cookie   (bytes 5 to 8 of the server's half: seconds since 1970)`,
      ],
      gather: gatherClock,
      judge: judgeClock,
    }),
  ],
};
