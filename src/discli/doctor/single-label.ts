// Names without a dot: Windows takes them for names of its own network (NetBIOS,
// LLMNR) and does not ask the DNS, unless a suffix is put behind them.

import { displayName } from "../../wire/name.js";
import { plainWord } from "../shell-words.js";
import { check } from "./check.js";
import { pass, skip, type Verdict, warn } from "./verdict.js";

export interface LabelEvidence {
  /** As people read it; undefined: nobody named one. */
  readonly zone: string | undefined;
  readonly labels: number;
  /** What is put behind names without a dot, in order. */
  readonly suffixes: readonly string[];
}

export function judgeLabels({ zone, labels, suffixes }: LabelEvidence): Verdict {
  if (zone === undefined) return skip("no zone is known", ["give one: --zone ZONE"]);
  const list = suffixes.length === 0 ? "none" : suffixes.join(", ");
  const evidence = [`suffixes that are put behind such names: ${list}`];
  if (labels !== 1) return pass("the name of the zone has a dot in it", evidence);
  const better = `${zone}.${suffixes[0] ?? "home.arpa"}`;
  const remedy = [
    `serve it as ${better} as well: zones and records, or aliases, in discd.lua`,
    `until then a final dot works: ping ${plainWord(`${zone}.`)}`,
  ];
  const text = `single-label names fail on Windows; use ${better}`;
  return warn("SINGLE-LABEL", text, remedy, evidence);
}

export const labelCheck = check<LabelEvidence>({
  id: "single-label",
  title: "Has the name of the zone a dot in it, as Windows wants?",
  codes: { "SINGLE-LABEL": "the zone's name is a single label, which Windows does not ask for" },
  limit: 1000,
  commands: ({ zone }) => ["grep -E 'search|domain' /etc/resolv.conf", `dig ${zone}. +nosearch`],
  gather: async ({ parts: { zone, resolver } }) => ({
    zone: zone && displayName(zone),
    labels: zone?.labels.length ?? 0,
    suffixes: resolver.search.map(displayName),
  }),
  judge: judgeLabels,
});
