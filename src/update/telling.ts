// What an operator is told of a zone: each in words that name the thing, the
// cause and where there is one the remedy.

import type { Counts } from "../counts.js";
import type { Log } from "../log.js";
import type { UpdateTally } from "../tally.js";
import type { Instant } from "../time.js";
import { displayName, type Name } from "../wire/name.js";
import type { Job } from "./job.js";
import type { Lifetime } from "./lifetime.js";
import { serversMax } from "./limits.js";
import { Lines } from "./lines.js";
import type { PublisherSettings } from "./settings.js";
import type { Verdict } from "./verdict.js";

export class Telling {
  readonly #zone: string;
  readonly #tally: UpdateTally;
  readonly #counts: Counts;
  readonly #log: Log;
  readonly #lines: Lines;
  /** Keys of their names that somebody wanted. */
  readonly #servers = new Set<string>();
  #hasToldCase = false;

  constructor(settings: Pick<PublisherSettings, "zone" | "tally">, counts: Counts, log: Log) {
    this.#zone = displayName(settings.zone);
    this.#tally = settings.tally;
    this.#counts = counts;
    this.#log = log;
    this.#lines = new Lines(counts);
  }

  /** What became of a request, for the metrics; of an UPDATE by zone as well. */
  judged(job: Job, { kind }: Verdict): void {
    this.#counts.add("updates", `${job.kind}-${kind}`);
    const isProbe = job.kind === "probe" && job.step.kind !== "look";
    if (isProbe || job.kind === "update" || job.kind === "upkeep") {
      this.#tally.add(this.#zone, kind);
    }
  }

  /** One service alone is refused: its names are told, since the server does not say which. */
  refused(names: Iterable<Name>, reason: string): void {
    const zone = this.#zone;
    this.#log.event("warn", "update-refused", { zone, names: [...names].map(displayName), reason });
  }

  notKept(name: Name): void {
    this.#log.event("warn", "update-not-kept", {
      zone: this.#zone,
      name: displayName(name),
      reason: "the server says that it was done, and it is not there: its rules leave it out",
    });
  }

  withoutTimeouts(): void {
    this.#log.event("warn", "update-without-timeouts", { zone: this.#zone });
  }

  withoutTransfers(reason: string): void {
    this.#log.event("warn", "update-without-transfers", { zone: this.#zone, reason });
  }

  /** Once: it is so for every name. */
  lowersCase(): void {
    if (this.#hasToldCase) return;
    this.#hasToldCase = true;
    this.#log.event("warn", "server-lowers-case", { zone: this.#zone });
  }

  /** Another one than before. */
  lifetime(lifetime: Lifetime): void {
    this.#log.event("info", "update-lifetime", { zone: this.#zone, lifetime });
  }

  /** @param isServer  a name server of the zone is called so: that is told once */
  nameTaken(now: Instant, offer: string, name: Name, isServer: boolean): void {
    this.#counts.add("update-conflicts");
    if ((isServer && this.#servers.has(name.key)) || !this.#lines.take(now)) return;
    if (isServer && this.#servers.size < serversMax) this.#servers.add(name.key);
    const what = isServer ? "a name server is called so" : "somebody else's records are there";
    this.#log.event("warn", "name-taken", {
      zone: this.#zone,
      name: displayName(name),
      reason: `${what} (${offer.split(" ", 1)[0]})`,
    });
  }

  failed(reason: string): void {
    this.#log.event("error", "update-failed", { zone: this.#zone, reason });
  }
}
