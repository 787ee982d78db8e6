// Asks a question through the socket of each link without anybody on the link
// hearing it: multicast with a hop limit of zero does not leave the host, but is
// handed to all who have joined the group there (ip(7), ipv6(7)). When it arrives,
// the socket is alive, bound to the right interface and still in its group. A reflector on
// this host is one of those who hear it: avahi's repeats what does not come from port 5353.

import { createSocket, type Socket } from "node:dgram";
import { type Family, formatAddress } from "../address.js";
import { ProbeBook } from "../api/probes.js";
import { RRClass, RRType } from "../wire/codes.js";
import { encodeMessage } from "../wire/message.js";
import { parseName } from "../wire/name.js";
import { now } from "./clock.js";
import type { PresentInterface } from "./interfaces.js";
import { codeOf, mdnsPort, numericLookup } from "./multicast.js";
import type { Native } from "./native.js";

const groups = { ipv4: "224.0.0.251", ipv6: "ff02::fb" } as const;
const groupBytes = Uint8Array.of(224, 0, 0, 251);

/** A link to be asked, and the families that it speaks. */
export interface ProbedLink {
  readonly device: PresentInterface;
  readonly families: readonly Family[];
}

export class LinkProbes {
  readonly #book = new ProbeBook();
  readonly #native: Native | undefined;
  readonly #random: () => number;
  /** What was sent last, by link and family. */
  readonly #sent = new Map<string, Uint8Array>();

  /**
   * @param native  absent: of two links with the same IPv4 address one is asked twice
   * @param random  32 bits of chance
   */
  constructor(native: Native | undefined, random: () => number) {
    this.#native = native;
    this.#random = random;
  }

  /** Asks all of them once. */
  async round(links: readonly ProbedLink[]): Promise<void> {
    const wanted = links.flatMap(({ device, families }) =>
      families.map((family) => ({ device, family, key: keyOf(device.name, family) })),
    );
    this.#book.keep(wanted.map(({ key }) => key));
    for (const key of this.#sent.keys()) {
      if (!wanted.some((one) => one.key === key)) this.#sent.delete(key);
    }
    await Promise.all(wanted.map(({ device, family, key }) => this.#ask(device, family, key)));
  }

  /**
   * To be shown every datagram before anybody else gets it.
   *
   * @returns whether it is one of ours: then it is nobody else's
   */
  take(link: string, family: Family, bytes: Uint8Array): boolean {
    const key = keyOf(link, family);
    const sent = this.#sent.get(key);
    if (sent === undefined || Buffer.compare(sent, bytes) !== 0) return false;
    this.#book.answered(now(), key);
    return true;
  }

  /** One state for each link: that of its worst family. */
  get states() {
    const states = this.#book.states(now()).map((state) => ({
      ...state,
      name: state.name.slice(0, state.name.indexOf(" ")),
    }));
    const worst = new Map<string, (typeof states)[number]>();
    for (const state of states) {
      const known = worst.get(state.name);
      if (known === undefined || isWorse(state, known)) worst.set(state.name, state);
    }
    return [...worst.values()];
  }

  async #ask(device: PresentInterface, family: Family, key: string): Promise<void> {
    // A name that nobody has, so that other responders of this host have nothing to say.
    const name = parseName(`probe-${(this.#random() >>> 0).toString(16)}._discd._udp.local`);
    const bytes = encodeMessage({ questions: [{ name, type: RRType.SRV, class: RRClass.IN }] });
    this.#sent.set(key, bytes);
    this.#book.asked(now(), key);
    const fault = await sendToHost(this.#native, device, family, bytes);
    if (fault !== undefined) this.#book.failed(key, fault);
  }
}

const keyOf = (link: string, family: Family): string => `${link} ${family}`;

interface Compared {
  readonly answeredSecondsAgo: number | null;
  readonly reason?: string;
}

function isWorse(one: Compared, other: Compared): boolean {
  if (other.reason !== undefined) return false;
  if (one.reason !== undefined) return true;
  const age = ({ answeredSecondsAgo }: Compared) => answeredSecondsAgo ?? Number.POSITIVE_INFINITY;
  return age(one) > age(other);
}

/** @returns why it could not be sent */
function sendToHost(
  native: Native | undefined,
  device: PresentInterface,
  family: Family,
  bytes: Uint8Array,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = socketFor(family);
    const settle = (fault: string | undefined) => {
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.close();
      resolve(fault);
    };
    socket.once("error", (error) => settle(codeOf(error)));
    try {
      socket.bind(placeOn(native, device, family), () => {
        try {
          aim(socket, device, family, native !== undefined);
        } catch (error) {
          settle(codeOf(error));
          return;
        }
        const group = family === "ipv4" ? groups.ipv4 : `${groups.ipv6}%${device.name}`;
        socket.send(bytes, mdnsPort, group, (error) => {
          settle(error === null ? undefined : codeOf(error));
        });
      });
    } catch (error) {
      settle(codeOf(error));
    }
  });
}

const socketFor = (family: Family): Socket =>
  family === "ipv4"
    ? createSocket({ type: "udp4", lookup: numericLookup })
    : createSocket({ type: "udp6", reuseAddr: true, ipv6Only: true, lookup: numericLookup });

/**
 * At the group's own address: there nobody's unicast is taken away. For IPv4 only a socket opened
 * natively belongs to one interface, whatever its addresses.
 */
function placeOn(
  native: Native | undefined,
  { name, index }: PresentInterface,
  family: Family,
): { address?: string; port: number } | { fd: number } {
  if (family === "ipv6") return { address: `${groups.ipv6}%${name}`, port: mdnsPort };
  if (native === undefined) return { port: 0 };
  return { fd: native.openMulticast({ name, index, group: groupBytes, port: mdnsPort, ttl: 1 }) };
}

/** To all who listen on that interface of this host, and to nobody else. */
function aim(socket: Socket, device: PresentInterface, family: Family, isNative: boolean): void {
  socket.setMulticastTTL(0);
  socket.setMulticastLoopback(true);
  if (family === "ipv6") {
    socket.setMulticastInterface(`::%${device.name}`);
  } else if (!isNative) {
    const own = device.addresses.find(({ address }) => address.family === "ipv4");
    if (own === undefined) throw Object.assign(new Error("no address"), { code: "EADDRNOTAVAIL" });
    socket.setMulticastInterface(formatAddress(own.address));
  }
}
