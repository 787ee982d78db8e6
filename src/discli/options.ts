// The options of each command. They stand apart from table.ts because the types of
// what a command is given are made of them.

import type { Options, Text } from "./command.js";

/** Where discd.lua is read. */
const config = {
  kind: "text",
  value: "FILE",
  short: "c",
  offer: "file",
  help: "where discd.lua is; default /etc/discd.lua",
} as const satisfies Text;

export const browseOptions = {
  watch: {
    kind: "flag",
    help: "go on until Ctrl-C: a line with + for what comes, - for what goes",
  },
  ca: {
    kind: "text",
    value: "FILE",
    offer: "file",
    help: "with --watch: authorities that vouch for servers of Push (PEM)",
  },
  pin: {
    kind: "texts",
    value: "PIN",
    help: "the same: sha256/BASE64 of a public key, or SHA-256 of a certificate",
  },
  "no-push": { kind: "flag", help: "with --watch: do without Push" },
  "no-llq": { kind: "flag", help: "with --watch: do without long-lived queries" },
} as const satisfies Options;

/** Who keeps the zone above; each has words of its own. */
export const delegationForms = ["bind", "knot", "powerdns", "powershell", "route53"] as const;

/** In whose words. */
const form = {
  kind: "text",
  value: "FORM",
  offer: delegationForms,
  help: "for whom (default bind)",
} as const satisfies Text;

/** Of whatever asks discd itself. */
export const apiOptions = {
  ca: {
    kind: "text",
    value: "FILE",
    offer: "file",
    help: "with --api https://…: authorities that vouch for discd (PEM)",
  },
  pin: {
    kind: "texts",
    value: "PIN",
    help: "the same: sha256/BASE64 of its public key, or SHA-256 of its certificate",
  },
} as const satisfies Options;

export const statsOptions = {
  multicast: { kind: "flag", help: "per interface: packets sent by multicast, and saved" },
  ...apiOptions,
} as const satisfies Options;

export const policyTestOptions = {
  client: { kind: "text", value: "ADDR", help: "who asks; default: this host" },
  ...apiOptions,
} as const satisfies Options;

/** A file that has to be there only where it is named. */
export const delegationVerifyOptions = {
  config: { ...config, help: "what should be there; default /etc/discd.lua, if there is one" },
  for: { ...form, help: "print what is wanted, for" },
} as const satisfies Options;

export const updateAuditOptions = {
  config,
  key: {
    kind: "text",
    value: "FILE",
    offer: "file",
    help: "the key for transfers, in BIND's syntax; default: that of discd.lua",
  },
  all: { kind: "flag", help: "records that are as they should be, too" },
  ...apiOptions,
} as const satisfies Options;

export const tsigPolicyOptions = {
  config,
  server: {
    kind: "text",
    value: "SERVER",
    offer: ["bind", "knot", "pdns"],
    help: "which server keeps the zones",
  },
  zone: {
    kind: "texts",
    value: "ZONE",
    offer: "zone",
    help: "a zone that names lie in, where discd.lua names none",
  },
  "show-secret": { kind: "flag", help: "print the secret of the key, not a place for it" },
} as const satisfies Options;

export const delegationPrintOptions = {
  config,
  for: form,
} as const satisfies Options;

/** The policy of the site. */
const policy = {
  kind: "text",
  value: "FILE",
  offer: "file",
  help: "what counts as a leak, and whether DNS over HTTPS is allowed",
} as const satisfies Text;

export const doctorOptions = {
  zone: {
    kind: "text",
    value: "ZONE",
    offer: "zone",
    help: "the zone; default: where the search domains lead",
  },
  as: {
    kind: "text",
    value: "WHO",
    offer: ["apple"],
    help: "step by step what this client asks, by the system's resolver",
  },
  all: { kind: "flag", help: "go on after a stage that fails" },
  explain: {
    kind: "text",
    value: "ID",
    help: "what a check does, and the commands to do it by hand",
  },
  "expect-if": {
    kind: "text",
    value: "IF",
    offer: "interface",
    help: "the interface by which discd should be reached",
  },
  policy,
} as const satisfies Options;

export const leakcheckOptions = {
  if: {
    kind: "text",
    value: "IF",
    offer: "interface",
    help: "the interface that is meant for the zone; every other one is watched",
  },
  zone: { kind: "text", value: "ZONE", offer: "zone", help: "whose names are asked" },
  to: {
    kind: "texts",
    value: "ADDR",
    help: "a server of the zone: its names may reach no other, others not it",
  },
  policy,
  pcap: {
    kind: "text",
    value: "FILE",
    offer: "file",
    help: "where the packets are kept; default a new file in the temporary folder",
  },
} as const satisfies Options;

export const watchResolversOptions = {
  name: { kind: "text", value: "NAME", help: "what is asked for (default: the root's NS)" },
  type: { kind: "text", value: "TYPE", offer: "rrtype", help: "of which type (default A)" },
  every: { kind: "text", value: "SECONDS", help: "between two questions (default 0.5)" },
  during: { kind: "text", value: "SECONDS", help: "end after this (default: at Ctrl-C)" },
} as const satisfies Options;
