// Whether a server keeps leases (TO-20): nobody is trusted with them for saying
// so. A record that nobody needs is added with a lease of one second; a server
// that grants a lease has to have removed it five seconds after that. Costs two
// serials at most, and nothing waits for it.

import type { Random } from "../random.js";
import { after, type Duration, type Instant, seconds } from "../time.js";
import { Rcode, RRClass, RRType } from "../wire/codes.js";
import { type Label, labelText, type Name, nameBytesMax, under, wireLength } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { findLease } from "../wire/update-lease.js";
import type { Outcome } from "./exchange.js";
import { change, demand, type UpdateContent } from "./messages.js";

/** Asked for. A server has a minimum, and says so: 30 s is usual (RFC 9664 §4.3). */
export const probeLeaseSeconds = 1;
/** What a server may take longer than it has granted. */
export const probeMargin: Duration = seconds(5);
/** A lease that cannot be tried in this time is not trusted: nothing is known until it is over. */
export const probeSecondsMax = 300;

export type ProbeStep =
  | { readonly kind: "add" | "remove"; readonly name: Name; readonly content: UpdateContent }
  | { readonly kind: "look"; readonly name: Name };

type Stage = "begin" | "add" | "wait" | "remove" | "over";

export class LeaseProbe {
  #stage: Stage = "begin";
  #rr: RR | undefined;
  #looksAt: Instant | undefined;
  #hasPassed = false;

  /** Whether the server was seen to keep a lease. */
  get hasPassed(): boolean {
    return this.#hasPassed;
  }

  /** Whether a record of the probe may be in the zone. */
  get isOpen(): boolean {
    return this.#stage !== "begin" && this.#stage !== "over";
  }

  /** When there is something to be done that is not to be done now. */
  get looksAt(): Instant | undefined {
    return this.#stage === "wait" ? this.#looksAt : undefined;
  }

  isAbout(name: Name): boolean {
    return this.isOpen && this.#rr?.name.key === name.key;
  }

  /** Begins, if that has not been done; where no name is short enough, nothing is tried. */
  begin(zone: Name, random: Random): void {
    if (this.#stage !== "begin") return;
    const label = labelOf(random);
    if (label.length + 1 + wireLength(zone) > nameBytesMax) this.#stage = "over";
    else {
      this.#rr = testRecord(under([label], zone));
      this.#stage = "add";
    }
  }

  /** The next request, if one is due. */
  next(now: Instant): ProbeStep | undefined {
    const rr = this.#rr;
    if (rr === undefined) return undefined;
    const { name } = rr;
    if (this.#stage === "add") {
      const content = { prerequisites: [demand.nameFree(name)], updates: [change.add(rr)] };
      return { kind: "add", name, content };
    }
    if (this.#stage === "remove") {
      return {
        kind: "remove",
        name,
        content: { prerequisites: [], updates: [change.removeOne(rr)] },
      };
    }
    const isTime = this.#looksAt !== undefined && now >= this.#looksAt;
    return this.#stage === "wait" && isTime ? { kind: "look", name } : undefined;
  }

  /** It cannot be told, or need not be: what may be there is removed. */
  giveUp(): void {
    if (this.#stage === "add") this.#stage = "over";
    else if (this.isOpen) this.#stage = "remove";
  }

  /** @returns whether there was no answer: the same is due again, after a while */
  answered(now: Instant, step: ProbeStep, outcome: Outcome): boolean {
    const rcode = "rcode" in outcome ? outcome.rcode : undefined;
    if (rcode === undefined) {
      const mayBeThere = outcome.kind === "failed" && outcome.wasSent;
      if (step.kind === "add" && mayBeThere) this.#stage = "remove";
      return true;
    }
    if (step.kind === "add") this.#added(now, outcome);
    else if (step.kind === "look") this.#looked(outcome);
    else this.#stage = "over";
    return false;
  }

  #added(now: Instant, outcome: Outcome): void {
    if (outcome.kind !== "answer" || outcome.rcode !== Rcode.NOERROR) {
      this.#stage = "over";
      return;
    }
    // No lease in the answer is no lease at all (RFC 9664 §4.2): nothing is waited for.
    const lease = findLease(outcome.message.edns?.options ?? []);
    const isTried = lease !== undefined && lease.leaseSeconds <= probeSecondsMax;
    this.#stage = isTried ? "wait" : "remove";
    if (isTried) this.#looksAt = after(after(now, seconds(lease.leaseSeconds)), probeMargin);
  }

  #looked(outcome: Outcome): void {
    const answer = outcome.kind === "answer" ? outcome : undefined;
    const isAnswer = answer?.rcode === Rcode.NOERROR || answer?.rcode === Rcode.NXDOMAIN;
    const isThere = answer?.message.answers.some(({ type }) => type === RRType.TXT) === true;
    this.#hasPassed = isAnswer && !isThere;
    this.#stage = this.#hasPassed ? "over" : "remove";
  }
}

/** Nobody looks up this name, and no host can have it: it begins with `_`. */
function labelOf(random: Random): Label {
  const chance = [random.uint32(), random.uint32()];
  return labelText(
    `_discd-probe-${chance.map((value) => value.toString(16).padStart(8, "0")).join("")}`,
  );
}

function testRecord(name: Name): RR {
  const text = "discd tries whether leases end here; this may be removed";
  const rdata = { kind: "txt", strings: [Buffer.from(text)] } as const;
  return { name, type: RRType.TXT, class: RRClass.IN, ttlSeconds: 10, rdata };
}
