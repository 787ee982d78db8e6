// What really crossed a link: tcpdump on the link's bridge, its pcap stream read
// as it comes. Each frame is seen once, whoever sent it.

import { setTimeout as sleep } from "node:timers/promises";
import { Child } from "./children.js";
import { plainName, type TypeName, typeNumber } from "./packet.js";
import { type Seen, unpack } from "./unpack.js";

export interface Frame {
  /** Milliseconds of the wall clock. */
  readonly at: number;
  /** Hardware address of the sender. */
  readonly mac: string;
  readonly family: 4 | 6 | 0;
  readonly source: string;
  readonly target: string;
  /** IPv4 TTL or IPv6 hop limit. */
  readonly hops: number;
  /** Bytes of the IP packet, headers included. */
  readonly length: number;
  /** 0 where it is no UDP. */
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly payload: Buffer;
  /** The DNS message, if it is one. */
  readonly message: Seen | undefined;
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join(".");
  return (bytes.toString("hex").match(/.{4}/g) ?? []).join(":");
}

function frameOf(at: number, bytes: Buffer): Frame {
  const mac = (bytes.toString("hex", 6, 12).match(/../g) ?? []).join(":");
  const kind = bytes.readUInt16BE(12);
  const ip = bytes.subarray(14);
  const family = kind === 0x0800 ? 4 : kind === 0x86dd ? 6 : 0;
  const header = family === 4 ? (ip[0]! & 15) * 4 : 40;
  const isUdp = (family === 4 && ip[9] === 17) || (family === 6 && ip[6] === 17);
  const payload = isUdp ? ip.subarray(header + 8, header + ip.readUInt16BE(header + 4)) : ip;
  let message: Seen | undefined;
  try {
    if (isUdp) message = unpack(payload);
  } catch {
    message = undefined;
  }
  return {
    at,
    mac,
    family,
    source:
      family === 0 ? "" : addressText(family === 4 ? ip.subarray(12, 16) : ip.subarray(8, 24)),
    target:
      family === 0 ? "" : addressText(family === 4 ? ip.subarray(16, 20) : ip.subarray(24, 40)),
    hops: family === 4 ? ip[8]! : family === 6 ? ip[7]! : 0,
    length: family === 4 ? ip.readUInt16BE(2) : family === 6 ? ip.readUInt16BE(4) + 40 : 0,
    sourcePort: isUdp ? ip.readUInt16BE(header) : 0,
    targetPort: isUdp ? ip.readUInt16BE(header + 2) : 0,
    payload: Buffer.from(payload),
    message,
  };
}

export class Capture {
  readonly frames: Frame[] = [];
  readonly #child: Child;
  #rest: Buffer = Buffer.alloc(0);
  #isHeaderRead = false;

  private constructor(prefix: readonly string[], device: string, filter: string) {
    const argv = ["tcpdump", "-n", "-i", device, "-U", "--immediate-mode", "-w", "-", filter];
    this.#child = new Child([...prefix, ...argv], { binary: true });
    this.#child.stdout.on("data", (bytes: Buffer) => this.#take(bytes));
  }

  /** Starts one and waits until it listens. */
  static async start(
    prefix: readonly string[],
    device: string,
    filter = "udp port 5353",
  ): Promise<Capture> {
    const capture = new Capture(prefix, device, filter);
    await capture.#child.says(/listening on/);
    return capture;
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (!this.#isHeaderRead) {
      if (this.#rest.length < 24) return;
      this.#rest = this.#rest.subarray(24);
      this.#isHeaderRead = true;
    }
    while (this.#rest.length >= 16) {
      const length = this.#rest.readUInt32LE(8);
      if (this.#rest.length < 16 + length) return;
      const at = this.#rest.readUInt32LE(0) * 1000 + this.#rest.readUInt32LE(4) / 1000;
      this.frames.push(frameOf(at, this.#rest.subarray(16, 16 + length)));
      this.#rest = this.#rest.subarray(16 + length);
    }
  }

  /** Frames from one hardware address since a moment. */
  async from(mac: string, since = 0): Promise<Frame[]> {
    await sleep(150);
    return this.frames.filter((frame) => frame.mac === mac && frame.at >= since);
  }

  /** mDNS queries from one hardware address that ask a name (of a type, if given). */
  async queries(mac: string, name: string, type?: TypeName, since = 0): Promise<Frame[]> {
    const plain = plainName(name).toLowerCase();
    return (await this.from(mac, since)).filter(({ message }) =>
      message?.questions.some(
        (question) =>
          !message.isResponse &&
          question.name.toLowerCase() === plain &&
          (type === undefined || question.type === typeNumber(type)),
      ),
    );
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }
}
