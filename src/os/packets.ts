// A socket that hears the packets of every interface (packet(7)), each from its
// IP header on, with the interface it passed and the way it went. The right for
// it is CAP_NET_RAW.

import type { Memory } from "./datagrams.js";
import { SystemError } from "./native.js";
import { filterBytes, keptMax, namesFilter } from "./packet-filter.js";

/** The system calls; none waits. Less than 0 means that `errno` says why not. */
export interface PacketCalls {
  allocate(size: number): Memory;
  errno(): string;
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  setOption(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  option(fd: number, level: number, option: number, value: Uint8Array, length: Uint32Array): number;
  receive(
    fd: number,
    bytes: Uint8Array,
    length: number,
    flags: number,
    from: Uint8Array,
    fromLength: Uint32Array,
  ): number;
  ioctl(fd: number, request: number, bytes: Uint8Array): number;
  close(fd: number): number;
}

/** A packet that passed an interface of this host. */
export interface PassedPacket {
  /** Microseconds since 1970. */
  readonly at: number;
  /** Index of the interface. */
  readonly interface: number;
  /** Sent by this host. */
  readonly isOutgoing: boolean;
  /** PACKET_ of <linux/if_packet.h>: to us, to all, to a group, to others, from us. */
  readonly way: number;
  /** ARPHRD_ of the interface. */
  readonly hardware: number;
  /** ETH_P_ of what follows. */
  readonly protocol: number;
  /** The other end's address on the link, up to eight bytes. */
  readonly station: Uint8Array;
  /** From the IP header on, cut off at `keptMax`. */
  readonly bytes: Uint8Array;
  /** Of the packet as it passed. */
  readonly length: number;
}

// <bits/socket.h>, <linux/if_ether.h>, <linux/if_packet.h>, <asm-generic/sockios.h>
const afPacket = 17;
const cooked = 2 | 0o2000000 | 0o4000; // SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK
const everyProtocol = 0x0003;
const levelSocket = 1;
const levelPacket = 263;
const attachFilter = 26;
const receiveBuffer = 8;
const receiveBufferForced = 33;
const statistics = 6;
const flags = 0x40 | 0x20; // MSG_DONTWAIT | MSG_TRUNC
const requestStamp = 0x8906;
const outgoing = 4;

/** struct sockaddr_ll: family, protocol, index, hardware, way, length, address. */
const addressSize = 20;

/** Bytes that may wait: a quarter of a second of a fast uplink. */
const bufferWanted = 8 * 1024 * 1024;

/** Packets taken in one go, so that nothing else waits longer. */
const takenMax = 2000;

export class PacketEar {
  readonly #calls: PacketCalls;
  readonly #fd: number;
  readonly #bytes = new Uint8Array(keptMax);
  readonly #from = new Uint8Array(addressSize);
  #lost = 0;

  /** @throws SystemError, EPERM without the right to hear packets */
  constructor(calls: PacketCalls) {
    this.#calls = calls;
    this.#fd = this.#check("socket", calls.socket(afPacket, cooked, 0));
    try {
      const size = new Uint8Array(Int32Array.of(bufferWanted).buffer);
      // The first needs a right of its own, the second is cut off at what the system allows.
      if (this.#set(receiveBufferForced, size) < 0) this.#set(receiveBuffer, size);
      this.#filter();
      // Only now does it hear anything: nothing came in unfiltered before.
      const place = new Uint8Array(addressSize);
      const view = new DataView(place.buffer);
      view.setUint16(0, afPacket, true);
      view.setUint16(2, everyProtocol);
      this.#check("bind", calls.bind(this.#fd, place, place.length));
      // Asked for once, times are kept from then on.
      calls.ioctl(this.#fd, requestStamp, new Uint8Array(16));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Hands out what has passed since the last time.
   *
   * @param heard  its bytes are only good until it returns
   * @returns whether more may wait
   */
  take(heard: (packet: PassedPacket) => void): boolean {
    const { ioctl, receive } = this.#calls;
    const view = new DataView(this.#from.buffer);
    const length = Uint32Array.of(addressSize);
    for (let count = 0; count < takenMax; count++) {
      length[0] = addressSize;
      const got = receive(this.#fd, this.#bytes, keptMax, flags, this.#from, length);
      if (got < 0) return false;
      const stamp = new Uint8Array(16);
      const isStamped = ioctl(this.#fd, requestStamp, stamp) >= 0;
      const way = this.#from[10] as number;
      heard({
        at: isStamped ? microseconds(stamp) : Date.now() * 1000,
        interface: view.getInt32(4, true),
        isOutgoing: way === outgoing,
        way,
        hardware: view.getUint16(8, true),
        protocol: view.getUint16(2),
        station: this.#from.slice(12, 12 + Math.min(this.#from[11] as number, 8)),
        bytes: this.#bytes.subarray(0, Math.min(Number(got), keptMax)),
        length: Number(got),
      });
    }
    return true;
  }

  /** Packets that passed unheard, since there was no room for them. */
  lost(): number {
    // struct tpacket_stats: packets and drops since it was asked last.
    const counts = new Uint8Array(8);
    const { option } = this.#calls;
    const length = Uint32Array.of(8);
    if (option(this.#fd, levelPacket, statistics, counts, length) >= 0) {
      this.#lost += new DataView(counts.buffer).getUint32(4, true);
    }
    return this.#lost;
  }

  close(): void {
    this.#calls.close(this.#fd);
  }

  /** struct sock_fprog: a count, and where the instructions are. */
  #filter(): void {
    const program = filterBytes(namesFilter());
    const { address, bytes } = this.#calls.allocate(program.length);
    new Uint8Array(bytes).set(program);
    const value = new Uint8Array(16);
    const view = new DataView(value.buffer);
    view.setUint16(0, program.length / 8, true);
    view.setBigUint64(8, BigInt(address), true);
    this.#check("setsockopt", this.#set(attachFilter, value));
  }

  #set(option: number, value: Uint8Array): number {
    return this.#calls.setOption(this.#fd, levelSocket, option, value, value.length);
  }

  #check(call: string, result: number): number {
    if (result < 0) throw new SystemError(call, this.#calls.errno());
    return result;
  }
}

/** struct timeval. */
function microseconds(stamp: Uint8Array): number {
  const view = new DataView(stamp.buffer);
  return Number(view.getBigInt64(0, true)) * 1_000_000 + Number(view.getBigInt64(8, true));
}
