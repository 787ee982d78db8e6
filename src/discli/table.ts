// The commands of discli, in the order of --help. To add one: a file below
// commands/ that exports `run`, and a row here; its options, where it has any,
// stand in options.ts. Help and completion follow.

import { type AnyCommand, command } from "./command.js";
import {
  apiOptions,
  browseOptions,
  delegationPrintOptions,
  delegationVerifyOptions,
  doctorOptions,
  leakcheckOptions,
  policyTestOptions,
  statsOptions,
  tsigPolicyOptions,
  updateAuditOptions,
  watchResolversOptions,
} from "./options.js";

const domain = { name: "DOMAIN", need: "optional", offer: "zone" } as const;

/** What `show` shows. */
export const shown = [
  "interfaces",
  "zones",
  "domains",
  "services",
  "hosts",
  "subscriptions",
  "questions",
  "updates",
  "packets",
  "config",
  "summary",
] as const;

const shells = ["bash", "zsh", "fish"] as const;

export const commands: readonly AnyCommand[] = [
  command({
    name: "browse",
    words: [{ name: "TYPE", need: "optional", offer: "type" }, domain],
    help: "service instances of a type; without TYPE the types",
    details: [
      "Without DOMAIN, the domains are browsed that the search domains of /etc/resolv.conf name.",
    ],
    options: browseOptions,
    load: () => import("./commands/browse.js"),
  }),
  command({
    name: "resolve",
    words: [{ name: "INSTANCE", need: "one", offer: "instance" }],
    help: "where a service is, and what it says of itself",
    options: {},
    load: () => import("./commands/resolve.js"),
  }),
  command({
    name: "query",
    words: [
      { name: "NAME", need: "one", offer: "zone" },
      { name: "TYPE", need: "optional", offer: "rrtype" },
    ],
    help: "one question, any type (default A)",
    options: {},
    load: () => import("./commands/query.js"),
  }),
  command({
    name: "domains",
    words: [domain],
    help: "the browse and registration domains: b, lb, db, r, dr",
    options: {},
    load: () => import("./commands/domains.js"),
  }),
  command({
    name: "show",
    words: [
      { name: "WHAT", need: "one", offer: shown },
      { name: "KEY=VALUE", need: "any", offer: "filter" },
    ],
    help: "what a running discd knows, picked by KEY=VALUE",
    details: [
      "packets goes on until Ctrl-C. A key that does not exist is told with those that do.",
    ],
    options: apiOptions,
    load: () => import("./commands/show.js"),
  }),
  command({
    name: "reload",
    words: [],
    help: "let discd read its configuration again",
    options: apiOptions,
    load: () => import("./commands/reload.js"),
  }),
  command({
    name: "refresh",
    words: [],
    help: "let discd learn from the DNS, and ask its links, anew",
    options: apiOptions,
    load: () => import("./commands/refresh.js"),
  }),
  command({
    name: "stats",
    words: [],
    help: "queries, cache hits, outstanding requests, memory, as in /metrics",
    options: statsOptions,
    load: () => import("./commands/stats.js"),
  }),
  command({
    name: "health",
    words: [{ name: "ZONE", need: "optional", offer: "zone" }],
    help: "whether discd answers real questions: exit status 0 or 2",
    options: apiOptions,
    load: () => import("./commands/health.js"),
  }),
  command({
    name: "watch-resolvers",
    words: [
      { name: "SERVER", need: "one" },
      { name: "SERVER", need: "any" },
    ],
    help: "which of some servers is slow, silent or failing",
    details: [
      "A server is flagged when 5 % of the last minute's questions go wrong, or when it is slow.",
      "exit status: 0 none is flagged, 1 one is, 2 none answers",
    ],
    options: watchResolversOptions,
    load: () => import("./commands/watch-resolvers.js"),
  }),
  command({
    name: "policy test",
    words: [
      { name: "NAME", need: "one", offer: "zone" },
      { name: "TYPE", need: "optional", offer: "rrtype" },
    ],
    help: "which rule decides what a client is answered (default PTR)",
    options: policyTestOptions,
    load: () => import("./commands/policy-test.js"),
  }),
  command({
    name: "delegation print",
    words: [{ name: "DOMAIN", need: "one", offer: "zone" }],
    help: "the records that the zone DOMAIN needs, from discd.lua",
    options: delegationPrintOptions,
    load: () => import("./commands/delegation-print.js"),
  }),
  command({
    name: "delegation verify",
    words: [{ name: "DOMAIN", need: "one", offer: "zone" }],
    help: "what is wrong on the way to the zones in DOMAIN, and what mends it",
    details: [
      "--server names the server of the zone above; without it the way begins at the root.",
      "exit status: 0 all is well, 1 a warning, 2 something fails, 3 no delegation could be looked at",
    ],
    options: delegationVerifyOptions,
    load: () => import("./commands/delegation-verify.js"),
  }),
  command({
    name: "update audit",
    words: [{ name: "ZONE", need: "one", offer: "zone" }],
    help: "who is behind the records of a zone that discd publishes into",
    details: [
      "Reads the zone by a transfer, and the state file of discd where it may (as root).",
      "--server names the primary; default: that of discd.lua, else the SOA record's.",
      "exit status: 0 all have somebody, 1 some have nobody, 2 failed, 3 no transfer was to be had",
    ],
    options: updateAuditOptions,
    load: () => import("./commands/update-audit.js"),
  }),
  command({
    name: "tsig-policy",
    words: [],
    help: "what a server has to allow for mode 'update': key, names, types",
    details: [
      "For zones that discd publishes by discd.lua; docs/update-mode.md explains the rules.",
    ],
    options: tsigPolicyOptions,
    load: () => import("./commands/tsig-policy.js"),
  }),
  command({
    name: "doctor",
    words: [],
    help: "find out whose fault it is: this system, the way, discd, the resolver",
    details: [
      "Stage after stage, to the first that fails. --server is discd's address, or several with",
      "commas between them; default: where the NS records of the zone lead.",
      "exit status: 0 no fault, 1 a warning, 2 a fault, 3 could not be tested",
    ],
    options: doctorOptions,
    load: () => import("./commands/doctor.js"),
  }),
  command({
    name: "leakcheck",
    words: [],
    help: "whether names of a zone leave this host by the interface that is meant",
    details: [
      "Names that nobody has asked for are looked up as programs on this host do it, and every",
      "interface is watched; that takes the right CAP_NET_RAW (sudo). Encrypted DNS cannot be read.",
      "Exit status: 0 seen on IF alone, 2 seen elsewhere, 3 seen nowhere, or not testable.",
    ],
    options: leakcheckOptions,
    load: () => import("./commands/leakcheck.js"),
  }),
  command({
    name: "airprint-check",
    words: [{ name: "PRINTER|DOMAIN", need: "optional", offer: "zone" }],
    help: "whether iPhones list the printers of a domain, and what is missing",
    details: [
      "A printer is written NAME._ipp._tcp.DOMAIN. Without a word, the domains are looked at that",
      "the search domains of /etc/resolv.conf name.",
      "Exit status: 0 all are listed and can be reached, 1 no printer, or a doubt, 2 something is missing.",
    ],
    options: {},
    load: () => import("./commands/airprint-check.js"),
  }),
  command({
    name: "completion",
    words: [{ name: "SHELL", need: "one", offer: shells }],
    help: "a script that completes command lines: source <(discli completion bash)",
    options: {},
    load: () => import("./commands/completion.js"),
  }),
  command({
    name: "complete",
    isHidden: true,
    words: [
      { name: "SHELL", need: "one", offer: shells },
      { name: "WORD", need: "any" },
    ],
    help: "what may come next, for the scripts of completion",
    options: {},
    load: () => import("./commands/complete.js"),
  }),
];
