// Types kept asked for on one link, so that a first query is complete at once:
// a watch without a client (RFC 8766 §5.6 knows only the ones that clients
// cause; the operator is the client here). A type leads to its instances, an
// instance to its SRV and TXT, an SRV to its target's addresses; each is
// watched for as long as something leads to it.

import type { Counts } from "../counts.js";
import type { Change, Link, LinkQuestion, WatchId } from "../mdns/link.js";
import type { ServiceRules } from "../proxy/options.js";
import { isHidden } from "../proxy/services.js";
import type { Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import { isWithin, labelText, type Name, nameOf } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { LinkConfig } from "./config.js";

const local = nameOf(["local"]);
const typesName = nameOf(["_services", "_dns-sd", "_udp", "local"]);

/** Part of a link's questions that warm types may take; clients need the rest. */
const warmShare = 3 / 4;

/** What the RRs of a watched question lead to. */
type Role = "types" | "instances" | "host" | "leaf";

interface Warmed {
  readonly question: LinkQuestion;
  readonly role: Role;
  readonly watch: WatchId;
  /** How many RRs, or settings, lead here. */
  wanted: number;
  /** Targets of its live RRs, by key. */
  readonly targets: Map<string, Name>;
}

export class Warm {
  readonly #link: Link;
  readonly #counts: Counts;
  readonly #watched = new Map<string, Warmed>();
  #roots: readonly (readonly [Role, LinkQuestion])[] = [];
  #rules: ServiceRules | undefined;
  #watchedMax = 0;

  constructor(link: Link, counts: Counts) {
    this.#link = link;
    this.#counts = counts;
  }

  /** Questions kept alive. */
  get size(): number {
    return this.#watched.size;
  }

  /** Types that no client may see are not asked for, warm or not. */
  configure(now: Instant, config: LinkConfig): void {
    const { warm: types, mdns, served } = config;
    this.#watchedMax = Math.floor(mdns.questionsMax * warmShare);
    let before = this.#roots;
    if (JSON.stringify(this.#rules) !== JSON.stringify(served?.services)) {
      // Every type is judged anew.
      this.#rules = served?.services;
      for (const [, question] of before) this.#release(now, question);
      before = [];
    }
    this.#roots =
      types === true
        ? [["types", { name: typesName, type: RRType.PTR }]]
        : types.map((type) => ["instances", { name: typeName(type), type: RRType.PTR }]);
    // First take, then release: what is in both lists stays asked for throughout.
    for (const [role, question] of this.#roots) this.#want(now, role, question);
    for (const [, question] of before) this.#release(now, question);
  }

  changed(now: Instant, changes: readonly Change[]): void {
    if (this.#watched.size === 0) return;
    for (const change of changes) {
      if (change.kind === "deny") continue;
      const { rr } = change;
      const warmed = this.#watched.get(questionKey(rr.name, rr.type));
      const target = warmed === undefined ? undefined : targetOf(rr);
      if (warmed === undefined || target === undefined) continue;
      if (change.kind === "add") this.#leadsTo(now, warmed, target);
      else if (!this.#stillLeadsTo(now, warmed, target)) this.#leadsNoMore(now, warmed, target);
    }
  }

  #leadsTo(now: Instant, warmed: Warmed, target: Name): void {
    if (warmed.targets.has(target.key) || !isWithin(target, local)) return;
    warmed.targets.set(target.key, target);
    for (const [role, question] of below(warmed.role, target)) this.#want(now, role, question);
  }

  #leadsNoMore(now: Instant, warmed: Warmed, target: Name): void {
    if (!warmed.targets.delete(target.key)) return;
    for (const [, question] of below(warmed.role, target)) this.#release(now, question);
  }

  /** Two SRVs of one name may share a target; two PTRs of one name never do. */
  #stillLeadsTo(now: Instant, warmed: Warmed, target: Name): boolean {
    if (warmed.question.type !== RRType.SRV) return false;
    const { name, type } = warmed.question;
    return this.#link.find(now, name, type).some(({ rr }) => targetOf(rr)?.key === target.key);
  }

  #want(now: Instant, role: Role, question: LinkQuestion): void {
    if (this.#rules !== undefined && isHidden(this.#rules, question.name)) return;
    const key = questionKey(question.name, question.type);
    const known = this.#watched.get(key);
    if (known !== undefined) {
      known.wanted += 1;
      return;
    }
    const isFull = this.#watched.size >= this.#watchedMax;
    const watch = isFull
      ? undefined
      : this.#link.watch(now, question, { kind: "standing", client: "" });
    if (watch === undefined) {
      this.#counts.add("limits", "warm");
      return;
    }
    const warmed: Warmed = { question, role, watch, wanted: 1, targets: new Map() };
    this.#watched.set(key, warmed);
    if (role === "leaf") return;
    for (const { rr } of this.#link.find(now, question.name, question.type)) {
      const target = targetOf(rr);
      if (target !== undefined) this.#leadsTo(now, warmed, target);
    }
  }

  #release(now: Instant, question: LinkQuestion): void {
    const key = questionKey(question.name, question.type);
    const warmed = this.#watched.get(key);
    if (warmed === undefined) return;
    warmed.wanted -= 1;
    if (warmed.wanted > 0) return;
    this.#watched.delete(key);
    this.#link.unwatch(now, warmed.watch);
    for (const target of warmed.targets.values()) this.#leadsNoMore(now, warmed, target);
  }
}

const questionKey = (name: Name, type: number) => `${type} ${name.key}`;

/** `_ipp._tcp` as asked on a link. */
function typeName(type: string): Name {
  return nameOf([...type.split(".").map(labelText), "local"]);
}

function targetOf(rr: RR): Name | undefined {
  return rr.rdata.kind === "ptr" || rr.rdata.kind === "srv" ? rr.rdata.target : undefined;
}

/** The questions that one target of a watched question leads to. */
function below(role: Role, target: Name): readonly (readonly [Role, LinkQuestion])[] {
  switch (role) {
    case "types":
      return [["instances", { name: target, type: RRType.PTR }]];
    case "instances":
      return [
        ["host", { name: target, type: RRType.SRV }],
        ["leaf", { name: target, type: RRType.TXT }],
      ];
    case "host":
      return [
        ["leaf", { name: target, type: RRType.A }],
        ["leaf", { name: target, type: RRType.AAAA }],
      ];
    case "leaf":
      return [];
  }
}
