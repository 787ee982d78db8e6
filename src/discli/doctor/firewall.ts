// Rules of this host's firewall about the ports of DNS and multicast DNS, with
// their counters, as nftables has them (iptables-nft among them).

import { runProgram } from "./programs.js";
import { pass, skip, type Verdict, warn } from "./verdict.js";

/** DNS, DNS over TLS and Push, LLQ, multicast DNS. */
export const watchedPorts = [53, 853, 5352, 5353] as const;

export interface Rule {
  /** `inet filter input`. */
  readonly chain: string;
  readonly ports: readonly number[];
  readonly verdict: string;
  /** Undefined: the rule counts nothing, and may never have matched. */
  readonly packets: number | undefined;
}

export interface FirewallEvidence {
  /** Why rules could not be read. */
  readonly reason?: string;
  readonly rules: readonly Rule[];
}

const isDropping = ({ verdict }: Rule): boolean => /^(drop|reject)$/.test(verdict);

const ruleText = ({ chain, ports, verdict, packets }: Rule): string => {
  const count = packets === undefined ? "has no counter" : `${packets} packets`;
  return `${chain}: port ${ports.join(", ")} ${verdict}, ${count}`;
};

export function judgeFirewall({ reason, rules }: FirewallEvidence): Verdict {
  const command = "as root: nft list ruleset | grep -E 'dport.*(53|853|5352|5353)'";
  if (reason !== undefined) return skip(reason, [command]);
  const evidence = rules.map(ruleText);
  const dropping = rules.filter(isDropping);
  const first = dropping.find(({ packets = 0 }) => packets > 0);
  if (first === undefined) {
    const isUncounted = dropping.some(({ packets }) => packets === undefined);
    const text = isUncounted ? "no rule is known to have dropped any" : "no rule has dropped any";
    return pass(rules.length === 0 ? "no rule is about these ports" : text, evidence);
  }
  const text = `${first.chain} drops packets of port ${first.ports.join(", ")}`;
  const remedy = [
    `nft -a list chain ${first.chain} shows the rule's handle; nft delete rule ${first.chain} handle N`,
  ];
  return warn("FIREWALL-DROPS", text, remedy, evidence);
}

type Json = { readonly [key: string]: unknown };

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** Elements of named sets by `@name`, as rules refer to them. */
type Sets = ReadonlyMap<string, unknown>;

/** Whether a right side of a match, a number, a range or a set, holds the port. */
function holds(right: unknown, port: number, sets: Sets): boolean {
  if (typeof right === "number") return right === port;
  if (typeof right === "string") {
    const elements = sets.get(right);
    return Array.isArray(elements) && holds(elements, port, noSets);
  }
  if (Array.isArray(right)) return right.some((one) => holds(one, port, sets));
  if (!isObject(right)) return false;
  const { range, set } = right;
  if (Array.isArray(range)) return Number(range[0]) <= port && port <= Number(range[1]);
  return set !== undefined && holds(set, port, sets);
}

const noSets: Sets = new Map();

/** Ports of ours that a rule is about. */
function portsOf(expressions: readonly unknown[], sets: Sets): number[] {
  const rights = expressions.flatMap((one) => {
    const match = isObject(one) && isObject(one.match) ? one.match : undefined;
    const payload = isObject(match?.left) && isObject(match.left.payload) ? match.left.payload : {};
    const isPort = payload.field === "dport" || payload.field === "sport";
    return isPort && match?.op !== "!=" ? [match?.right] : [];
  });
  return watchedPorts.filter((port) => rights.some((right) => holds(right, port, sets)));
}

function verdictOf(expressions: readonly unknown[]): string | undefined {
  for (const one of expressions) {
    if (!isObject(one)) continue;
    const found = ["accept", "drop", "reject", "jump", "goto", "queue", "dnat", "redirect"].find(
      (word) => Object.hasOwn(one, word),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function packetsOf(expressions: readonly unknown[]): number | undefined {
  for (const one of expressions) {
    if (isObject(one) && isObject(one.counter)) return Number(one.counter.packets ?? 0);
  }
  return undefined;
}

/** @param text  of `nft -j list ruleset` */
export function readRules(text: string): Rule[] {
  const parsed: unknown = JSON.parse(text);
  const all = isObject(parsed) && Array.isArray(parsed.nftables) ? parsed.nftables : [];
  const sets = new Map(
    all.flatMap((one): [string, unknown][] => {
      const set = isObject(one) && isObject(one.set) ? one.set : undefined;
      return set === undefined ? [] : [[`@${set.name}`, set.elem]];
    }),
  );
  return all.flatMap((one): Rule[] => {
    const rule = isObject(one) && isObject(one.rule) ? one.rule : undefined;
    const expressions = Array.isArray(rule?.expr) ? rule.expr : [];
    const ports = portsOf(expressions, sets);
    const verdict = verdictOf(expressions);
    if (rule === undefined || ports.length === 0 || verdict === undefined) return [];
    const chain = [rule.family, rule.table, rule.chain].join(" ");
    return [{ chain, ports, verdict, packets: packetsOf(expressions) }];
  });
}

export async function gatherFirewall(): Promise<FirewallEvidence> {
  const ran = await runProgram("nft", ["-j", "list", "ruleset"]);
  if (ran === undefined) return { reason: "the program nft is not there", rules: [] };
  if (ran.status !== 0) {
    const [line = ""] = ran.err.trim().split("\n");
    return { reason: `rules cannot be read: ${line}`, rules: [] };
  }
  try {
    return { rules: readRules(ran.out) };
  } catch {
    return { reason: "what nft prints cannot be read", rules: [] };
  }
}
