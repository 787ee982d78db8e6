// Asks one link for everything it has: types, their instances, what an instance
// needs, and the addresses of its hosts, each for as long as something leads to
// it. Lists of instances that no list leads to, as those of subtypes, are taken up
// when one is heard (mdns/heeding.ts), or was published before, and asked for like
// the others. The link core keeps the answers fresh at 80, 85, 90 and 95 % of their
// life, since each question here is a standing one. What is fit to be published of
// all this is inventory.ts's.

import type { Counts } from "../counts.js";
import { isServiceList } from "../mdns/heeding.js";
import type { Change, Link, LinkQuestion, WatchId } from "../mdns/link.js";
import { isLocalName } from "../proxy/rewrite.js";
import { typeOf } from "../proxy/services.js";
import type { Duration, Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import { foldLabel, type Name, nameOf } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { heardListsMax, subtypesMax } from "./limits.js";

export const typesName = nameOf(["_services", "_dns-sd", "_udp", "local"]);

/** Subtypes asked for without being heard: AirPrint's, and that of printers' web pages. */
const knownSubtypes: ReadonlyMap<string, string> = new Map([
  ["_ipp._tcp", "_universal"],
  ["_ipps._tcp", "_universal"],
  ["_http._tcp", "_printer"],
]);

type Role = "types" | "instances" | "srv" | "leaf";

interface Asked {
  readonly question: LinkQuestion;
  readonly role: Role;
  watch: WatchId | undefined;
  /** How many RRs lead here. */
  wanted: number;
  /** What it leads to: the PTR or SRV by the key of its target. */
  readonly targets: Map<string, RR>;
  /** Keys of instances that this question has a part in; a host serves several. */
  readonly instances: Map<string, Name>;
  /** A list that was heard: nothing leads here but what it says itself. */
  isHeard: boolean;
  /** It was heard, and had nothing to say at the last sweep. */
  wasEmpty: boolean;
}

export class Enumeration {
  readonly #link: Link;
  readonly #counts: Counts;
  readonly #isWanted: (type: Name) => boolean;
  readonly #asked = new Map<string, Asked>();
  /** Those of them that list instances. */
  readonly #lists = new Set<Asked>();
  #heardLists = 0;
  /** Instances that something has changed for. */
  #touched = new Map<string, Name>();

  /** @param isWanted  whether instances of a type are to be looked for */
  constructor(link: Link, isWanted: (type: Name) => boolean, counts: Counts) {
    this.#link = link;
    this.#isWanted = isWanted;
    this.#counts = counts;
  }

  /** Questions kept alive. */
  get size(): number {
    return this.#asked.size;
  }

  /** Names of lists that were heard, and led to by nothing. */
  get heardLists(): readonly Name[] {
    return [...this.#lists].filter(({ isHeard }) => isHeard).map(({ question }) => question.name);
  }

  /** @param lists  names that listed services before, most precious first: asked for as if heard */
  start(now: Instant, lists: readonly Name[] = []): void {
    this.#link.heedLists(1);
    this.#want(now, "types", { name: typesName, type: RRType.PTR }, undefined);
    for (const name of lists) {
      if (this.#heardLists >= heardListsMax) {
        this.#counts.add("limits", "heard-lists");
        break;
      }
      if (isServiceList(name) && this.#isWanted(name)) this.#takeUp(now, name);
    }
  }

  stop(now: Instant): void {
    this.#link.heedLists(-1);
    this.#heardLists = 0;
    for (const { watch } of this.#asked.values()) {
      if (watch !== undefined) this.#link.unwatch(now, watch);
    }
    this.#asked.clear();
    this.#lists.clear();
  }

  /**
   * Asks anew for the types and for the instances of each, as at the start (UP-48); not for what
   * somebody, or another inventory of this link, has begun to ask less than `spacing` ago.
   */
  sweep(now: Instant, spacing: Duration): void {
    for (const asked of this.#asked.values()) {
      // Where there was no room before, there may be by now.
      asked.watch ??= this.#watch(now, asked.question);
      if (asked.role !== "types" && asked.role !== "instances") continue;
      const isEmpty = asked.isHeard && asked.targets.size === 0;
      if (isEmpty && asked.wasEmpty) this.#forget(now, asked);
      asked.wasEmpty = isEmpty;
      this.#link.askAnew(now, asked.question, spacing);
    }
  }

  changed(now: Instant, changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === "deny") continue;
      const { rr } = change;
      const asked = this.#asked.get(questionKey(rr));
      if (asked === undefined) {
        if (change.kind === "add") this.#hear(now, rr);
        continue;
      }
      this.#touch(asked);
      const target = targetOf(rr);
      if (target === undefined || asked.role === "leaf") continue;
      if (change.kind === "add") this.#leadsTo(now, asked, rr, target);
      else if (!this.#stillLeadsTo(now, asked, target)) this.#leadsNoMore(now, asked, target);
    }
  }

  /** Takes up a list of a type or a subtype that nothing has led to. */
  #hear(now: Instant, rr: RR): void {
    const { name, rdata } = rr;
    if (rdata.kind !== "ptr" || !isServiceList(name) || !this.#isWanted(name)) return;
    if (!isInstanceOf(rdata.target, name)) return;
    if (this.#heardLists >= heardListsMax) {
      const idle = [...this.#lists].find((one) => one.isHeard && one.targets.size === 0);
      if (idle === undefined) {
        this.#counts.add("limits", "heard-lists");
        return;
      }
      this.#forget(now, idle);
    }
    this.#takeUp(now, name);
  }

  #takeUp(now: Instant, name: Name): void {
    if (this.#asked.get(questionKey({ name, type: RRType.PTR }))?.isHeard === true) return;
    const list = this.#want(now, "instances", { name, type: RRType.PTR }, undefined);
    list.isHeard = true;
    this.#heardLists += 1;
  }

  #forget(now: Instant, list: Asked): void {
    list.isHeard = false;
    this.#heardLists -= 1;
    this.#release(now, list.question, list);
  }

  /**
   * The PTRs that list an instance at the moment: that of its type, then those of subtypes.
   * Without the first there is none.
   */
  listing(instance: Name): RR[] {
    const type = nameOf(instance.labels.slice(1));
    const own = this.#asked.get(questionKey({ name: type, type: RRType.PTR }));
    const base = own?.targets.get(instance.key);
    if (own === undefined || base === undefined) return [];
    const found: RR[] = [base];
    for (const list of this.#lists) {
      const rr = list === own ? undefined : list.targets.get(instance.key);
      if (rr === undefined) continue;
      if (found.length > subtypesMax) {
        this.#counts.add("limits", "subtypes");
        break;
      }
      found.push(rr);
    }
    return found;
  }

  /** Instances to be looked at again; drains them. */
  takeTouched(): readonly Name[] {
    const touched = [...this.#touched.values()];
    this.#touched.clear();
    return touched;
  }

  #touch(asked: Asked): void {
    for (const [key, name] of asked.instances) this.#touched.set(key, name);
  }

  #leadsTo(now: Instant, asked: Asked, rr: RR, target: Name): void {
    if (!this.#isFollowed(asked, target)) return;
    const isKnown = asked.targets.has(target.key);
    asked.targets.set(target.key, rr);
    if (isKnown) return;
    if (asked.role === "instances") this.#touched.set(target.key, target);
    for (const [role, question] of below(asked.role, target)) {
      const instance = asked.role === "instances" ? [target] : [...asked.instances.values()];
      for (const one of asked.role === "types" ? [undefined] : instance) {
        this.#want(now, role, question, one);
      }
    }
  }

  #isFollowed(asked: Asked, target: Name): boolean {
    if (!isLocalName(target)) return false;
    if (asked.role === "types") return isType(target) && this.#isWanted(target);
    return asked.role !== "instances" || isInstanceOf(target, asked.question.name);
  }

  #leadsNoMore(now: Instant, asked: Asked, target: Name): void {
    if (!asked.targets.delete(target.key)) return;
    if (asked.role === "instances") this.#touched.set(target.key, target);
    for (const [, question] of below(asked.role, target)) {
      if (asked.role === "types" && this.#keepsItself(question)) continue;
      const times = asked.role === "srv" ? asked.instances.size : 1;
      for (let left = times; left > 0; left--) this.#release(now, question, asked);
    }
  }

  /** A list that is not empty is of use though its type is not listed any more. */
  #keepsItself(question: LinkQuestion): boolean {
    const list = this.#asked.get(questionKey(question));
    if (list === undefined || list.isHeard || list.targets.size === 0) return false;
    list.isHeard = true;
    this.#heardLists += 1;
    return true;
  }

  /** Two SRVs of one instance may share a target. */
  #stillLeadsTo(now: Instant, asked: Asked, target: Name): boolean {
    const { name, type } = asked.question;
    return this.#link.find(now, name, type).some(({ rr }) => targetOf(rr)?.key === target.key);
  }

  #want(now: Instant, role: Role, question: LinkQuestion, instance: Name | undefined): Asked {
    const key = questionKey(question);
    let asked = this.#asked.get(key);
    const isNew = asked === undefined;
    if (asked === undefined) {
      const watch = this.#watch(now, question);
      const [targets, instances] = [new Map<string, RR>(), new Map<string, Name>()];
      asked = { question, role, watch, wanted: 0, targets, instances, ...unheard };
      this.#asked.set(key, asked);
      if (role === "instances") this.#lists.add(asked);
    }
    asked.wanted += 1;
    if (instance !== undefined) asked.instances.set(instance.key, instance);
    if (!isNew || role === "leaf") return asked;
    for (const { rr } of this.#link.find(now, question.name, question.type)) {
      const target = targetOf(rr);
      if (target !== undefined) this.#leadsTo(now, asked, rr, target);
    }
    return asked;
  }

  #watch(now: Instant, question: LinkQuestion): WatchId | undefined {
    const watch = this.#link.watch(now, question, interest);
    if (watch === undefined) this.#counts.add("limits", "enumeration");
    return watch;
  }

  #release(now: Instant, question: LinkQuestion, from: Asked): void {
    const key = questionKey(question);
    const asked = this.#asked.get(key);
    if (asked === undefined) return;
    asked.wanted -= 1;
    if (asked.wanted > 0) {
      if (from.role === "srv") for (const one of from.instances.keys()) asked.instances.delete(one);
      return;
    }
    this.#asked.delete(key);
    this.#lists.delete(asked);
    if (asked.watch !== undefined) this.#link.unwatch(now, asked.watch);
    for (const rr of [...asked.targets.values()]) {
      const target = targetOf(rr);
      if (target !== undefined) this.#leadsNoMore(now, asked, target);
    }
  }
}

const questionKey = ({ name, type }: LinkQuestion) => `${type} ${name.key}`;

/** We ask for everything, for as long as there is somebody to publish it for. */
const interest = { kind: "standing", client: "", takesUnicast: true, takesHeld: true } as const;

const unheard = { isHeard: false, wasEmpty: false } as const;

/** An instance of another type, listed here, is somebody's mistake or worse. */
function isInstanceOf(target: Name, list: Name): boolean {
  return target.labels.length === 4 && typeOf(target) === typeOf(list);
}

function isType(name: Name): boolean {
  return name.labels.length === 3 && typeOf(name) !== undefined;
}

function targetOf(rr: RR): Name | undefined {
  return rr.rdata.kind === "ptr" || rr.rdata.kind === "srv" ? rr.rdata.target : undefined;
}

/** The questions that one target of a question leads to. */
function below(role: Role, target: Name): readonly (readonly [Role, LinkQuestion])[] {
  switch (role) {
    case "types": {
      const own = ["instances", { name: target, type: RRType.PTR }] as const;
      const subtype = knownSubtypes.get(target.labels.slice(0, 2).map(foldLabel).join("."));
      if (subtype === undefined) return [own];
      const name = nameOf([subtype, "_sub", ...target.labels]);
      return [own, ["instances", { name, type: RRType.PTR }]];
    }
    case "instances":
      return [
        ["srv", { name: target, type: RRType.SRV }],
        ["leaf", { name: target, type: RRType.TXT }],
      ];
    case "srv":
      return [
        ["leaf", { name: target, type: RRType.A }],
        ["leaf", { name: target, type: RRType.AAAA }],
      ];
    case "leaf":
      return [];
  }
}
