// Whether a link still reaches us. A switch that snoops IGMP or MLD forwards a group
// to those who report that they are in it, and they report when a querier asks. Where
// nobody asks, it forgets them, and services vanish for no reason that can be seen.
// Most links have no querier because no switch on them snoops, which does no harm: so
// what is told is a hint, until others can no longer be heard either.

import type { Family } from "../address.js";
import type { Log } from "../log.js";
import { after, elapsed, type Instant, latest, seconds } from "../time.js";

/**
 * After so long without a report a membership ends: RFC 3376 §8.4 and RFC 3810 §9.4, with their
 * defaults. A querier asks every 125 s; it is given up after 255 (§8.5).
 */
export const membershipSpan = seconds(260);

/** After it, so that whoever is there may be heard once a switch would have forgotten us. */
export const proofSpan = seconds(40);

/** Nobody is heard: mDNS may well be still for minutes, since nobody has to say anything. */
export const silenceSpan = seconds(300);

/** Whether queries of a family can be heard at all, and that they were. */
export type QuerierNews = "listening" | "deaf" | "heard" | "closed";

/** What can be said of a link. */
export interface Outlook {
  /** Null: that cannot be told, for the reason in `note`. */
  readonly hasQuerier: boolean | null;
  /** What there is to be known about it, in words; null: nothing. */
  readonly note: string | null;
  /** Why we are probably cut off. */
  readonly suspicion: string | null;
}

interface Ear {
  readonly canHear: boolean;
  readonly since: Instant;
  heardAt: Instant | undefined;
}

const protocols = { ipv4: "IGMP", ipv6: "MLD" } as const;

const remedy = "switch an IGMP and MLD querier on in the router or a switch, or snooping off";

export class Watchdog {
  readonly #ears = new Map<Family, Ear>();
  /** The groups were joined, and that was reported. */
  #joinedAt: Instant | undefined;
  /** Another host was heard by multicast. */
  #heardAt: Instant | undefined;
  #sentAt: Instant | undefined;
  #told: "nothing" | "no-querier" | "suspicion" = "nothing";

  /** The link is up, or has other addresses: the groups were joined just now. */
  joined(now: Instant): void {
    this.#joinedAt = now;
  }

  down(): void {
    this.#joinedAt = undefined;
    this.#ears.clear();
  }

  /** Another host was heard, by multicast. */
  heard(now: Instant): void {
    this.#heardAt = now;
  }

  /** We have said something, to which others may have an answer. */
  sent(now: Instant): void {
    this.#sentAt = now;
  }

  /** Whether a suspicion was told that holds still, as far as was told. */
  get isSuspect(): boolean {
    return this.#told === "suspicion";
  }

  querier(now: Instant, family: Family, news: QuerierNews): void {
    const ear = this.#ears.get(family);
    if (news === "closed") this.#ears.delete(family);
    else if (news === "heard") {
      if (ear !== undefined) ear.heardAt = now;
    } else {
      this.#ears.set(family, { canHear: news === "listening", since: now, heardAt: undefined });
    }
  }

  outlook(now: Instant): Outlook {
    const from = this.#from;
    if (from === undefined) return { hasQuerier: null, note: null, suspicion: null };
    const ears = [...this.#ears];
    const isThere = ears.some(([, { heardAt }]) => isYounger(heardAt, now, membershipSpan));
    if (isThere) return { hasQuerier: true, note: null, suspicion: null };
    const deaf = ears.filter(([, { canHear }]) => !canHear);
    if (deaf.length > 0) {
      const names = deaf.map(([family]) => protocols[family]).join(" and ");
      const note = `whether there is a querier is not known: ${names} cannot be heard without CAP_NET_RAW`;
      return { hasQuerier: null, note, suspicion: null };
    }
    if (now < after(from, membershipSpan)) {
      const note = "it is too early to tell: a querier asks every two minutes or so";
      return { hasQuerier: null, note, suspicion: null };
    }
    return { hasQuerier: false, ...this.#withoutQuerier(now, from) };
  }

  /** When the outlook may become another one by itself. */
  nextDeadline(now: Instant): Instant | undefined {
    const from = this.#from;
    if (from === undefined) return undefined;
    const turns = [after(from, membershipSpan), after(after(from, membershipSpan), proofSpan)];
    if (this.#heardAt !== undefined) turns.push(after(this.#heardAt, silenceSpan));
    return turns.filter((one) => one > now).sort((a, b) => a - b)[0];
  }

  /** Says what has begun and what is over, once each. */
  tell(now: Instant, link: string, log: Log): void {
    const { hasQuerier, note, suspicion } = this.outlook(now);
    if (suspicion !== null && this.#told !== "suspicion") {
      this.#told = "suspicion";
      log.event("warn", "link-suspect", { link, reason: suspicion });
    } else if (suspicion === null && this.#told === "suspicion") {
      this.#told = hasQuerier === false ? "no-querier" : "nothing";
      log.event("info", "link-suspect-over", { link });
    } else if (hasQuerier === false && this.#told === "nothing") {
      this.#told = "no-querier";
      log.event("info", "no-querier", { link, note });
    } else if (hasQuerier === true && this.#told === "no-querier") {
      this.#told = "nothing";
      log.event("info", "querier-heard", { link });
    }
  }

  /** Since when nobody has told the switches, or asked us to tell them. */
  get #from(): Instant | undefined {
    if (this.#joinedAt === undefined || this.#ears.size === 0) return undefined;
    let from = this.#joinedAt;
    for (const { since, heardAt } of this.#ears.values()) from = latest(from, heardAt ?? since);
    return from;
  }

  #withoutQuerier(now: Instant, from: Instant): Pick<Outlook, "note" | "suspicion"> {
    const names = [...this.#ears.keys()].map((family) => protocols[family]).join(" or ");
    const forgotten = after(from, membershipSpan);
    const heardAt = this.#heardAt;
    if (heardAt !== undefined && heardAt > forgotten) {
      const note = `no ${names} querier was heard; others are heard all the same, so that nothing cuts us off`;
      return { note, suspicion: null };
    }
    const note =
      `no ${names} querier was heard: if a switch on this link does multicast snooping, it ` +
      `will cut us off, or has done so; ${remedy}`;
    const isProbed = now >= after(forgotten, proofSpan);
    if (heardAt === undefined || !isProbed) return { note, suspicion: null };
    const hadQuerier = [...this.#ears.values()].some((ear) => ear.heardAt !== undefined);
    const isUnanswered = this.#sentAt !== undefined && this.#sentAt > heardAt;
    const isSilent = isUnanswered && !isYounger(heardAt, now, silenceSpan);
    if (!hadQuerier && !isSilent) return { note, suspicion: null };
    const lost = hadQuerier
      ? `the ${names} querier of this link is silent`
      : `no ${names} querier was heard`;
    const suspicion =
      `${lost}, and other hosts are not heard any more: multicast snooping may have cut this ` +
      `link off; ${remedy}`;
    return { note, suspicion };
  }
}

function isYounger(at: Instant | undefined, now: Instant, span: number): boolean {
  return at !== undefined && elapsed(at, now) < span;
}
