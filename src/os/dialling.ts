// Dials: connections that we open to primaries, over TCP, or over TLS after the
// other end has proved who it is. What cannot be had over TLS is not had at all:
// a dial never changes its transport (UP-17). Framing, retries and how many dials
// there are belong to update/.

import { connect, type Socket } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import { type Endpoint, formatAddress } from "../address.js";
import type { DialId, DialTls } from "../engine/io.js";
import { secureContext, startTls, type Trust, type TrustWords } from "./client-tls.js";
import { causeOf } from "./connection-faults.js";

/** From the first packet to a connection that can be written to, in milliseconds. */
export const dialPatience = 10_000;

/** A server that does not close its end within this is left, in milliseconds. */
const closePatience = 1000;

/**
 * Bytes that a server leaves unread before it is given up: some messages of the greatest
 * length that there is. There is one at a time (UP-62), so that only a stuck one gets there.
 */
export const unreadMax = 4 * 65_537;

/** Milliseconds for which authorities that were read are good: the system's are renewed. */
const authoritiesGoodFor = 600_000;

/** Sets of authorities that are kept ready: one for each primary of a large site. */
const authoritiesMax = 16;

const words: TrustWords = {
  ca: "update.tls.ca",
  name: "update.tls.name says whom to expect",
  pins: "update.tls.pin",
  pinned: (pin) => `update.tls.pin = '${pin}'`,
};

export interface DialEars {
  opened(dial: DialId): void;
  received(dial: DialId, bytes: Uint8Array): void;
  /** Not said of a dial that was closed here. */
  closed(dial: DialId, reason: string): void;
  /** One that was closed here has left the system, too. */
  left(): void;
}

interface Dial {
  readonly id: DialId;
  readonly raw: Socket;
  /** What bytes go through; over TLS only once the certificate was judged. */
  talking: Socket | TLSSocket | undefined;
  readonly patience: NodeJS.Timeout;
}

export class Dials {
  readonly #ears: DialEars;
  readonly #patience: number;
  readonly #dials = new Map<DialId, Dial>();
  readonly #authorities = new Map<string, { secure: SecureContext; readAt: number }>();
  /** Closed here, but not yet by the kernel. */
  readonly #leaving = new Set<Socket>();

  constructor(ears: DialEars, patience = dialPatience) {
    this.#ears = ears;
    this.#patience = patience;
  }

  /** Connections that are there, on their way or not yet closed. */
  get size(): number {
    return this.#dials.size + this.#leaving.size;
  }

  /** Connects; over TLS where `tls` stands. */
  open(id: DialId, { address, port }: Endpoint, tls: DialTls | undefined): void {
    const host = formatAddress(address);
    const raw = connect({ host, port, noDelay: true });
    const patience = setTimeout(() => {
      const what = raw.connecting ? "nothing comes back" : "TLS is not answered";
      this.#end(dial, `${what} within ${this.#patience / 1000} s`);
    }, this.#patience);
    const dial: Dial = { id, raw, talking: undefined, patience };
    this.#dials.set(id, dial);
    raw.on("error", (error) => this.#end(dial, causeOf(error)));
    raw.on("close", () => this.#end(dial, "the server closed the connection"));
    raw.on("connect", () => {
      if (tls === undefined) this.#opened(dial, raw);
      else this.#startTls(dial, host, tls);
    });
  }

  /** One write to the system, whatever the length. */
  write(id: DialId, bytes: Uint8Array): void {
    const dial = this.#dials.get(id);
    if (dial?.talking === undefined) return;
    dial.talking.write(bytes);
    if (dial.talking.writableLength <= unreadMax) return;
    this.fail(id, "the server reads nothing");
  }

  /** Gives a dial up, and says so when the engine has been done with. */
  fail(id: DialId, reason: string): void {
    const dial = this.#dials.get(id);
    if (dial === undefined) return;
    // Nothing else is written in the meantime.
    dial.talking = undefined;
    setImmediate(() => this.#end(dial, reason));
  }

  /** Ends a dial, open or not; nothing more is said of it. */
  close(id: DialId): void {
    const dial = this.#dials.get(id);
    if (dial === undefined) return;
    this.#forget(dial);
    const { raw, talking } = dial;
    if (talking === undefined) {
      raw.destroy();
      return;
    }
    this.#leaving.add(raw);
    // Who does not close his end in time is not waited for.
    const wait = setTimeout(() => raw.destroy(), closePatience);
    raw.on("close", () => {
      clearTimeout(wait);
      this.#leaving.delete(raw);
      this.#ears.left();
    });
    talking.removeAllListeners("data");
    talking.resume();
    talking.end();
  }

  /** Leaves no socket behind; nothing more is said. */
  abortAll(): void {
    for (const dial of [...this.#dials.values()]) {
      this.#forget(dial);
      dial.raw.destroy();
    }
    for (const raw of this.#leaving) raw.destroy();
    this.#leaving.clear();
  }

  #startTls(dial: Dial, host: string, tls: DialTls): void {
    const identity = tls.serverName ?? host;
    const { pins, ca } = tls;
    const trust: Trust = { pins, words, ...(ca === undefined ? {} : { ca }) };
    let secure: SecureContext;
    try {
      secure = this.#secure(trust);
    } catch (error) {
      this.#end(dial, `update.tls.ca cannot be used: ${(error as Error).message}`);
      return;
    }
    const socket = startTls(dial.raw, identity, secure, trust, {
      failed: (reason) => this.#end(dial, reason),
      judged: (verdict) => {
        if (!this.#dials.has(dial.id)) return;
        if (verdict.kind === "trusted") this.#opened(dial, socket);
        else this.#end(dial, verdict.reason);
      },
    });
    socket.on("close", () => this.#end(dial, "the server closed the connection"));
  }

  #opened(dial: Dial, socket: Socket | TLSSocket): void {
    if (!this.#dials.has(dial.id)) return;
    clearTimeout(dial.patience);
    dial.talking = socket;
    socket.on("data", (bytes: Buffer) => {
      if (this.#dials.has(dial.id)) this.#ears.received(dial.id, bytes);
    });
    socket.on("end", () => this.#end(dial, "the server closed the connection"));
    this.#ears.opened(dial.id);
  }

  #secure(trust: Trust): SecureContext {
    const key = trust.ca ?? "";
    const at = performance.now();
    const found = this.#authorities.get(key);
    if (found !== undefined && at - found.readAt < authoritiesGoodFor) return found.secure;
    if (this.#authorities.size >= authoritiesMax) this.#authorities.clear();
    const secure = secureContext(trust);
    this.#authorities.set(key, { secure, readAt: at });
    return secure;
  }

  /** Says that a dial is over, unless that was said. */
  #end(dial: Dial, reason: string): void {
    if (!this.#forget(dial)) return;
    dial.raw.destroy();
    this.#ears.closed(dial.id, reason);
  }

  /** @returns false when it was forgotten before */
  #forget(dial: Dial): boolean {
    clearTimeout(dial.patience);
    return this.#dials.get(dial.id) === dial && this.#dials.delete(dial.id);
  }
}
