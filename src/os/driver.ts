// Between the sockets and the engine: each thing that happens becomes an Input,
// each Effect a system call, and the one timer of the program rings when the
// engine or a virtual link wants it to. An exception on this way is a bug, not a
// fault of a peer or of the system, and ends the program (design: crash means bug).

import type { Counts } from "../counts.js";
import type { EngineConfig } from "../engine/config.js";
import type { Engine } from "../engine/engine.js";
import type { Effect, Input, Peer } from "../engine/io.js";
import type { Limits } from "../limits.js";
import type { Log } from "../log.js";
import { earliest, type Instant } from "../time.js";
import { now, timeoutUntil } from "./clock.js";
import type { Credentials } from "./credentials.js";
import type { PresentInterface } from "./interfaces.js";
import { LinkSockets, type WantedLink } from "./link-sockets.js";
import { Listening, type ListenSettings } from "./listening.js";
import type { Native } from "./native.js";
import { TcpStreams } from "./tcp.js";
import { UdpSockets } from "./udp.js";
import type { VirtualLinks } from "./virtual-links.js";

/** What the configuration says about sockets, and what it says to the engine. */
export interface DriverSettings extends ListenSettings {
  readonly engine: EngineConfig;
  readonly limits: Limits;
  /** Links with sockets; virtual links among them are passed over. */
  readonly links: readonly WantedLink[];
  /** TLS listeners are open only while there are some. */
  readonly credentials?: Credentials;
}

/** All that the driver knows of the engine. */
export type DrivenEngine = Pick<Engine, "handle" | "nextDeadline">;

export interface DriverParts {
  readonly engine: DrivenEngine;
  readonly native: Native | undefined;
  readonly log: Log;
  readonly counts: Counts;
  readonly virtual: VirtualLinks;
  /** Called with what was thrown inside the engine; does not return. */
  readonly crash: (error: unknown) => never;
}

/** How long a clean stop waits for packets and connections, in milliseconds. */
const stopPatience = 1000;

export class Driver {
  readonly #engine: DrivenEngine;
  readonly #virtual: VirtualLinks;
  readonly #crash: (error: unknown) => never;
  readonly #links: LinkSockets;
  readonly #udp: UdpSockets;
  readonly #tcp: TcpStreams;
  readonly #listening: Listening;
  #settings: DriverSettings;
  #present: readonly PresentInterface[] = [];
  #timer: NodeJS.Timeout | undefined;
  #armedFor: Instant | undefined;
  /** Multicast datagrams that the kernel has not taken yet. */
  #unsent = 0;
  #stopping: (() => void) | undefined;

  constructor(settings: DriverSettings, parts: DriverParts) {
    const { engine, native, log, counts, virtual, crash } = parts;
    this.#settings = settings;
    this.#engine = engine;
    this.#virtual = virtual;
    this.#crash = crash;
    this.#links = new LinkSockets(native, log, counts, (input) => this.dispatch(input));
    this.#udp = new UdpSockets(
      {
        received: (listener, source, bytes) =>
          this.dispatch({ kind: "datagram", listener, source, bytes }),
        notSent: (listener, reason) => this.dispatch({ kind: "send-failed", listener, reason }),
        failed: (listener, code) => this.#lost(log, listener, code),
      },
      native,
    );
    const streams = {
      opened: (stream: number, source: Peer, listener: string) =>
        this.dispatch({
          kind: "stream-open",
          stream,
          transport: "tcp",
          source,
          listener,
          takesPush: false,
        }),
      received: (stream: number, bytes: Uint8Array) =>
        this.dispatch({ kind: "stream-bytes", stream, bytes }),
      drained: (stream: number) => this.dispatch({ kind: "stream-drained", stream }),
      ended: (stream: number) => this.dispatch({ kind: "stream-ended", stream }),
      closed: (stream: number) => this.#streamClosed(stream),
      failed: (listener: string, code: string) => this.#lost(log, listener, code),
    };
    this.#tcp = new TcpStreams(streams, counts, settings.limits.writeQueue);
    this.#listening = new Listening(
      {
        udp: (address, port) => this.#udp.open(address, port),
        tcp: (address, port) => this.#tcp.listen(address, port),
      },
      log,
    );
  }

  /** Opens everything; rejected with a StartError when clients could not be heard. */
  async start(present: readonly PresentInterface[]): Promise<void> {
    this.#present = present;
    await this.#listening.start(this.#settings, present);
    for (const input of this.#virtual.start()) this.dispatch(input);
    await this.#followLinks();
  }

  /** Interfaces as they were just read; also tries again what failed before. */
  async follow(present: readonly PresentInterface[]): Promise<void> {
    if (this.#stopping !== undefined) return;
    this.#present = present;
    await Promise.all([this.#followLinks(), this.#listening.follow(this.#settings, present)]);
  }

  /** Takes another configuration into use; what it leaves as it is goes on undisturbed. */
  async reconfigure(settings: DriverSettings): Promise<void> {
    this.#settings = settings;
    this.#tcp.configure(settings.limits.writeQueue);
    // First the engine: the last words on a link that is given up need its sockets.
    this.dispatch({ kind: "reconfigure", config: settings.engine });
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
      this.#arm();
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
    this.#settleStop();
    const patience = setTimeout(() => this.#stopping?.(), stopPatience);
    await done;
    clearTimeout(patience);
    clearTimeout(this.#timer);
    this.#tcp.abortAll();
    this.#links.close();
  }

  /** For the log. */
  dump(): Readonly<Record<string, unknown>> {
    const { rss, heapUsed } = process.memoryUsage();
    return {
      listeners: this.#listening.listeners,
      sockets: this.#links.list(),
      streams: this.#tcp.size,
      memory: { rss, heapUsed },
    };
  }

  get listeners(): readonly string[] {
    return this.#listening.listeners;
  }

  #take(at: Instant, input: Input): void {
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
        this.#tcp.write(effect.stream, effect.bytes);
        break;
      case "close":
        this.#tcp.close(effect.stream);
        break;
      case "abort":
        this.#tcp.abort(effect.stream);
        break;
      case "pause":
        this.#tcp.pause(effect.stream);
        break;
      case "resume":
        this.#tcp.resume(effect.stream);
        break;
    }
  }

  #sendMulticast(at: Instant, effect: Extract<Effect, { kind: "multicast" }>): void {
    const { link, family, to, bytes } = effect;
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
    const next = earliest(this.#engine.nextDeadline(), this.#virtual.nextDeadline());
    if (next === undefined) return;
    if (this.#armedFor !== undefined && this.#armedFor <= next) return;
    clearTimeout(this.#timer);
    this.#armedFor = next;
    this.#timer = setTimeout(() => this.#ring(), timeoutUntil(now(), next));
  }

  #ring(): void {
    this.#armedFor = undefined;
    const at = now();
    try {
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

  #followLinks(): Promise<void> {
    const wanted = this.#settings.links.filter(({ name }) => !this.#virtual.has(name));
    return this.#links.follow(wanted, this.#present);
  }

  #streamClosed(stream: number): void {
    this.dispatch({ kind: "stream-closed", stream });
    this.#settleStop();
  }

  #lost(log: Log, listener: string, code: string): void {
    // The next look at the interfaces opens it again.
    this.#listening.forget(listener);
    log.event("error", "listener-failed", { listener, code });
  }

  #settleStop(): void {
    if (this.#unsent === 0 && this.#tcp.size === 0) this.#stopping?.();
  }
}
