// Who stands behind each record of a zone that is kept by UPDATE: this host's
// discd, by its state file; some discd, by a lifetime; nobody any more; or an
// administrator. Pure: a copy of the zone in, verdicts out.

import { lifeKeysFor, lifeKeysOf } from "../update/lifetime.js";
import { recordKey } from "../update/offer.js";
import type { ZoneCopy } from "../update/transfer.js";
import { RRType } from "../wire/codes.js";
import { equalNames, foldLabel, isWithin, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { decodeTimeout, type Timeout } from "../wire/timeout.js";

/** In the order in which they are told: what has to be looked at comes first. */
export const auditStates = [
  /** Its life is over, and it is there: whoever looked after it does not any more. */
  "expired",
  /** As discd writes them, but no lifetime, and not in the state file: nobody will remove it. */
  "orphan",
  /** A TIMEOUT that speaks for no record. */
  "idle",
  /** A TIMEOUT that cannot be read. */
  "unreadable",
  /** In the state file, and not in the zone. */
  "missing",
  /** As discd writes them, without a lifetime; no state file was read, so it may be its own. */
  "unknown",
  /** Nothing that discd writes, or at a name that it leaves alone. */
  "foreign",
  /** In this host's state file. */
  "own",
  /** Alive by a TIMEOUT, and not in the state file read: another discd's. */
  "alive",
] as const;
export type AuditState = (typeof auditStates)[number];

/** Those after which nothing is as it should be. */
export const faultStates: ReadonlySet<AuditState> = new Set<AuditState>([
  ...["expired", "orphan", "idle", "unreadable", "missing"],
] as AuditState[]);

export interface AuditedRR {
  readonly rr: RR;
  readonly state: AuditState;
  /** Seconds that are left to it; negative: it should be gone. Absent: no lifetime. */
  readonly leftSeconds?: number;
}

export interface AuditInput {
  readonly copy: ZoneCopy;
  /** What the state file calls its own; undefined: none was read. */
  readonly own: readonly RR[] | undefined;
  readonly timeoutType: number;
  /** Since 1970. */
  readonly nowSeconds: number;
}

/** Removing takes until the next round: what has just ended is no orphan yet. */
export const graceSeconds = 300;

/** What signing adds. */
const signing: ReadonlySet<number> = new Set([
  ...[RRType.RRSIG, RRType.NSEC, RRType.NSEC3, RRType.NSEC3PARAM, RRType.DNSKEY],
  // CDS, CDNSKEY, and what BIND keeps at an apex that it signs.
  ...[59, 60, 65_534],
]);

interface Life {
  readonly rr: RR;
  readonly timeout: Timeout | undefined;
  isUsed: boolean;
}

const isAddress = ({ type }: RR): boolean => type === RRType.A || type === RRType.AAAA;

/** `_ipp._tcp` or `_udp` stands in it, after a label or not. */
const isServiceName = ({ labels }: Name): boolean =>
  labels.some(
    (label, at) =>
      /^_(tcp|udp)$/.test(foldLabel(label)) && at > 0 && labels[at - 1]?.startsWith("_") === true,
  );

class Audit {
  readonly #input: AuditInput;
  readonly #lives = new Map<string, Life[]>();
  readonly #own: ReadonlySet<string> | undefined;
  /** Hosts that services run on, the zone's own servers, names that are others'. */
  readonly #hosts = new Set<string>();
  readonly #servers = new Set<string>();
  readonly #closed: Name[] = [];

  constructor(input: AuditInput) {
    this.#input = input;
    this.#own = input.own && new Set(input.own.map(recordKey));
    this.#servers.add(input.copy.primary.key);
    for (const rr of input.copy.rrs) this.#learn(rr);
  }

  #learn(rr: RR): void {
    const { copy, timeoutType } = this.#input;
    const { name, type, rdata } = rr;
    if (type === timeoutType && rdata.kind === "opaque") {
      const life = { rr, timeout: decodeTimeout(rdata.bytes), isUsed: false };
      this.#lives.set(name.key, [...(this.#lives.get(name.key) ?? []), life]);
    }
    if (rdata.kind === "srv") this.#hosts.add(rdata.target.key);
    if (rdata.kind === "ns") this.#servers.add(rdata.target.key);
    const isCut = type === RRType.NS && !equalNames(name, copy.apex);
    if (isCut || type === RRType.KEY || type === RRType.CNAME) this.#closed.push(name);
  }

  run(): readonly AuditedRR[] {
    const { copy, own = [], timeoutType } = this.#input;
    const found = copy.rrs.flatMap((rr) =>
      rr.type === timeoutType || this.#isZones(rr) ? [] : [this.#judge(rr)],
    );
    const there = new Set(copy.rrs.map(recordKey));
    const missing = own
      .filter((rr) => rr.type !== timeoutType && !there.has(recordKey(rr)))
      .map((rr): AuditedRR => ({ rr, state: "missing" }));
    const lives = [...this.#lives.values()]
      .flat()
      .flatMap(({ rr, timeout, isUsed }): readonly AuditedRR[] => {
        if (timeout === undefined) return [{ rr, state: "unreadable" }];
        return isUsed ? [] : [{ rr, state: "idle", leftSeconds: this.#left(timeout) }];
      });
    const all = [...found, ...missing, ...lives];
    const rank = new Map(auditStates.map((state, at) => [state, at]));
    return all
      .map((one, at) => ({ one, at, rank: rank.get(one.state) as number }))
      .sort((a, b) => a.rank - b.rank || a.at - b.at)
      .map(({ one }) => one);
  }

  /** SOA and NS of the apex, signatures, and addresses of the zone's name servers. */
  #isZones({ name, type, rdata }: RR): boolean {
    if (signing.has(type)) return true;
    if (equalNames(name, this.#input.copy.apex)) return type === RRType.NS || type === RRType.SOA;
    return (rdata.kind === "a" || rdata.kind === "aaaa") && this.#servers.has(name.key);
  }

  #judge(rr: RR): AuditedRR {
    const left = this.#leftOf(rr);
    const life = left === undefined ? {} : { leftSeconds: left };
    if (left !== undefined && left < -graceSeconds) return { rr, state: "expired", ...life };
    if (this.#own?.has(recordKey(rr)) === true) return { rr, state: "own", ...life };
    if (left !== undefined) return { rr, state: "alive", ...life };
    if (!this.#isOurKind(rr)) return { rr, state: "foreign" };
    return { rr, state: this.#own === undefined ? "unknown" : "orphan" };
  }

  /** Whether discd writes such records at such names. */
  #isOurKind(rr: RR): boolean {
    const { name, type, rdata } = rr;
    if (this.#closed.some((closed) => isWithin(name, closed))) return false;
    if (isAddress(rr)) return this.#hosts.has(name.key);
    if (rdata.kind === "ptr") return isServiceName(name);
    return (type === RRType.SRV || type === RRType.TXT) && isServiceName(name);
  }

  #left({ expiry }: Timeout): number {
    return expiry - this.#input.nowSeconds;
  }

  /** By all the TIMEOUTs that speak for it, the longest. */
  #leftOf({ name, type, rdata }: RR): number | undefined {
    const keys = new Set(lifeKeysFor(type, rdata));
    let longest: number | undefined;
    for (const life of this.#lives.get(name.key) ?? []) {
      if (life.timeout === undefined) continue;
      if (!lifeKeysOf(life.timeout).some((key) => keys.has(key))) continue;
      life.isUsed = true;
      longest = Math.max(longest ?? Number.NEGATIVE_INFINITY, this.#left(life.timeout));
    }
    return longest;
  }
}

/** Everything in the zone but what is the zone's own, each with whom it has behind it. */
export const auditOf = (input: AuditInput): readonly AuditedRR[] => new Audit(input).run();

/** How many there are of each state that there is one of. */
export function auditCounts(all: readonly AuditedRR[]): ReadonlyMap<AuditState, number> {
  const counts = new Map<AuditState, number>();
  for (const state of auditStates) {
    const count = all.filter((one) => one.state === state).length;
    if (count > 0) counts.set(state, count);
  }
  return counts;
}
