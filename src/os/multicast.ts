// The sockets on UDP port 5353, one per link and family, so that each datagram
// is known to come from one link [DP-120] (RFC 6762 §5.2, §14, §15.1). IPv6
// needs only a scoped address; IPv4 a descriptor opened natively. Both are bound
// to the group: what others on this host receive by unicast is not ours to take.
// Where there are no others, sockets on the link's addresses may take it.

import { createSocket, type Socket } from "node:dgram";
import {
  contains,
  type Endpoint,
  type Family,
  formatAddress,
  type Prefix,
  parseAddress,
} from "../address.js";
import type { PresentInterface } from "./interfaces.js";
import type { Native } from "./native.js";

export const mdnsPort = 5353;
const groups = { ipv4: "224.0.0.251", ipv6: "ff02::fb" } as const;
const groupBytes = Uint8Array.of(224, 0, 0, 251);

/** RFC 6762 §11, for whatever is sent. */
const hopLimit = 255;

/** Answers come in bursts, from every device at once. The kernel gives less when it must. */
const receiveBuffer = 1024 * 1024;

/** Sources whose parsed form is remembered per socket. */
const sourcesMax = 1000;

/** What happens on a socket. */
export interface MulticastEars {
  received(family: Family, source: Endpoint, bytes: Uint8Array): void;
  /** A datagram could not be sent; the socket stays. */
  notSent(family: Family, code: string): void;
  /** The socket is of no use any more, and closed. */
  failed(family: Family, code: string): void;
}

/** Node would ask the resolver in another turn of the loop; our addresses are always numbers. */
export function numericLookup(
  host: string,
  _options: unknown,
  found: (error: null, address: string, family: number) => void,
): void {
  found(null, host, host.includes(":") ? 6 : 4);
}

/** One family's socket on one link, for its group or for one address. */
export class MulticastSocket {
  readonly family: Family;
  readonly #socket: Socket;
  readonly #device: PresentInterface;
  readonly #ears: MulticastEars;
  readonly #sources = new Map<string, Endpoint>();
  /** Without device-bound sockets: only sources of these prefixes are this link's. */
  readonly #isGuessing: boolean;
  readonly #renew: (() => void) | undefined;
  #isOpen = true;

  /**
   * Use `openMulticast`, which binds it.
   *
   * @param renew  leaves the group and joins it again; absent: the socket cannot
   */
  constructor(
    family: Family,
    socket: Socket,
    device: PresentInterface,
    ears: MulticastEars,
    isGuessing: boolean,
    renew?: () => void,
  ) {
    this.family = family;
    this.#socket = socket;
    this.#device = device;
    this.#ears = ears;
    this.#isGuessing = isGuessing;
    this.#renew = renew;
    socket.on("message", (bytes, from) => this.#receive(bytes, from.address, from.port));
    socket.on("error", (error) => {
      if (!this.#isOpen) return;
      this.close();
      ears.failed(family, codeOf(error));
    });
  }

  /**
   * Sends one datagram.
   *
   * @param sent  called when it has left, or has failed and was reported
   */
  send(to: "group" | Endpoint, bytes: Uint8Array, sent?: () => void): void {
    if (!this.#isOpen) {
      sent?.();
      return;
    }
    const port = to === "group" ? mdnsPort : to.port;
    this.#socket.send(bytes, port, this.#destination(to), (error) => {
      if (error !== null && this.#isOpen) this.#ears.notSent(this.family, codeOf(error));
      sent?.();
    });
  }

  /**
   * Joins the group again, since the link's addresses are others. Where an address is replaced
   * while the link stays up, Linux tells nobody: a switch goes on knowing us by a report that
   * came from an address that is gone, or from none.
   *
   * @returns whether that was possible; if not, the socket has to be opened anew
   */
  rejoin(): boolean {
    if (!this.#isOpen || this.#renew === undefined) return false;
    try {
      this.#renew();
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.close();
  }

  #destination(to: "group" | Endpoint): string {
    const { name } = this.#device;
    if (to === "group") return this.family === "ipv4" ? groups.ipv4 : `${groups.ipv6}%${name}`;
    const { address } = to;
    const isLinkLocal = this.family === "ipv6" && address.bytes[0] === 0xfe;
    if (!isLinkLocal || address.zone !== undefined) return formatAddress(address);
    return `${formatAddress(address)}%${name}`;
  }

  #receive(bytes: Uint8Array, address: string, port: number): void {
    const source = this.#sourceOf(address, port);
    if (source === undefined) return;
    if (this.#isGuessing) {
      const near = this.#device.addresses.some((prefix) => contains(prefix, source.address));
      if (!near) return;
    }
    this.#ears.received(this.family, source, bytes);
  }

  #sourceOf(address: string, port: number): Endpoint | undefined {
    const key = `${address} ${port}`;
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    const parsed = parseAddress(address);
    if (parsed === undefined) return undefined;
    if (this.#sources.size >= sourcesMax) this.#sources.clear();
    const source = { address: parsed, port };
    this.#sources.set(key, source);
    return source;
  }
}

export function codeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? code : String(error);
}

/**
 * Opens the socket of one family on one link.
 *
 * @param native  absent: IPv4 sockets hear every link, and the source's prefix has to tell
 * @returns rejected with an error that has a `code` when the port or the group is refused
 */
export async function openMulticast(
  family: Family,
  device: PresentInterface,
  native: Native | undefined,
  ears: MulticastEars,
): Promise<MulticastSocket> {
  if (family === "ipv6") {
    const socket = createSocket({
      type: "udp6",
      reuseAddr: true,
      ipv6Only: true,
      lookup: numericLookup,
    });
    const scope = `::%${device.name}`;
    await bound(socket, { address: `${groups.ipv6}%${device.name}`, port: mdnsPort }, () => {
      socket.addMembership(groups.ipv6, scope);
      socket.setMulticastInterface(scope);
    });
    return new MulticastSocket(family, socket, device, ears, false, () => {
      socket.dropMembership(groups.ipv6, scope);
      socket.addMembership(groups.ipv6, scope);
    });
  }
  if (native === undefined) return openGuessing(device, ears);
  const { name, index } = device;
  const where = { name, index, group: groupBytes, port: mdnsPort, ttl: hopLimit };
  const fd = native.openMulticast(where);
  const socket = createSocket({ type: "udp4", lookup: numericLookup });
  await bound(socket, { fd }, () => {});
  const renew = () => native.rejoin(fd, where);
  return new MulticastSocket(family, socket, device, ears, false, renew);
}

/**
 * Opens a socket for what is sent by unicast to one of a link's own addresses: an IPv4 address,
 * or a link-local IPv6 address, from which questions leave for the group.
 *
 * @returns rejected with an error that has a `code`, as `openMulticast`
 */
export async function openDirect(
  { address }: Prefix,
  device: PresentInterface,
  native: Native,
  ears: MulticastEars,
): Promise<MulticastSocket> {
  const { family, bytes } = address;
  if (family === "ipv4") {
    const fd = native.openOnDevice({ name: device.name, address: bytes, port: mdnsPort });
    const socket = createSocket({ type: "udp4", lookup: numericLookup });
    await bound(socket, { fd }, () => {});
    return new MulticastSocket(family, socket, device, ears, false);
  }
  const socket = createSocket({
    type: "udp6",
    reuseAddr: true,
    ipv6Only: true,
    lookup: numericLookup,
  });
  const scoped = `${formatAddress({ family, bytes })}%${device.name}`;
  await bound(socket, { address: scoped, port: mdnsPort }, () => {});
  return new MulticastSocket(family, socket, device, ears, false);
}

/** IPv4 with nothing but what Node offers. */
async function openGuessing(
  device: PresentInterface,
  ears: MulticastEars,
): Promise<MulticastSocket> {
  const own = device.addresses.find(({ address }) => address.family === "ipv4");
  if (own === undefined) throw Object.assign(new Error("no address"), { code: "EADDRNOTAVAIL" });
  const local = formatAddress(own.address);
  const socket = createSocket({ type: "udp4", reuseAddr: true, lookup: numericLookup });
  await bound(socket, { address: groups.ipv4, port: mdnsPort }, () => {
    socket.addMembership(groups.ipv4, local);
    socket.setMulticastInterface(local);
  });
  return new MulticastSocket("ipv4", socket, device, ears, true);
}

/** Binds and sets what every socket here needs; closes the socket when any of it fails. */
function bound(
  socket: Socket,
  where: { address: string; port: number } | { fd: number },
  join: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.close();
      reject(error);
    };
    socket.once("error", fail);
    socket.bind(where, () => {
      try {
        join();
        socket.setMulticastTTL(hopLimit);
        socket.setTTL(hopLimit);
        socket.setMulticastLoopback(true);
        socket.setRecvBufferSize(receiveBuffer);
        socket.removeListener("error", fail);
        resolve();
      } catch (error) {
        fail(error);
      }
    });
  });
}
