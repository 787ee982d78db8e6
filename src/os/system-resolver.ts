// The system's resolver as the daemon asks it, all its life: resolv.conf is read
// again, since networks change it; a question takes seconds at most, and only so
// many are on their way at once, whatever the servers do.

import { type Address, formatAddress } from "../address.js";
import type { Counts } from "../counts.js";
import type { Log } from "../log.js";
import type { Message } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import { dnsPort, type ResolverFile, readResolverFile, resolverFile } from "./resolv-conf.js";
import { type Patience, Resolver, ResolverError } from "./resolver.js";

/**
 * In milliseconds. Under the 5 s after which whoever asked asks the next thing
 * (update/limits.ts), waiting for a turn included.
 */
const patient: Patience = { whole: 4500, resend: 1500, inAll: 4500 };

/** Questions on their way at once: each holds a socket. */
export const inFlightMax = 32;

/** Questions that wait for their turn: some for each of the links that a host can have. */
export const waitingMax = 1000;

/** Nothing answers a question in less; it is not put then, in milliseconds. */
const shortest = 100;

/** The file is read again after this many milliseconds, if anything is asked. */
const fileGoodFor = 1000;

export interface SystemResolverOptions {
  readonly log: Log;
  readonly counts: Counts;
  /** Default: /etc/resolv.conf. */
  readonly file?: string;
  readonly patience?: Patience;
  /** For tests: what the file says; default: what is in it. */
  readonly read?: (file: string) => ResolverFile;
}

export class SystemResolver {
  readonly #options: SystemResolverOptions;
  readonly #patience: Patience;
  #found: ResolverFile | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  /** What was wrong with the file when that was logged last. */
  #complained = "";
  #inFlight = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: SystemResolverOptions) {
    this.#options = options;
    this.#patience = options.patience ?? patient;
  }

  /** The search domains of the file, as it is now. */
  get search(): readonly Name[] {
    return this.#file().search;
  }

  /**
   * Puts one question, class IN, recursion desired.
   *
   * @param at  asks this server instead of the system's, and without recursion
   * @param port  of that server
   * @throws ResolverError when there is no usable answer within some 5 s; its text is for people
   */
  async ask(name: Name, type: number, at?: Address, port = dnsPort): Promise<Message> {
    const inAll = this.#patience.inAll ?? this.#patience.whole;
    const start = performance.now();
    await this.#turn();
    try {
      const left = inAll - (performance.now() - start);
      if (left < shortest) throw new ResolverError("the questions before it got no answer in time");
      const servers =
        at === undefined ? this.#file().servers : [{ address: formatAddress(at), port }];
      const resolver = new Resolver(servers, { ...this.#patience, inAll: left });
      return (await resolver.ask(name, type, at === undefined)).message;
    } finally {
      // Whoever waits takes over the place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#inFlight -= 1;
      else next();
    }
  }

  /** Resolved when another question may leave. */
  async #turn(): Promise<void> {
    if (this.#inFlight < inFlightMax) {
      this.#inFlight += 1;
      return;
    }
    if (this.#waiting.length >= waitingMax) {
      this.#options.counts.add("limits", "lookups");
      throw new ResolverError("too many questions wait for an answer already");
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #file(): ResolverFile {
    const at = performance.now();
    if (this.#found !== undefined && at - this.#readAt < fileGoodFor) return this.#found;
    const { file = resolverFile, read = readResolverFile, log } = this.#options;
    const found = read(file);
    this.#found = found;
    this.#readAt = at;
    const complaint = found.complaints.join("; ");
    if (complaint !== this.#complained && complaint !== "") {
      log.event("warn", "resolver-file", {
        problem: complaint,
        effect: "these lines do not count",
      });
    }
    this.#complained = complaint;
    return found;
  }
}
