// What becomes of a message that was not carried out (UP-63, UP-64): taken apart,
// read about, said again later, or said again at once without what the server
// does not know. Publishing goes on with all that is not at fault.

import type { Counts } from "../counts.js";
import type { Duration, Instant } from "../time.js";
import { Rcode } from "../wire/codes.js";
import type { Outcome } from "./exchange.js";
import type { Job } from "./job.js";
import type { Ledger } from "./ledger.js";
import {
  lossesMax,
  missesMax,
  notUpdatablePause,
  quarantineSpan,
  refusalsInRow,
  retryMax,
} from "./limits.js";
import type { Batch, UpdateQueue } from "./queue.js";
import type { Reading } from "./reading.js";
import type { ServerFacts } from "./server.js";
import type { Telling } from "./telling.js";
import type { Verdict } from "./verdict.js";
import type { Wanted } from "./wanted.js";

/** Nothing is to be sent for a while; without a span, for as long as failures have come. */
export interface Pause {
  readonly reason: string;
  readonly span?: Duration;
}

export class Setbacks {
  readonly #queue: UpdateQueue;
  readonly #reading: Reading;
  readonly #telling: Telling;
  readonly #counts: Counts;

  constructor(queue: UpdateQueue, reading: Reading, telling: Telling, counts: Counts) {
    this.#queue = queue;
    this.#reading = reading;
    this.#telling = telling;
    this.#counts = counts;
  }

  /** @param failures  in a row, this one not counted */
  take(
    now: Instant,
    server: ServerFacts,
    job: Extract<Job, { kind: "update" }>,
    { verdict, outcome, failures }: { verdict: Verdict; outcome: Outcome; failures: number },
  ): Pause | undefined {
    const { units } = job.batch;
    const rcode = "rcode" in outcome ? outcome.rcode : undefined;
    if (rcode === Rcode.FORMERR && job.hasLives && server.refusedLives()) {
      // UP-64: PowerDNS knows no TIMEOUT, and refuses every message that has one.
      this.#telling.withoutTimeouts();
      return undefined;
    }
    switch (verdict.kind) {
      case "not-so":
        if (units.length > 1) this.#queue.split(units);
        else this.#missed(now, units);
        return undefined;
      case "refused":
        return this.#refused(now, server, job.batch, verdict.reason);
      case "unknown":
        this.#reading.doubt(namesOf(units));
        return verdict;
      case "failed":
        // BIND says SERVFAIL to a whole message for one RRset that is too large.
        if (rcode === Rcode.SERVFAIL && failures > 0 && server.hasSucceeded) {
          return this.#refused(now, server, job.batch, verdict.reason);
        }
        return verdict;
      case "not-here":
        return { reason: verdict.reason, span: notUpdatablePause };
      default:
        return undefined;
    }
  }

  /** UP-28: what the server says yes to and does not keep is left aside, with its service. */
  unkept(now: Instant, ledger: Ledger, wanted: Wanted): void {
    for (const key of ledger.unkept(lossesMax)) {
      const one = wanted.find(key);
      for (const offer of one?.offers ?? []) {
        if (this.#queue.isAside(offer)) continue;
        this.#queue.setAside(offer, now, quarantineSpan);
        if (one !== undefined) this.#telling.notKept(one.rr.name);
      }
    }
  }

  /** A prerequisite of one unit has failed: its names are read, but not for ever. */
  #missed(now: Instant, units: Batch["units"]): void {
    for (const { key } of units) {
      if (this.#queue.missed(key) <= missesMax) continue;
      this.#queue.setAside(key, now, quarantineSpan);
      this.#counts.add("updates", "given-up");
    }
    this.#reading.doubt(namesOf(units));
  }

  #refused(now: Instant, server: ServerFacts, batch: Batch, reason: string): Pause | undefined {
    if (server.isRefusing) {
      this.#queue.postpone(batch.units);
      return { reason: nothingAllowed(reason), span: retryMax };
    }
    const alone = this.#queue.refused(batch.units, now);
    if (alone === undefined) return undefined;
    server.refusals += 1;
    this.#telling.refused(alone.extent.names.values(), reason);
    const isAll = !server.hasSucceeded && this.#queue.isExhausted;
    if (server.refusals < refusalsInRow && !isAll) return undefined;
    // Nothing gets through: that is about the key or the zone, not about single records.
    server.refusals = 0;
    server.isRefusing = true;
    this.#queue.readmit(now, true);
    return { reason: nothingAllowed(reason), span: retryMax };
  }
}

/** RFC 9665 §6.2: who keeps the zone for SRP may take nothing else. */
const nothingAllowed = (reason: string) =>
  `${reason}; so it was with every update: the zone is not for this key, or for an SRP registrar alone`;

const namesOf = (units: Batch["units"]) =>
  units.flatMap(({ extent }) => [...extent.names.values()]);
