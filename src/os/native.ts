// The system calls that Node does not have: a multicast socket bound to one
// device, facts about an interface, a datagram to a Unix socket. The only user
// of koffi. Nothing here is needed to run: where the library cannot be loaded,
// callers fall back and say what is lost.

import { readFileSync } from "node:fs";
import { endianness } from "node:os";
import type { LibraryHandle } from "koffi";
import type { ManyCalls, Memory } from "./datagrams.js";
import type { PacketCalls } from "./packets.js";
import { socketAddress } from "./socket-address.js";

/** An operating fault with the name of its errno, as in `EACCES`. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  readonly code: string;

  constructor(call: string, code: string) {
    super(`${call}: ${code}`);
    this.code = code;
  }
}

/** What the kernel says of an interface, up or down. */
export interface InterfaceFacts {
  readonly index: number;
  readonly mtu: number;
  /** IFF_ flags. */
  readonly flags: number;
  readonly vlan?: number;
}

/** Where a multicast socket listens and sends. */
export interface MulticastPlace {
  /** Interface name and index. */
  readonly name: string;
  readonly index: number;
  readonly group: Uint8Array;
  readonly port: number;
  readonly ttl: number;
}

/** Where a socket listens for what is sent to one address of an interface. */
export interface DevicePlace {
  /** Interface name. */
  readonly name: string;
  /** IPv4. */
  readonly address: Uint8Array;
  readonly port: number;
}

export interface Native {
  /**
   * A UDP socket that receives what is sent to an IPv4 group on one interface, and nothing else.
   *
   * @returns a descriptor to adopt; SystemError otherwise
   */
  openMulticast(place: MulticastPlace): number;
  /** Leaves the group of such a socket and joins it again at once, which tells the switches. */
  rejoin(fd: number, place: Pick<MulticastPlace, "group" | "index">): void;
  /**
   * A socket that receives the IGMP messages that come in on an interface, IPv4 headers included.
   *
   * @returns a descriptor for `receive` and `close`; SystemError with EPERM without CAP_NET_RAW
   */
  openIgmp(name: string): number;
  /** Reads one message that has come in. @returns its length; undefined when there is none */
  receive(fd: number, into: Uint8Array): number | undefined;
  /** Closes a descriptor that nobody has adopted. */
  close(fd: number): void;
  /**
   * A UDP socket that receives what comes in on one interface for one IPv4 address of it. Others
   * may bind to the same port.
   *
   * @returns a descriptor to adopt; SystemError otherwise
   */
  openOnDevice(place: DevicePlace): number;
  /**
   * A UDP socket bound to a place, given as the kernel wants it (socket-address.ts).
   *
   * @returns a descriptor to adopt; SystemError otherwise
   */
  openUdp(place: Uint8Array): number;
  /** Adopting a descriptor, Node lets others bind to the same address: this forbids it again. */
  keepAlone(fd: number): void;
  /** Undefined when no interface has the index. */
  findName(index: number): string | undefined;
  /** Absent where datagrams.ts does not know the layout of messages. */
  readonly many: ManyCalls | undefined;
  /** Absent where packets.ts does not know the layout of filters. */
  readonly packets: PacketCalls | undefined;
  /** Undefined when there is no such interface. */
  findInterface(name: string): InterfaceFacts | undefined;
  /**
   * Whether somebody keeps the system's clock right, as the kernel was told (adjtimex(2));
   * undefined where it does not say.
   */
  isClockKept(): boolean | undefined;
  /** Sends one datagram to a Unix socket; a leading @ names an abstract one. */
  sendUnix(path: string, text: string): void;
}

// <bits/socket.h>, <asm-generic/socket.h>, <linux/in.h>, <linux/sockios.h>, <linux/if_vlan.h>
const afUnix = 1;
const afInet = 2;
const sockDatagram = 2 | 0o2000000 | 0o4000; // SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK
const sockRaw = 3 | 0o2000000 | 0o4000;
const protocolIgmp = 2;
const levelSocket = 1;
const levelIp = 0;
const dontWait = 0x40;
const socketOption = {
  reuseAddress: 2,
  receiveBuffer: 8,
  reusePort: 15,
  bindToDevice: 25,
} as const;
const ipOption = {
  multicastIf: 32,
  multicastTtl: 33,
  multicastLoop: 34,
  join: 35,
  leave: 36,
  all: 49,
} as const;
const ipTtl = 2;
const requestFlags = 0x8913;
const requestMtu = 0x8921;
const requestIndex = 0x8933;
const requestVlan = 0x8982;
const vlanGetId = 9;
const interfaceNameMax = 15;
/** Some queries: what does not fit is told by the next one. */
const igmpBuffer = 16 * 1024;

// <linux/timex.h>, for words of 8 bytes: where `status` stands in struct timex, and its size.
const timexStatus = 40;
const timexSize = 208;
const unsynchronised = 0x40;

type Call = (...words: (number | Uint8Array)[]) => number;

function integer(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** struct ip_mreqn: group, no local address, interface by index. */
function membership(group: Uint8Array, index: number): Uint8Array {
  const bytes = new Uint8Array(12);
  bytes.set(group, 0);
  bytes.set(integer(index), 8);
  return bytes;
}

/** struct sockaddr_un. */
function unixAddress(path: string): Uint8Array {
  const text = new TextEncoder().encode(path.replace(/^@/, "\0"));
  const isAbstract = path.startsWith("@");
  const bytes = new Uint8Array(2 + text.length + (isAbstract ? 0 : 1));
  bytes.set(new Uint8Array(Uint16Array.of(afUnix).buffer), 0);
  bytes.set(text, 2);
  return bytes;
}

type Allocate = (size: number) => Memory;

function manyCalls(library: LibraryHandle, allocate: Allocate): ManyCalls {
  type Call = (fd: number, headers: bigint, count: number, flags: number, none?: null) => number;
  const receive: Call = library.func("int recvmmsg(int, void *, uint32_t, int, void *)");
  const send: Call = library.func("int sendmmsg(int, void *, uint32_t, int)");
  return {
    allocate,
    receive: (fd, headers, count) => receive(fd, headers, count, dontWait, null),
    send: (fd, headers, count) => send(fd, headers, count, dontWait),
  };
}

function packetCalls(library: LibraryHandle, errno: () => string, allocate: Allocate): PacketCalls {
  const option = "int, int, int";
  const from = "const uint8_t *, uint32_t";
  const into = "uint8_t *, uint32_t *";
  return {
    allocate,
    errno,
    socket: library.func("int socket(int, int, int)"),
    bind: library.func(`int bind(int, ${from})`),
    setOption: library.func(`int setsockopt(${option}, ${from})`),
    option: library.func(`int getsockopt(${option}, ${into})`),
    receive: library.func(`long recvfrom(int, uint8_t *, size_t, int, ${into})`),
    ioctl: library.func("int ioctl(int, unsigned long, uint8_t *)"),
    close: library.func("int close(int)"),
  };
}

class LibC implements Native {
  readonly #socket: Call;
  readonly #setsockopt: Call;
  readonly #bind: Call;
  readonly #close: Call;
  readonly #ioctl: Call;
  readonly #sendto: Call;
  readonly #recv: (fd: number, into: Uint8Array, size: number, flags: number) => number | bigint;
  /** Undefined where the layout of struct timex is another one. */
  readonly #adjtimex: Call | undefined;
  readonly #indexToName: (index: number, name: Uint8Array) => unknown;
  readonly #errno: () => string;
  readonly many: ManyCalls | undefined;
  readonly packets: PacketCalls | undefined;
  #asking = -1;

  constructor(library: LibraryHandle, errno: () => string, allocate: Allocate | undefined) {
    this.#socket = library.func("int socket(int, int, int)");
    this.#setsockopt = library.func("int setsockopt(int, int, int, const uint8_t *, uint32_t)");
    this.#bind = library.func("int bind(int, const uint8_t *, uint32_t)");
    this.#close = library.func("int close(int)");
    this.#ioctl = library.func("int ioctl(int, unsigned long, _Inout_ uint8_t *)");
    this.#sendto = library.func(
      "long sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)",
    );
    this.#recv = library.func("long recv(int, _Out_ uint8_t *, size_t, int)");
    this.#indexToName = library.func("void *if_indextoname(uint32_t, _Out_ uint8_t *)");
    this.#errno = errno;
    if (allocate !== undefined) this.#adjtimex = library.func("int adjtimex(_Inout_ uint8_t *)");
    this.many = allocate === undefined ? undefined : manyCalls(library, allocate);
    this.packets = allocate === undefined ? undefined : packetCalls(library, errno, allocate);
  }

  openMulticast({ name, index, group, port, ttl }: MulticastPlace): number {
    const fd = this.#open(afInet);
    try {
      this.#set(fd, levelSocket, socketOption.reuseAddress, integer(1));
      this.#set(fd, levelSocket, socketOption.reusePort, integer(1));
      try {
        this.#set(fd, levelSocket, socketOption.bindToDevice, new TextEncoder().encode(name));
      } catch (error) {
        // Before Linux 5.7 a privilege. Without IP_MULTICAST_ALL the group is still
        // heard on the joined interface only; replies to one address follow the routes.
        if (!(error instanceof SystemError) || error.code !== "EPERM") throw error;
      }
      this.#set(fd, levelIp, ipOption.all, integer(0));
      this.#set(fd, levelIp, ipOption.join, membership(group, index));
      this.#set(fd, levelIp, ipOption.multicastIf, membership(group, index));
      this.#set(fd, levelIp, ipOption.multicastTtl, integer(ttl));
      this.#set(fd, levelIp, ipOption.multicastLoop, integer(1));
      this.#set(fd, levelIp, ipTtl, integer(ttl));
      const address = socketAddress({ family: "ipv4", bytes: group }, 0, port);
      this.#check("bind", this.#bind(fd, address, address.length));
      return fd;
    } catch (error) {
      this.#close(fd);
      throw error;
    }
  }

  rejoin(fd: number, { group, index }: Pick<MulticastPlace, "group" | "index">): void {
    this.#set(fd, levelIp, ipOption.leave, membership(group, index));
    this.#set(fd, levelIp, ipOption.join, membership(group, index));
  }

  openIgmp(name: string): number {
    const fd = this.#check("socket", this.#socket(afInet, sockRaw, protocolIgmp));
    try {
      this.#set(fd, levelSocket, socketOption.receiveBuffer, integer(igmpBuffer));
      this.#set(fd, levelSocket, socketOption.bindToDevice, new TextEncoder().encode(name));
      return fd;
    } catch (error) {
      this.#close(fd);
      throw error;
    }
  }

  receive(fd: number, into: Uint8Array): number | undefined {
    const length = Number(this.#recv(fd, into, into.length, dontWait));
    return length < 0 ? undefined : length;
  }

  close(fd: number): void {
    this.#close(fd);
  }

  openOnDevice({ name, address, port }: DevicePlace): number {
    const fd = this.#open(afInet);
    try {
      this.#set(fd, levelSocket, socketOption.reuseAddress, integer(1));
      this.#set(fd, levelSocket, socketOption.reusePort, integer(1));
      this.#set(fd, levelSocket, socketOption.bindToDevice, new TextEncoder().encode(name));
      const place = socketAddress({ family: "ipv4", bytes: address }, 0, port);
      this.#check("bind", this.#bind(fd, place, place.length));
      return fd;
    } catch (error) {
      this.#close(fd);
      throw error;
    }
  }

  openUdp(place: Uint8Array): number {
    const fd = this.#open(place[0] as number);
    try {
      this.#check("bind", this.#bind(fd, place, place.length));
      return fd;
    } catch (error) {
      this.#close(fd);
      throw error;
    }
  }

  keepAlone(fd: number): void {
    this.#set(fd, levelSocket, socketOption.reuseAddress, integer(0));
  }

  findName(index: number): string | undefined {
    const name = Buffer.alloc(interfaceNameMax + 1);
    if (this.#indexToName(index, name) === null) return undefined;
    return name.toString("utf8", 0, name.indexOf(0));
  }

  findInterface(name: string): InterfaceFacts | undefined {
    const index = this.#request(requestIndex, name)?.getInt32(16, true);
    const flags = this.#request(requestFlags, name)?.getUint16(16, true);
    const mtu = this.#request(requestMtu, name)?.getInt32(16, true);
    if (index === undefined || flags === undefined || mtu === undefined) return undefined;
    const vlan = this.#findVlan(name);
    return { index, flags, mtu, ...(vlan === undefined ? {} : { vlan }) };
  }

  isClockKept(): boolean | undefined {
    // No bit of `modes` is set, so that nothing is changed.
    const bytes = new Uint8Array(timexSize);
    if (this.#adjtimex === undefined || this.#adjtimex(bytes) < 0) return undefined;
    const status = new DataView(bytes.buffer).getInt32(timexStatus, true);
    return (status & unsynchronised) === 0;
  }

  sendUnix(path: string, text: string): void {
    const fd = this.#open(afUnix);
    try {
      const address = unixAddress(path);
      const bytes = new TextEncoder().encode(text);
      const sent = this.#sendto(fd, bytes, bytes.length, 0, address, address.length);
      this.#check("sendto", Number(sent));
    } finally {
      this.#close(fd);
    }
  }

  #open(family: number): number {
    return this.#check("socket", this.#socket(family, sockDatagram, 0));
  }

  #set(fd: number, level: number, option: number, value: Uint8Array): void {
    this.#check("setsockopt", this.#setsockopt(fd, level, option, value, value.length));
  }

  #check(call: string, result: number): number {
    if (result < 0) throw new SystemError(call, this.#errno());
    return result;
  }

  /** struct ifreq, asked with a socket kept for that; undefined when the kernel declines. */
  #request(request: number, name: string): DataView | undefined {
    if (this.#asking < 0) this.#asking = this.#open(afInet);
    const bytes = new Uint8Array(40);
    bytes.set(new TextEncoder().encode(name).subarray(0, interfaceNameMax));
    if (this.#ioctl(this.#asking, request, bytes) < 0) return undefined;
    return new DataView(bytes.buffer);
  }

  /** struct vlan_ioctl_args: command, name, union with the id. */
  #findVlan(name: string): number | undefined {
    if (this.#asking < 0) this.#asking = this.#open(afInet);
    const bytes = new Uint8Array(56);
    bytes.set(integer(vlanGetId), 0);
    bytes.set(new TextEncoder().encode(name).subarray(0, interfaceNameMax), 4);
    if (this.#ioctl(this.#asking, requestVlan, bytes) < 0) return undefined;
    return new DataView(bytes.buffer).getInt32(28, true);
  }
}

/** Opens the C library; otherwise the reason why that is impossible here. */
export async function loadNative(): Promise<Native | { readonly reason: string }> {
  try {
    const { default: koffi } = await import("koffi");
    const names = new Map<number, string>();
    for (const [name, number] of Object.entries(koffi.os.errno)) names.set(number, name);
    const errno = () => names.get(koffi.errno()) ?? `errno ${koffi.errno()}`;
    const isKnownLayout = koffi.sizeof("void *") === 8 && endianness() === "LE";
    const allocate = (size: number) => {
      const address = koffi.alloc("uint8_t", size) as bigint;
      return { address, bytes: koffi.view(address, size) };
    };
    return new LibC(koffi.load(null), errno, isKnownLayout ? allocate : undefined);
  } catch (error) {
    return { reason: (error as Error).message.split("\n")[0] ?? "unknown" };
  }
}

/** The same facts from files. /sys may show another network namespace than ours. */
export function findInterfaceInFiles(name: string): InterfaceFacts | undefined {
  const read = (file: string) => Number(readFileSync(`/sys/class/net/${name}/${file}`, "latin1"));
  try {
    const facts = { index: read("ifindex"), mtu: read("mtu"), flags: read("flags") };
    const vlan = findVlanInFiles(name);
    return vlan === undefined ? facts : { ...facts, vlan };
  } catch {
    return undefined;
  }
}

/** Readable by root only. */
function findVlanInFiles(name: string): number | undefined {
  try {
    const text = readFileSync(`/proc/net/vlan/${name}`, "latin1");
    const id = /\bVID: (\d+)/.exec(text)?.[1];
    return id === undefined ? undefined : Number(id);
  } catch {
    return undefined;
  }
}
