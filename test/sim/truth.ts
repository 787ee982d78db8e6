// What a client elsewhere has to see of a question at this instant, from what a
// link has told: RFC 8766 §5.5 written anew for the checkers. Where the engine
// may know or not, or may have given up early, a record may be seen and need not.

import { type Duration, type Instant, instant } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import type { Name } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { keyOf } from "./copy.js";
import { isLinkLocal } from "./device.js";
import type { Ledger, Told } from "./ledger.js";
import type { PlannedZone, ZoneMap } from "./zones.js";

export interface TruthRules {
  /** By how much the engine's timer may be late. */
  readonly lag: Duration;
  /** A full cache forgets. */
  readonly isFlooded: boolean;
}

/** What is asked, where, and since when the link is asked for it. */
export interface Asked {
  readonly zone: PlannedZone;
  readonly name: Name;
  readonly type: number;
  readonly since: Instant;
}

/** Records by key. */
export interface Expected {
  readonly must: Map<string, RR>;
  readonly may: Map<string, RR>;
}

interface Shown {
  readonly rr: RR;
  readonly key: string;
}

type Maybe = "yes" | "no" | "maybe";

/** Delegation types never leave a link; NSEC is made anew. */
const withheld: readonly number[] = [RRType.NSEC, RRType.SOA, RRType.NS, RRType.DS];

const chainMax = 8;

interface Place {
  readonly owner: Name;
  readonly name: Name;
}

/** One look at one link. */
interface Sight {
  readonly now: Instant;
  readonly zone: PlannedZone;
  readonly ledger: Ledger;
  readonly asked: Asked;
}

export class Truth {
  readonly #zones: ZoneMap;
  readonly #ledgers: ReadonlyMap<string, Ledger>;
  readonly #rules: TruthRules;
  readonly #shownAs = new WeakMap<RR, Map<string, Shown | undefined>>();

  constructor(zones: ZoneMap, ledgers: ReadonlyMap<string, Ledger>, rules: TruthRules) {
    this.#zones = zones;
    this.#ledgers = ledgers;
    this.#rules = rules;
  }

  /** @param isChained  whether what aliases lead to belongs to it, as in answers and LLQs */
  of(now: Instant, asked: Asked, isChained: boolean): Expected {
    const expected: Expected = { must: new Map(), may: new Map() };
    const { zone, name: owner } = asked;
    const ledger = this.#ledgers.get(zone.link);
    const name = this.#zones.toLink(owner)?.name;
    if (ledger === undefined || name === undefined) return expected;
    const sight = { now, zone, ledger, asked };
    this.#look(sight, { owner, name }, true, isChained ? chainMax : 0, expected);
    return expected;
  }

  #look(sight: Sight, place: Place, isSure: boolean, chain: number, expected: Expected): void {
    const { type } = sight.asked;
    const found = this.#at(sight, place.name, type);
    for (const told of found) this.#add(sight, place, told, isSure, expected);
    if (type === RRType.ANY || type === RRType.CNAME) return;
    if (found.some((told) => this.#isSure(sight, told))) return;
    const aliases = this.#at(sight, place.name, RRType.CNAME);
    const isOnly = isSure && found.length === 0 && aliases.length === 1;
    for (const alias of aliases) {
      const shown = this.#add(sight, place, alias, isOnly, expected);
      if (shown?.rdata.kind !== "cname" || alias.rr.rdata.kind !== "cname" || chain === 0) continue;
      const next = { owner: shown.rdata.target, name: alias.rr.rdata.target };
      const isStill = isOnly && this.#isSure(sight, alias);
      this.#look(sight, next, isStill, chain - 1, expected);
    }
  }

  #add(sight: Sight, { owner }: Place, told: Told, isSure: boolean, expected: Expected) {
    const usable = this.#isUsable(sight, told.rr);
    if (usable === "no") return undefined;
    const shown = this.#shown(sight, owner, told.rr);
    if (shown === undefined) return undefined;
    const { key, rr } = shown;
    expected.may.set(key, rr);
    if (isSure && usable === "yes" && this.#isSure(sight, told)) expected.must.set(key, rr);
    return rr;
  }

  /** A record as a client sees it. Remembered: most are looked at after every step. */
  #shown({ zone, asked }: Sight, owner: Name, rr: RR): Shown | undefined {
    const known = this.#shownAs.get(rr) ?? new Map<string, Shown | undefined>();
    this.#shownAs.set(rr, known);
    const how = `${zone.apex.key} ${asked.type} ${owner.key}`;
    if (known.has(how)) return known.get(how);
    const moved = this.#zones.rrFromLink(zone, rr, asked.type);
    const named = moved && { ...moved, name: owner };
    const shown = named && { rr: named, key: keyOf(named) };
    known.set(how, shown);
    return shown;
  }

  /** All that may still be known at a name. */
  #at({ now, ledger }: Sight, name: Name, type: number): readonly Told[] {
    // One instant more: what ends now is told as gone by a step that may be still to come.
    const late = instant(now - this.#rules.lag - 1);
    return ledger.find(late, name, type).filter(({ rr }) => !withheld.includes(rr.type));
  }

  /** Whether the engine has to know it. */
  #isSure({ now, ledger, asked }: Sight, told: Told): boolean {
    if (this.#rules.isFlooded || told.expiresAt <= now) return false;
    return (told.isUnique || told.receivedAt > asked.since) && !ledger.isDoubtful(now, told);
  }

  /** RFC 8766 §5.5.2. */
  #isUsable(sight: Sight, rr: RR): Maybe {
    const { rdata } = rr;
    if (isLinkLocal(rr)) return "no";
    if (rdata.kind === "srv") return this.#isUsableHost(sight, rdata.target);
    if (rdata.kind !== "ptr" || sight.zone.kind === "reverse") return "yes";
    const srvs = this.#at(sight, rdata.target, RRType.SRV);
    const verdicts = srvs.map((told) => ({
      isSure: this.#isSure(sight, told),
      usable: this.#isUsable(sight, told.rr),
    }));
    if (verdicts.every(({ usable }) => usable === "yes")) return "yes";
    if (verdicts.some(({ isSure, usable }) => isSure && usable === "yes")) return "yes";
    const isNone = verdicts.every(({ usable }) => usable === "no");
    return isNone && verdicts.some(({ isSure }) => isSure) ? "no" : "maybe";
  }

  #isUsableHost(sight: Sight, target: Name): Maybe {
    const { now, ledger } = sight;
    const types = [RRType.A, RRType.AAAA];
    const addresses = types.flatMap((type) => this.#at(sight, target, type));
    const isSure = (told: Told) => this.#isSure(sight, told) && told.isUnique;
    const usable = addresses.filter(({ rr }) => !isLinkLocal(rr));
    if (usable.some(isSure)) return "yes";
    const isDenied = types.every((type) => ledger.denies(now, target, type));
    if (usable.length === addresses.length) return isDenied ? "maybe" : "yes";
    return usable.length === 0 && addresses.some(isSure) ? "no" : "maybe";
  }
}
