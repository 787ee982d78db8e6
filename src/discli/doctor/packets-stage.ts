// Stage 5: where packets really go, how large they may be, and whether what was
// found can be reached.

import { check, type Stage } from "./check.js";
import { gatherMtu, judgeMtu, type PathFacts } from "./mtu.js";
import { gatherOnPath, judgeOnPath, type OnPathEvidence } from "./on-path.js";
import { gatherServices, judgeServices, type ServiceAddress } from "./service-route.js";

export const packetsStage: Stage = {
  id: "packets",
  title: "where do the packets really go, and do large ones arrive?",
  checks: [
    check<OnPathEvidence>({
      id: "on-path",
      title: "By which interface do queries leave and answers come?",
      codes: {
        "OFF-PATH": "queries leave by another interface than they should",
        "NO-REPLY": "queries leave and nothing comes back",
      },
      limit: 6000,
      commands: ({ server, interface: dev }) => [`tcpdump -ni ${dev} port 53 and host ${server}`],
      gather: gatherOnPath,
      judge: judgeOnPath,
    }),
    check<readonly PathFacts[]>({
      id: "mtu",
      title: "Do packets of the size that DNS uses arrive?",
      codes: {
        "MTU-BLACKHOLE": "large packets vanish without a word",
        "SMALL-MTU": "answers of the size that discd states would be fragmented",
      },
      limit: 6000,
      commands: ({ zone, server }) => [
        `ping -M do -s 1472 ${server}   (1,500 bytes; smaller until it passes)`,
        `dig @${server} ${zone} SOA +norecurse +bufsize=1232`,
        `ip route get ${server}   (mtu: what a router has told)`,
      ],
      gather: gatherMtu,
      judge: judgeMtu,
    }),
    check<readonly ServiceAddress[]>({
      id: "service-route",
      title: "Can the services be reached that the zone names?",
      codes: {
        "SERVICE-UNROUTED": "the name resolves, and there is no way to its address",
        "SERVICE-SILENT": "one device does not answer, others of its network do",
      },
      limit: 9000,
      commands: ({ zone, server }) => [
        `discli --server ${server} browse ${zone}; discli --server ${server} resolve INSTANCE`,
        "ip route get ADDRESS",
        "nc -zv ADDRESS PORT",
      ],
      gather: gatherServices,
      judge: judgeServices,
    }),
  ],
};
