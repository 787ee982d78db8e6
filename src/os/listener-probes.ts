// Asks our own listeners a real question, as a client would: over UDP, TCP or TLS,
// at the address and port where clients are heard (/healthz). Any answer to it is
// good: what matters is that somebody read it and said something.

import { createSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { formatAddress, parseAddress } from "../address.js";
import { ProbeBook } from "../api/probes.js";
import type { Peer } from "../engine/io.js";
import { RRClass, RRType } from "../wire/codes.js";
import { encodeMessage } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import { now } from "./clock.js";
import { placeOf } from "./listening.js";
import { codeOf, numericLookup } from "./multicast.js";

/** Between two rounds, in milliseconds: two may fail before ten seconds are over. */
export const probeEvery = 4_000;

/** An answer from memory, over loopback: whoever takes longer is of no use to clients. */
export const probePatience = 2_000;

/** Listeners asked at once; a host with many addresses has hundreds. */
const askedAtOnce = 8;

export class ListenerProbes {
  readonly #book = new ProbeBook();
  readonly #random: () => number;
  /** Where questions come from at present, by which they are told from clients'. */
  readonly #places = new Set<Peer>();

  /** @param random  16 bits of chance: IDs must not be guessed by who answers instead */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Whether a client is a question of ours: such queries are not counted. */
  isProbe({ address, port }: Peer): boolean {
    // Most of the time there is none, and queries are many.
    if (this.#places.size === 0) return false;
    for (const own of this.#places) {
      if (own.port === port && spelled(own.address) === spelled(address)) return true;
    }
    return false;
  }

  /** Asks all of them once. @param name  what for: one that needs no link to answer */
  async round(listeners: readonly string[], name: Name): Promise<void> {
    this.#book.keep(listeners);
    const left = [...listeners];
    const worker = async () => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) {
        await this.#ask(one, name);
      }
    };
    await Promise.all(Array.from({ length: askedAtOnce }, worker));
  }

  get states() {
    return this.#book.states(now());
  }

  async #ask(listener: string, name: Name): Promise<void> {
    const place = placeOf(listener);
    if (place === undefined) return;
    const id = this.#random() & 0xffff;
    const bytes = encodeMessage({ id, questions: [{ name, type: RRType.SOA, class: RRClass.IN }] });
    const host = formatAddress(place.address);
    this.#book.asked(now(), listener);
    const fault = listener.endsWith("/udp")
      ? await askByUdp(host, place.port, bytes, this.#places)
      : await askByStream(host, place.port, listener.endsWith("/tls"), bytes, this.#places);
    if (fault === undefined) this.#book.answered(now(), listener);
    else this.#book.failed(listener, fault);
  }
}

/** The kernel and Node do not write the same address alike. */
function spelled(address: string): string {
  const parsed = parseAddress(address);
  return parsed === undefined ? address : formatAddress(parsed);
}

/** Whether these bytes answer those: the same ID, and a response. */
function isAnswer(answer: Uint8Array, question: Uint8Array): boolean {
  const isSame = answer[0] === question[0] && answer[1] === question[1];
  return answer.length >= 12 && isSame && ((answer[2] as number) & 0x80) !== 0;
}

const silence = `no answer within ${probePatience / 1000} s`;

/** @returns why there was no answer */
function askByUdp(
  host: string,
  port: number,
  bytes: Uint8Array,
  places: Set<Peer>,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const type = host.includes(":") ? "udp6" : "udp4";
    const socket = createSocket({ type, lookup: numericLookup });
    let own: Peer | undefined;
    const settle = (fault: string | undefined) => {
      clearTimeout(patience);
      if (own !== undefined) places.delete(own);
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.close();
      resolve(fault);
    };
    const patience = setTimeout(() => settle(silence), probePatience);
    socket.on("error", (error) => settle(codeOf(error)));
    socket.on("message", (answer) => {
      if (isAnswer(answer, bytes)) settle(undefined);
    });
    // Of a way that there is not (any more) Node tells here, and by no event.
    socket.connect(port, host, (error?: Error) => {
      if (error) {
        settle(codeOf(error));
        return;
      }
      own = socket.address();
      places.add(own);
      socket.send(bytes, (error) => {
        if (error !== null) settle(codeOf(error));
      });
    });
  });
}

/** @returns why there was no answer */
function askByStream(
  host: string,
  port: number,
  isTls: boolean,
  bytes: Uint8Array,
  places: Set<Peer>,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const raw = connect({ host, port });
    // Whose certificate it is, is told elsewhere; here it is our own listener.
    const socket: Socket = isTls
      ? connectTls({ socket: raw, rejectUnauthorized: false, ALPNProtocols: ["dot"] })
      : raw;
    let heard = Buffer.alloc(0);
    let own: Peer | undefined;
    const settle = (fault: string | undefined) => {
      clearTimeout(patience);
      if (own !== undefined) places.delete(own);
      socket.destroy();
      raw.destroy();
      resolve(fault);
    };
    const patience = setTimeout(() => settle(silence), probePatience);
    for (const one of [raw, socket]) one.on("error", (error) => settle(codeOf(error)));
    socket.on("close", () => settle("the connection was closed"));
    // Node connects in the next tick. What listens may accept before we hear that we are
    // connected, and has to know us by then.
    process.nextTick(() => {
      const { localAddress, localPort } = raw;
      if (localAddress === undefined || localPort === undefined || raw.destroyed) return;
      own = { address: localAddress, port: localPort };
      places.add(own);
    });
    socket.once(isTls ? "secureConnect" : "connect", () => {
      const framed = Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
      socket.write(framed);
    });
    socket.on("data", (some: Buffer) => {
      heard = Buffer.concat([heard, some]);
      if (heard.length >= 2 && heard.length >= 2 + heard.readUInt16BE(0)) {
        settle(isAnswer(heard.subarray(2), bytes) ? undefined : "an answer to something else");
      }
    });
  });
}
