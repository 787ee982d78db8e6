// The addresses and ports on which clients are heard: one UDP socket and one TCP
// listener per local address, kept in step with the interfaces. Also what to do
// where the system refuses: default ports move, written ones do not
// (privileges, ports taken by others).

import { type Address, formatAddress, parseAddress } from "../address.js";
import type { ListenerId } from "../engine/io.js";
import type { Log } from "../log.js";
import type { PresentInterface } from "./interfaces.js";
import { codeOf } from "./multicast.js";
import { findPortOwner } from "./port-owner.js";
import type { Opened } from "./udp.js";

export interface Ports {
  readonly udp: number | false;
  readonly tcp: number | false;
}

export interface ListenSettings {
  /** All: every address of the host but IPv6 link-local ones, which have to be listed. */
  readonly listen: "all" | readonly Address[];
  readonly ports: Ports;
  /** Whether nobody wrote the ports down, so that they may move. */
  readonly portsAreDefault: boolean;
}

/** Why discd cannot start: one line for the operator, with the remedy. */
export class StartError extends Error {
  override readonly name = "StartError";
}

type Transport = keyof Ports;

/** Opens a socket or a listener; rejected with an error that has a `code`. */
export type Open = (address: string, port: number) => Promise<Opened>;

/** The default port, and where it moves without the right to bind it. */
const privilegedPort = 53;
const movedPort = 5300;

const nobodyYet = "no query can arrive: there is no address to listen on";

interface Refusal {
  readonly transport: Transport;
  readonly address: Address;
  readonly port: number;
  readonly code: string;
}

/** What one comparison of wanted and open has led to. */
interface Outcome {
  readonly refusals: Refusal[];
  readonly opened: Opened[];
  readonly closed: Opened[];
  /** The default ports were given up for others. */
  readonly hasMoved: boolean;
}

export class Listening {
  readonly #open: Readonly<Record<Transport, Open>>;
  readonly #log: Log;
  /** By transport, address, interface index of a scope, and port wanted. */
  readonly #opened = new Map<string, Opened>();
  readonly #complaints = new Map<string, string>();
  #isMoved = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(open: Readonly<Record<Transport, Open>>, log: Log) {
    this.#open = open;
    this.#log = log;
  }

  /** The open ones: UDP sockets and TCP listeners. */
  get listeners(): readonly ListenerId[] {
    return [...this.#opened.values()].map(({ id }) => id).sort();
  }

  /** Opens everything for the first time; rejected with a StartError. */
  async start(settings: ListenSettings, present: readonly PresentInterface[]): Promise<void> {
    const outcome = await this.#reconcile(settings, present);
    const fault = outcome.refusals.find(({ code }) => code !== "EADDRNOTAVAIL");
    const isFatal = !settings.portsAreDefault || this.#opened.size === 0;
    if (fault !== undefined && isFatal) {
      this.close();
      throw new StartError(describe(fault));
    }
    this.#tell(outcome);
    if (this.#opened.size === 0) this.#log.event("warn", "not-listening", { reason: nobodyYet });
  }

  /** Closes and opens what changed; a refusal is logged once, and tried again next time. */
  async follow(settings: ListenSettings, present: readonly PresentInterface[]): Promise<void> {
    const outcome = await this.#reconcile(settings, present);
    this.#tell(outcome);
    if (outcome.closed.length > 0 && this.#opened.size === 0) {
      this.#log.event("error", "not-listening", { reason: nobodyYet });
    }
  }

  /** To be called when a socket has failed by itself. */
  forget(id: ListenerId): void {
    for (const [key, opened] of this.#opened) {
      if (opened.id === id) this.#opened.delete(key);
    }
  }

  close(): void {
    for (const opened of this.#opened.values()) opened.close();
    this.#opened.clear();
  }

  /** One at a time: two that overlap would open a socket twice. */
  #reconcile(settings: ListenSettings, present: readonly PresentInterface[]): Promise<Outcome> {
    const turn = this.#turn.then(async () => {
      const first = await this.#reconcileNow(settings, present);
      const isDenied = first.refusals.some(({ code }) => code === "EACCES");
      if (!isDenied || !settings.portsAreDefault || this.#isMoved) return first;
      this.#isMoved = true;
      const second = await this.#reconcileNow(settings, present);
      // What the first attempt opened at the old port, the second has closed unseen.
      return { ...second, closed: first.closed, hasMoved: true };
    });
    this.#turn = turn;
    return turn;
  }

  async #reconcileNow(
    settings: ListenSettings,
    present: readonly PresentInterface[],
  ): Promise<Outcome> {
    const wanted = new Map<string, { transport: Transport; address: Address; port: number }>();
    for (const address of addressesOf(settings, present)) {
      const scope = present.find(({ name }) => name === address.zone)?.index ?? "";
      for (const transport of ["udp", "tcp"] as const) {
        const port = this.#portOf(settings, transport);
        if (port === false) continue;
        const key = `${transport} ${formatAddress(address)} ${scope} ${port}`;
        wanted.set(key, { transport, address, port });
      }
    }
    const outcome: Outcome = { refusals: [], opened: [], closed: [], hasMoved: false };
    for (const [key, opened] of this.#opened) {
      if (wanted.has(key)) continue;
      opened.close();
      this.#opened.delete(key);
      outcome.closed.push(opened);
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
        this.#opened.set(key, opened);
        outcome.opened.push(opened);
        this.#complaints.delete(`${one.transport} ${formatAddress(one.address)} ${one.port}`);
      } catch (error) {
        outcome.refusals.push({ ...one, code: codeOf(error) });
      }
    });
    await Promise.all(openings);
    return outcome;
  }

  #portOf(settings: ListenSettings, transport: Transport): number | false {
    const port = settings.ports[transport];
    const isMoving = this.#isMoved && settings.portsAreDefault && port === privilegedPort;
    return isMoving ? movedPort : port;
  }

  #tell({ refusals, opened, closed, hasMoved }: Outcome): void {
    if (hasMoved) this.#log.event("warn", "ports-moved", moved);
    for (const { id } of closed) this.#log.event("info", "listener-closed", { listener: id });
    for (const { id } of opened) this.#log.event("info", "listening", { listener: id });
    for (const refusal of refusals) this.#complain(refusal);
  }

  #complain(refusal: Refusal): void {
    const subject = `${refusal.transport} ${formatAddress(refusal.address)} ${refusal.port}`;
    if (this.#complaints.get(subject) === refusal.code) return;
    this.#complaints.set(subject, refusal.code);
    this.#log.event("warn", "not-listening", { reason: describe(refusal) });
  }
}

const permission =
  "AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit, " +
  "or setcap cap_net_bind_service=+ep on the node executable";

/** Fields of the log line. */
const moved = {
  from: privilegedPort,
  to: movedPort,
  reason: `no right to bind port ${privilegedPort}`,
  remedy: permission,
};

/** `cannot listen on 192.0.2.53:53 (UDP): in use by named (pid 812); …` */
function describe({ transport, address, port, code }: Refusal): string {
  const host = formatAddress(address);
  const place = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const cause = causeOf(transport, address, port, code);
  return `cannot listen on ${place} (${transport.toUpperCase()}): ${cause}`;
}

function causeOf(transport: Transport, address: Address, port: number, code: string): string {
  switch (code) {
    case "EACCES":
      return `permission denied; grant ${permission}, or set another port`;
    case "EADDRINUSE": {
      const owner = findPortOwner(transport, address, port);
      const by = owner === undefined ? "already in use" : `in use by ${owner}`;
      return `${by}; stop that program, list other addresses in 'listen', or set another port`;
    }
    case "EADDRNOTAVAIL":
      return "no interface has this address; it is used as soon as one does";
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
  const found = /^\[?(.*?)\]?:(\d+)\/(udp|tcp)$/.exec(id);
  const address = parseAddress(found?.[1] ?? "");
  return address === undefined ? undefined : { address, port: Number(found?.[2]) };
}
