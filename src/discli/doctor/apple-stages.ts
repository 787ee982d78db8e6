// `doctor --as apple`: the steps that an Apple client takes before a service of
// another network is in a list, one stage each, so that a run ends at the first
// that fails.

import {
  type BrowseDomainFacts,
  type BrowseFacts,
  browseDomains,
  browseFacts,
  type PlaceFacts,
  type PushFacts,
  placesOf,
  pushFacts,
  type WalkFacts,
  walkFacts,
} from "./apple-facts.js";
import {
  judgeBrowse,
  judgeBrowseDomains,
  judgeConnect,
  judgePlaces,
  judgePushSrv,
  judgeSession,
  judgeTls,
  judgeWalk,
} from "./apple-judgement.js";
import {
  type ConnectFacts,
  connectFacts,
  type SessionFacts,
  sessionFacts,
  type TlsFacts,
  tlsFacts,
} from "./apple-push.js";
import { type CheckParts, check, type Stage } from "./check.js";

/** A step is a stage of one check, which it is called by. */
const step = <E>(title: string, parts: CheckParts<E>): Stage => ({
  id: parts.id,
  title,
  checks: [check(parts)],
});

const search = step<PlaceFacts>("where does the client look for domains to browse?", {
  id: "search",
  title: "Which search domains and networks has this host?",
  codes: {
    "NO-SEARCH": "there is no search domain, and no IPv4 network",
    "LOCAL-SEARCH": "a search domain is in .local, which is asked by multicast",
    "LOCAL-ZONE": "the zone itself is in .local",
  },
  limit: 1000,
  commands: () => ["grep -E '^(search|domain)' /etc/resolv.conf", "ip -4 -brief address"],
  gather: async (scene) => placesOf(scene),
  judge: judgePlaces,
});

const domains = step<BrowseDomainFacts>("does an lb record name the zone there?", {
  id: "lb",
  title: "Which domains are browsed by apps that name none?",
  codes: {
    "NO-ANSWER": "the system's resolver does not answer",
    "NO-LB": "neither a search domain nor a network's reverse name has an lb record",
    "B-ONLY": "there is a b record, which apps do not ask for, and no lb record",
    "WRONG-SEARCH": "there is an lb record, in a domain that is not searched here",
    "OTHER-DOMAIN": "lb records name other domains",
    "LOCAL-DOMAIN": "lb records name domains in .local alone",
  },
  limit: 12_000,
  commands: () => [
    "dig lb._dns-sd._udp.SEARCH-DOMAIN PTR",
    "dig lb._dns-sd._udp.0.2.0.192.in-addr.arpa PTR   # for 192.0.2.0/24",
  ],
  gather: browseDomains,
  judge: judgeBrowseDomains,
});

const browse = step<readonly BrowseFacts[]>("is a question for services answered?", {
  id: "browse",
  title: "What does the resolver say of services there?",
  codes: {
    "BROWSE-SILENT": "no answer within seven seconds",
    "BROWSE-REFUSED": "an error in place of an answer",
  },
  limit: 22_000,
  commands: ({ zone }) => [`dig _ipp._tcp.${zone} PTR`],
  gather: browseFacts,
  judge: judgeBrowse,
});

const soa = step<readonly WalkFacts[]>("is the zone found, name by name?", {
  id: "soa",
  title: "Whose SOA comes, label after label taken off?",
  codes: {
    "NO-ZONE": "no SOA in any answer, up to the root",
    "ZONE-ABOVE": "the domain is no zone of its own",
  },
  limit: 20_000,
  commands: ({ zone }) => [`dig _ipp._tcp.${zone} SOA`, `dig _tcp.${zone} SOA`, `dig ${zone} SOA`],
  gather: walkFacts,
  judge: judgeWalk,
});

const pushSrv = step<readonly PushFacts[]>("does SRV say where DNS Push is?", {
  id: "push-srv",
  title: "Where is the zone's Push server?",
  codes: {
    "NO-PUSH-SRV": "no SRV record: the client polls",
    "NO-PUSH-ADDRESS": "the host of the SRV record has no address",
  },
  limit: 12_000,
  commands: ({ zone }) => [`dig _dns-push-tls._tcp.${zone} SRV`],
  gather: pushFacts,
  judge: judgePushSrv,
});

const pushTcp = step<readonly ConnectFacts[]>("can the Push server be reached?", {
  id: "push-tcp",
  title: "Does the Push server take connections, and is it on a network of this host?",
  codes: { "PUSH-UNREACHABLE": "no connection to any of its addresses" },
  limit: 8000,
  commands: () => ["nc -zv PUSH-HOST 853"],
  gather: connectFacts,
  judge: judgeConnect,
});

const pushTls = step<readonly TlsFacts[]>("is its certificate trusted?", {
  id: "push-tls",
  title: "Whose certificate is it, for whom, and until when?",
  codes: {
    "NO-TLS": "no handshake",
    "CERT-EXPIRED": "the certificate is not valid now",
    "CERT-NAME": "it names neither the host nor the zone",
    "CERT-UNTRUSTED": "its authority is not known here",
    "SELF-SIGNED": "nobody but itself vouches for it",
  },
  limit: 10_000,
  commands: () => ["openssl s_client -connect PUSH-HOST:853 -alpn dot </dev/null"],
  gather: tlsFacts,
  judge: judgeTls,
});

const pushSession = step<SessionFacts | undefined>("does it take a subscription?", {
  id: "push-session",
  title: "Is a subscription accepted?",
  codes: { "PUSH-REFUSED": "it is not" },
  limit: 10_000,
  commands: ({ zone }) => [`discli browse _ipp._tcp ${zone} --watch --no-llq`],
  gather: sessionFacts,
  judge: judgeSession,
});

export const appleStages: readonly Stage[] = [
  search,
  domains,
  browse,
  soa,
  pushSrv,
  pushTcp,
  pushTls,
  pushSession,
];
