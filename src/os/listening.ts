// The addresses and ports on which clients are heard: UDP sockets, TCP and TLS
// listeners at every local address, kept in step with the interfaces. Also what
// to do where the system refuses: default ports move, written ones do not
// (privileges, ports taken by others).

import { type Address, formatAddress, parseAddress } from "../address.js";
import type { ListenerId } from "../engine/io.js";
import type { Log } from "../log.js";
import type { OpenPorts } from "../proxy/offers.js";
import type { Credentials } from "./credentials.js";
import type { PresentInterface } from "./interfaces.js";
import { codeOf } from "./multicast.js";
import { findPortOwner } from "./port-owner.js";
import {
  movePorts,
  openPorts,
  type PortName,
  type Ports,
  type Transport,
  type WantedPort,
  wantedPorts,
} from "./port-plan.js";
import type { Opened } from "./udp.js";

export interface ListenSettings {
  /** All: every address of the host but IPv6 link-local ones, which have to be listed. */
  readonly listen: "all" | readonly Address[];
  readonly ports: Ports;
  /** Those that nobody wrote down, so that they may move. */
  readonly defaultPorts: readonly PortName[];
  /** TLS listeners are open only while there are some. */
  readonly credentials?: Credentials;
}

/** Why discd cannot start: one line for the operator, with the remedy. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** Opens a socket or a listener; rejected with an error that has a `code`. */
export type Open = (address: string, port: number) => Promise<Opened>;

const nobodyYet = "no query can arrive: there is no address to listen on";
const nobodyWanted = "no query is waited for: listen is empty, or nothing is answered here";

interface Wanted extends WantedPort {
  readonly address: Address;
}

interface Refusal extends Wanted {
  readonly code: string;
}

/** A socket or a listener, and what it was opened for. */
interface InUse {
  readonly opened: Opened;
  wanted: Wanted;
}

/** What one comparison of wanted and open has led to. */
interface Outcome {
  readonly refusals: Refusal[];
  readonly opened: Opened[];
  readonly closed: Opened[];
  /** The default port for whose sake all of them were given up for others. */
  readonly deniedPort?: number;
}

export class Listening {
  readonly #open: Readonly<Record<Transport, Open>>;
  readonly #log: Log;
  /** By transport, address, interface index of a scope, and port wanted. */
  readonly #opened = new Map<string, InUse>();
  readonly #complaints = new Map<string, string>();
  #refused: readonly string[] = [];
  #isMoved = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(open: Readonly<Record<Transport, Open>>, log: Log) {
    this.#open = open;
    this.#log = log;
  }

  /** The open ones: UDP sockets, TCP and TLS listeners. */
  get listeners(): readonly ListenerId[] {
    return [...this.#opened.values()].map(({ opened }) => opened.id).sort();
  }

  /** Why some of what is wanted is not open, a line each, as of the last look. */
  get refused(): readonly string[] {
    return this.#refused;
  }

  /** What may be offered in SRV records, as it is now. */
  openPorts(settings: ListenSettings): OpenPorts {
    const open = [...this.#opened.values()].map(({ opened, wanted }) => ({
      ...wanted,
      bound: opened.port,
    }));
    return openPorts(open, settings.ports);
  }

  /** Whether a listener is one for DNS Push Notifications. */
  takesPush(id: ListenerId): boolean {
    const found = [...this.#opened.values()].find(({ opened }) => opened.id === id);
    return found?.wanted.names.includes("push") ?? false;
  }

  /** Opens everything for the first time; rejected with a StartError. */
  async start(settings: ListenSettings, present: readonly PresentInterface[]): Promise<void> {
    const outcome = await this.#reconcile(settings, present);
    const fault = outcome.refusals.find((refusal) => this.#isFatal(settings, refusal));
    if (fault !== undefined) {
      this.close();
      throw new StartError(describe(fault));
    }
    this.#tell(outcome);
    if (this.#opened.size === 0) this.#tellSilence(settings, "warn");
  }

  /** Closes and opens what changed; a refusal is logged once, and tried again next time. */
  async follow(settings: ListenSettings, present: readonly PresentInterface[]): Promise<void> {
    const outcome = await this.#reconcile(settings, present);
    this.#tell(outcome);
    if (outcome.closed.length > 0 && this.#opened.size === 0) this.#tellSilence(settings, "error");
  }

  #tellSilence({ listen }: ListenSettings, weight: "warn" | "error"): void {
    if (listen.length > 0) this.#log.event(weight, "not-listening", { reason: nobodyYet });
    else this.#log.event("info", "not-listening", { reason: nobodyWanted });
  }

  /** To be called when a socket has failed by itself. */
  forget(id: ListenerId): void {
    for (const [key, { opened }] of this.#opened) {
      if (opened.id === id) this.#opened.delete(key);
    }
  }

  close(): void {
    for (const { opened } of this.#opened.values()) opened.close();
    this.#opened.clear();
  }

  /**
   * Whether discd must not start: a port that somebody wrote down is refused, or no
   * address at all is left for ordinary queries. Default ports of others can wait.
   */
  #isFatal({ ports, defaultPorts }: ListenSettings, { names, code }: Refusal): boolean {
    if (code === "EADDRNOTAVAIL") return false;
    if (names.some((name) => !defaultPorts.includes(name))) return true;
    const ordinary: readonly PortName[] = ["udp", "tcp"];
    const isOrdinary = (some: readonly PortName[]) => some.some((name) => ordinary.includes(name));
    const needsOrdinary = ordinary.some((name) => ports[name] !== false);
    const rest = [...this.#opened.values()].filter(
      ({ wanted }) => !needsOrdinary || isOrdinary(wanted.names),
    );
    return rest.length === 0 && (!needsOrdinary || isOrdinary(names));
  }

  /** One at a time: two that overlap would open a socket twice. */
  #reconcile(settings: ListenSettings, present: readonly PresentInterface[]): Promise<Outcome> {
    const turn = this.#turn.then(async () => {
      const first = await this.#reconcileNow(settings, present);
      const denied = first.refusals.find(
        ({ code, names }) =>
          code === "EACCES" && names.every((name) => settings.defaultPorts.includes(name)),
      );
      if (denied === undefined || this.#isMoved) return first;
      this.#isMoved = true;
      const second = await this.#reconcileNow(settings, present);
      // What the first attempt opened at an old port, the second has closed unseen.
      const kept = first.opened.filter((one) => !second.closed.includes(one));
      const opened = [...kept, ...second.opened];
      return { ...second, opened, closed: first.closed, deniedPort: denied.port };
    });
    this.#turn = turn;
    return turn;
  }

  async #reconcileNow(
    settings: ListenSettings,
    present: readonly PresentInterface[],
  ): Promise<Outcome> {
    const wanted = this.#wanted(settings, present);
    const outcome: Outcome = { refusals: [], opened: [], closed: [] };
    for (const [key, one] of this.#opened) {
      const still = wanted.get(key);
      if (still !== undefined) {
        one.wanted = still;
        continue;
      }
      one.opened.close();
      this.#opened.delete(key);
      outcome.closed.push(one.opened);
    }
    const openings = [...wanted].map(async ([key, one]) => {
      if (this.#opened.has(key)) return;
      const { zone } = one.address;
      if (zone !== undefined && !present.some(({ name }) => name === zone)) {
        // The kernel knows no words for an interface that is not there.
        outcome.refusals.push({ ...one, code: "EADDRNOTAVAIL" });
        return;
      }
      try {
        const opened = await this.#open[one.transport](formatAddress(one.address), one.port);
        this.#opened.set(key, { opened, wanted: one });
        outcome.opened.push(opened);
        this.#complaints.delete(subjectOf(one));
        this.#complaints.delete(formatAddress(one.address));
      } catch (error) {
        outcome.refusals.push({ ...one, code: codeOf(error) });
      }
    });
    await Promise.all(openings);
    return outcome;
  }

  #wanted(
    settings: ListenSettings,
    present: readonly PresentInterface[],
  ): ReadonlyMap<string, Wanted> {
    const { ports, defaultPorts, credentials } = settings;
    const inForce = this.#isMoved ? movePorts(ports, defaultPorts) : ports;
    const wanted = new Map<string, Wanted>();
    for (const address of addressesOf(settings, present)) {
      const scope = present.find(({ name }) => name === address.zone)?.index ?? "";
      for (const one of wantedPorts(inForce, credentials !== undefined)) {
        const key = `${one.transport} ${formatAddress(address)} ${scope} ${one.port}`;
        wanted.set(key, { ...one, address });
      }
    }
    return wanted;
  }

  #tell({ refusals, opened, closed, deniedPort }: Outcome): void {
    if (deniedPort !== undefined) this.#tellMoved(deniedPort);
    for (const { id } of closed) this.#log.event("info", "listener-closed", { listener: id });
    for (const { id } of opened) this.#log.event("info", "listening", { listener: id });
    for (const refusal of refusals) this.#complain(refusal);
    this.#refused = [...new Set(refusals.map(describe))];
  }

  #tellMoved(deniedPort: number): void {
    const places = [...this.#opened.values()].map(({ opened, wanted }) => {
      return `${opened.port}/${wanted.transport}`;
    });
    this.#log.event("warn", "ports-moved", {
      listening: [...new Set(places)].sort(),
      reason: `no right to bind port ${deniedPort}`,
      remedy: permission,
    });
  }

  #complain(refusal: Refusal): void {
    const isGone = refusal.code === "EADDRNOTAVAIL";
    const subject = isGone ? formatAddress(refusal.address) : subjectOf(refusal);
    if (this.#complaints.get(subject) === refusal.code) return;
    this.#complaints.set(subject, refusal.code);
    this.#log.event("warn", "not-listening", { reason: describe(refusal) });
  }
}

const subjectOf = ({ transport, address, port }: Wanted): string =>
  `${transport} ${formatAddress(address)} ${port}`;

const permission =
  "AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit, " +
  "or setcap cap_net_bind_service=+ep on the node executable";

const notThere = "no interface has this address; it is used as soon as one does";

/** `cannot listen on 192.0.2.53:53 (UDP): in use by named (pid 812); …` */
function describe({ transport, address, port, code }: Refusal): string {
  const host = formatAddress(address);
  // Of an address that is not there no port can be opened: one line is for all of them.
  if (code === "EADDRNOTAVAIL") return `cannot listen on ${host}: ${notThere}`;
  const place = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const cause = causeOf(transport, address, port, code);
  return `cannot listen on ${place} (${transport.toUpperCase()}): ${cause}`;
}

function causeOf(transport: Transport, address: Address, port: number, code: string): string {
  switch (code) {
    case "EACCES":
      return `permission denied; grant ${permission}, or set another port`;
    case "EADDRINUSE": {
      const owner = findPortOwner(transport === "udp" ? "udp" : "tcp", address, port);
      const by = owner === undefined ? "already in use" : `in use by ${owner}`;
      return `${by}; stop that program, list other addresses in 'listen', or set another port`;
    }
    default:
      return code;
  }
}

/** The addresses to listen on, each once. 0.0.0.0 and :: stand for all of their family. */
export function addressesOf(
  { listen }: Pick<ListenSettings, "listen">,
  present: readonly PresentInterface[],
): readonly Address[] {
  // Also those of an interface that is down: its addresses are still this host's.
  const local = present
    .flatMap(({ addresses }) => addresses.map(({ address }) => address))
    .filter(({ zone }) => zone === undefined);
  const wanted =
    listen === "all"
      ? local
      : listen.flatMap((address) => {
          if (address.bytes.some((byte) => byte !== 0)) return [address];
          return local.filter(({ family }) => family === address.family);
        });
  const unique = new Map(wanted.map((address) => [formatAddress(address), address]));
  return [...unique.values()];
}

/** For tools and tests: the address of a listener. */
export function placeOf(id: ListenerId): { address: Address; port: number } | undefined {
  const found = /^\[?(.*?)\]?:(\d+)\/(udp|tcp|tls)$/.exec(id);
  const address = parseAddress(found?.[1] ?? "");
  return address === undefined ? undefined : { address, port: Number(found?.[2]) };
}
