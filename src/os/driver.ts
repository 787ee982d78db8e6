// Between the sockets and the engine: each thing that happens becomes an Input,
// each Effect a system call, and the one timer of the program rings when the
// engine or a virtual link wants it to. An exception on this way is a bug, not a
// fault of a peer or of the system, and ends the program (design: crash means bug).

import { isDeepStrictEqual } from "node:util";
import type { Family } from "../address.js";
import type { Counts } from "../counts.js";
import type { EngineConfig } from "../engine/config.js";
import type { Engine } from "../engine/engine.js";
import type { Effect, Input, LinkId, Peer } from "../engine/io.js";
import type { Limits } from "../limits.js";
import type { Log } from "../log.js";
import { offersOf } from "../proxy/offers.js";
import { after, type Duration, earliest, type Instant, seconds } from "../time.js";
import { clockFault, now, timeoutUntil, wallClockOrigin } from "./clock.js";
import type { Credentials } from "./credentials.js";
import type { PresentInterface } from "./interfaces.js";
import type { Journal, JournalFiles } from "./journal-files.js";
import { type LinkSocketState, LinkSockets, type WantedLink } from "./link-sockets.js";
import { Listening, type ListenSettings } from "./listening.js";
import type { Native } from "./native.js";
import { QuerierEars } from "./querier-ears.js";
import { serverNames } from "./server-names.js";
import type { SystemResolver } from "./system-resolver.js";
import { type StreamEars, TcpStreams } from "./tcp.js";
import { type TlsEars, TlsListeners } from "./tls.js";
import { UdpSockets } from "./udp.js";
import { UpdateEdge } from "./update-edge.js";
import type { VirtualLinks } from "./virtual-links.js";

/** What the configuration says about sockets, and what it says to the engine. */
export interface DriverSettings extends ListenSettings {
  readonly engine: EngineConfig;
  readonly limits: Limits;
  /** Links with sockets; virtual links among them are passed over. */
  readonly links: readonly WantedLink[];
}

export type Multicast = Extract<Input, { kind: "multicast" }>;

/** Who looks on (discd/api-desk.ts): is shown what goes over the links, and tells who asks. */
export interface Onlooker {
  /** Every multicast datagram, before the engine. @returns whether it is a probe of our own */
  heard(datagram: Multicast): boolean;
  sent(link: LinkId, family: Family, bytes: Uint8Array): void;
  /** Whether a client is ourselves, asking whether we answer. */
  isProbe(client: Peer): boolean;
  /** After each input: what it changed is told. */
  flush(): void;
}

/** All that the driver knows of the engine. */
export type DrivenEngine = Pick<Engine, "handle" | "nextDeadline" | "isWithdrawing">;

export interface DriverParts {
  readonly engine: DrivenEngine;
  readonly native: Native | undefined;
  readonly log: Log;
  readonly counts: Counts;
  readonly virtual: VirtualLinks;
  readonly resolver: Pick<SystemResolver, "ask">;
  readonly journals: Pick<JournalFiles, "remember" | "replace" | "isSafe">;
  /** Called with what was thrown inside the engine; does not return. */
  readonly crash: (error: unknown) => never;
}

/**
 * How long a clean stop waits for packets and connections, in milliseconds: the engine
 * has ended them all a second before (RFC 8490 §6.6.1 gives sessions 5 s).
 */
const stopPatience = 6000;

/** How far the wall clock may drift from what the engine was told, in milliseconds. */
const driftMax = 500;

/** The least time between two log lines about what the system has too little of. */
const shortageQuiet: Duration = seconds(10);

export class Driver {
  readonly #engine: DrivenEngine;
  readonly #virtual: VirtualLinks;
  readonly #crash: (error: unknown) => never;
  readonly #links: LinkSockets;
  readonly #queriers: QuerierEars;
  readonly #udp: UdpSockets;
  readonly #streams: TcpStreams;
  readonly #tls: TlsListeners;
  readonly #log: Log;
  readonly #counts: Counts;
  readonly #listening: Listening;
  readonly #native: Native | undefined;
  readonly #update: UpdateEdge;
  #settings: DriverSettings;
  #present: readonly PresentInterface[] = [];
  /** The last credentials that a listener could be opened with. */
  #usable: Credentials | undefined;
  /** What the engine was told last. */
  #offers: ReadonlyMap<string, number> = new Map();
  #wallClock: number | undefined;
  /** Why no absolute times are written, as the engine was told last. */
  #clockFault: string | undefined;
  #clockTold: string | undefined;
  #shortageTold: Instant | undefined;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #armedFor: Instant | undefined;
  /** Multicast datagrams that the kernel has not taken yet. */
  #unsent = 0;
  #stopping: (() => void) | undefined;
  /** While the API is served. */
  onlooker: Onlooker | undefined;

  constructor(settings: DriverSettings, parts: DriverParts) {
    const { engine, native, log, counts, virtual, crash, resolver, journals } = parts;
    this.#settings = settings;
    this.#engine = engine;
    this.#virtual = virtual;
    this.#native = native;
    this.#crash = crash;
    this.#links = new LinkSockets(native, log, counts, (input) => this.dispatch(input));
    this.#queriers = new QuerierEars(native, log, (input) => this.dispatch(input));
    this.#udp = new UdpSockets(
      {
        received: (listener, source, bytes) => {
          if (this.onlooker?.isProbe(source) === true) {
            this.dispatch({ kind: "datagram", listener, source, isProbe: true, bytes });
          } else this.dispatch({ kind: "datagram", listener, source, bytes });
        },
        notSent: (listener, reason) => this.dispatch({ kind: "send-failed", listener, reason }),
        failed: (listener, code) => this.#lost(listener, code),
      },
      native,
    );
    const { writeQueue, connectionsPerClient } = settings.limits;
    this.#log = log;
    this.#counts = counts;
    this.#streams = new TcpStreams(this.#ears(), counts, writeQueue);
    this.#tls = new TlsListeners(this.#streams, this.#ears(), counts, connectionsPerClient);
    this.#update = new UpdateEdge({
      ...{ resolver, journals, log, counts, now },
      dispatch: (input) => this.dispatch(input),
      left: () => this.#settleStop(),
    });
    this.#listening = new Listening(
      {
        udp: (address, port) => this.#udp.open(address, port),
        tcp: (address, port) => this.#streams.listen(address, port),
        tls: (address, port) => this.#tls.listen(address, port),
      },
      log,
    );
  }

  /**
   * Opens everything; rejected with a StartError when clients could not be heard.
   *
   * @param journals  what state files of zones hold
   */
  async start(
    present: readonly PresentInterface[],
    journals: readonly Journal[] = [],
  ): Promise<void> {
    this.#present = present;
    this.#tellWallClock();
    this.#restore(journals);
    this.#prepareTls();
    await this.#listening.start(this.#listenSettings(), present);
    this.#tellOffers();
    for (const input of this.#virtual.start()) this.dispatch(input);
    await this.#followLinks();
  }

  /** Interfaces as they were just read; also tries again what failed before. */
  async follow(present: readonly PresentInterface[]): Promise<void> {
    if (this.#stopping !== undefined) return;
    this.#present = present;
    this.#tellWallClock();
    const listening = this.#listening.follow(this.#listenSettings(), present);
    await Promise.all([this.#followLinks(), listening]);
    this.#tellOffers();
  }

  /**
   * Takes another configuration into use; what it leaves as it is goes on undisturbed.
   *
   * @param journals  what state files hold, where zones may come in
   */
  async reconfigure(settings: DriverSettings, journals: readonly Journal[] = []): Promise<void> {
    this.#settings = settings;
    this.#tellWallClock();
    this.#restore(journals);
    this.#streams.configure(settings.limits.writeQueue);
    this.#prepareTls();
    // First the engine: the last words on a link that is given up need its sockets.
    this.#configureEngine();
    await this.follow(this.#present);
  }

  /** Hands one input to the engine and does what it says. */
  dispatch(input: Input): void {
    try {
      this.#take(now(), input);
      for (;;) {
        const heard = this.#virtual.takeInputs();
        if (heard.length === 0) break;
        for (const one of heard) this.#take(now(), one);
      }
      this.#udp.flush();
      this.onlooker?.flush();
      this.#arm();
      this.#settleStop();
    } catch (error) {
      this.#crash(error);
    }
  }

  /** Says goodbye, waits a moment for what is under way, closes everything. */
  async stop(): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#stopping = resolve;
    });
    this.dispatch({ kind: "stop" });
    this.#listening.close();
    this.#tls.close();
    this.#settleStop();
    const patience = setTimeout(() => this.#stopping?.(), stopPatience);
    await done;
    clearTimeout(patience);
    this.#isOver = true;
    this.#disarm();
    this.#streams.abortAll();
    this.#update.end();
    this.#links.close();
    this.#queriers.close();
  }

  /** For the log. */
  dump(): Readonly<Record<string, unknown>> {
    return {
      listeners: this.#listening.listeners,
      sockets: this.#links.list(),
      streams: this.#streams.size,
      handshakes: this.#tls.size,
      dials: this.#update.dials,
      clock: this.#clockFault ?? "kept",
      memory: memoryNow(),
    };
  }

  get listeners(): readonly string[] {
    return this.#listening.listeners;
  }

  /** Every link with sockets as it stands; virtual links have none. */
  get links(): readonly LinkSocketState[] {
    return this.#links.states();
  }

  /** Why clients are not heard where they should be, a line each. */
  get refusedListeners(): readonly string[] {
    return this.#listening.refused;
  }

  #take(at: Instant, input: Input): void {
    if (input.kind === "multicast" && this.onlooker?.heard(input) === true) return;
    for (const effect of this.#engine.handle(at, input)) this.#perform(at, effect);
  }

  #perform(at: Instant, effect: Effect): void {
    switch (effect.kind) {
      case "datagram":
        this.#udp.send(effect.listener, effect.to, effect.bytes);
        break;
      case "multicast":
        this.#sendMulticast(at, effect);
        break;
      case "write":
        this.#streams.write(effect.stream, effect.bytes);
        break;
      case "close":
        this.#streams.close(effect.stream);
        break;
      case "abort":
        this.#streams.abort(effect.stream);
        break;
      case "pause":
        this.#streams.pause(effect.stream);
        break;
      case "resume":
        this.#streams.resume(effect.stream);
        break;
      default:
        this.#update.perform(effect);
    }
  }

  #sendMulticast(at: Instant, effect: Extract<Effect, { kind: "multicast" }>): void {
    const { link, family, to, bytes } = effect;
    this.onlooker?.sent(link, family, bytes);
    if (this.#virtual.has(link)) {
      this.#virtual.send(at, link, family, bytes);
      return;
    }
    this.#unsent += 1;
    this.#links.send(link, family, to, bytes, () => {
      this.#unsent -= 1;
      this.#settleStop();
    });
  }

  /** Moves the timer forward when something is due earlier; a timer too early does no harm. */
  #arm(): void {
    if (this.#isOver) return;
    const others = earliest(this.#virtual.nextDeadline(), this.#tls.nextDeadline());
    const next = earliest(this.#engine.nextDeadline(), others);
    if (next === undefined) return;
    if (this.#armedFor !== undefined && this.#armedFor <= next) return;
    this.#disarm();
    this.#armedFor = next;
    const at = now();
    // What is due already has only let the sockets have their turn: a timer takes 1 ms at least.
    if (next <= at) this.#turn = setImmediate(() => this.#ring());
    else this.#timer = setTimeout(() => this.#ring(), timeoutUntil(at, next));
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
  }

  #ring(): void {
    this.#armedFor = undefined;
    const at = now();
    try {
      this.#tls.expire(at);
      this.#virtual.expire(at);
    } catch (error) {
      this.#crash(error);
    }
    const next = this.#engine.nextDeadline();
    if (next !== undefined && next <= at) this.dispatch({ kind: "deadline" });
    else this.#pump();
  }

  /** What virtual links have said, and the timer. */
  #pump(): void {
    const heard = this.#virtual.takeInputs();
    for (const input of heard) this.dispatch(input);
    if (heard.length === 0) this.#arm();
  }

  async #followLinks(): Promise<void> {
    const wanted = this.#settings.links.filter(({ name }) => !this.#virtual.has(name));
    await this.#links.follow(wanted, this.#present);
    if (this.#stopping === undefined) this.#queriers.follow(this.#links.list());
  }

  /** What the listeners and streams of TCP and TLS say. */
  #ears(): StreamEars & TlsEars {
    return {
      opened: (stream, source, listener) => {
        const transport = listener.endsWith("/tls") ? "tls" : "tcp";
        const takesPush = transport === "tls" && this.#listening.takesPush(listener);
        const isProbe = this.onlooker?.isProbe(source) === true;
        const opening = { stream, transport, source, listener, takesPush, isProbe } as const;
        this.dispatch({ kind: "stream-open", ...opening });
      },
      received: (stream, bytes) => this.dispatch({ kind: "stream-bytes", stream, bytes }),
      blocked: (stream) => this.dispatch({ kind: "stream-blocked", stream }),
      drained: (stream) => this.dispatch({ kind: "stream-drained", stream }),
      ended: (stream) => this.dispatch({ kind: "stream-ended", stream }),
      closed: (stream) => {
        this.dispatch({ kind: "stream-closed", stream });
        this.#settleStop();
      },
      failed: (listener, code) => this.#lost(listener, code),
      exhausted: (listener, code) => this.#tellShortage(listener, code),
      hurried: () => this.#arm(),
      isProbe: (source) => this.onlooker?.isProbe(source) === true,
    };
  }

  /** TLS listens with a certificate that could be used, and only then. */
  #listenSettings(): ListenSettings {
    const { listen, ports, defaultPorts } = this.#settings;
    const credentials = this.#usable;
    return { listen, ports, defaultPorts, ...(credentials === undefined ? {} : { credentials }) };
  }

  #prepareTls(): void {
    const { credentials, engine, limits } = this.#settings;
    const isNew = !isDeepStrictEqual(credentials, this.#usable);
    if (credentials === undefined || !isNew) {
      this.#usable = credentials;
    } else {
      try {
        this.#tls.use(credentials);
        this.#usable = credentials;
      } catch (error) {
        // Where there was one, it goes on being used.
        const { message: reason } = error as Error;
        this.#log.event("error", "certificate-refused", { reason });
      }
    }
    const certified = this.#usable?.names ?? [];
    this.#tls.configure(limits.connectionsPerClient, serverNames(certified, engine.proxy));
  }

  #configureEngine(): void {
    const { engine } = this.#settings;
    const config = { ...engine, proxy: { ...engine.proxy, offers: this.#offers } };
    this.dispatch({ kind: "reconfigure", config });
  }

  /** SRV records name what is really listened on: ports move, and TLS needs a certificate. */
  #tellOffers(): void {
    if (this.#stopping !== undefined) return;
    const offers = offersOf(this.#listening.openPorts(this.#settings));
    if (isDeepStrictEqual(offers, this.#offers)) return;
    this.#offers = offers;
    this.#configureEngine();
  }

  #restore(journals: readonly Journal[]): void {
    for (const { zone, own } of journals) this.dispatch({ kind: "restore", zone, own });
  }

  /** Cookies and TIMEOUT records hold the time, and other servers judge it. */
  #tellWallClock(): void {
    const origin = wallClockOrigin();
    const fault = clockFault(this.#native?.isClockKept());
    const drift = Math.abs(origin - (this.#wallClock ?? Number.NEGATIVE_INFINITY));
    const isSame = (fault === undefined) === (this.#clockFault === undefined);
    this.#clockFault = fault;
    this.#tellClockFault(fault);
    if (drift <= driftMax && isSame) return;
    this.#wallClock = origin;
    this.dispatch({ kind: "wall-clock", origin, isTrusted: fault === undefined });
  }

  /** TO-8, where somebody has to know. */
  #tellClockFault(reason: string | undefined): void {
    const published = this.#settings.engine.links.flatMap((link) => link.published ?? []);
    const isWanted = published.some(({ target }) => !target.trustsClock);
    const told = isWanted ? reason : undefined;
    if (told === this.#clockTold) return;
    this.#clockTold = told;
    if (told === undefined) return;
    this.#log.event("error", "clock-not-trusted", {
      reason: told,
      effect: "no TIMEOUT records are written",
      remedy: "let NTP set the clock, or set update.trust_clock",
    });
  }

  #lost(listener: string, code: string): void {
    // The next look at the interfaces opens it again.
    this.#listening.forget(listener);
    this.#log.event("error", "listener-failed", { listener, code });
  }

  #tellShortage(listener: string, code: string): void {
    this.#counts.add("limits", "open-files");
    const at = now();
    if (this.#shortageTold !== undefined && at < after(this.#shortageTold, shortageQuiet)) return;
    this.#shortageTold = at;
    const remedy = "raise LimitNOFILE in the unit, or lower limits.connections";
    this.#log.event("warn", "connections-wait", { listener, code, remedy });
  }

  /** A stop is over when everything said has left, and primaries know what they have to. */
  #settleStop(): void {
    if (this.#stopping === undefined || this.#unsent > 0 || this.#streams.size > 0) return;
    if (!this.#engine.isWithdrawing && this.#update.dials === 0) this.#stopping();
  }
}

/** Undefined where not even a file can be opened to read it from. */
function memoryNow(): { rss: number; heapUsed: number } | undefined {
  try {
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heapUsed };
  } catch {
    return undefined;
  }
}
