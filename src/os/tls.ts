// DNS over TLS (RFC 7858, 8310, 9325): TLS listeners, and their connections until
// the handshake is done; then they are streams like those of TCP. Handshakes cost
// half a millisecond each and are begun a few at a time, so that a thousand
// clients that come back at once do not hold up anybody's datagram.

import { constants } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, TLSSocket, type TlsOptions } from "node:tls";
import { clientKey, parseAddress } from "../address.js";
import type { Counts } from "../counts.js";
import type { ListenerId, Peer } from "../engine/io.js";
import { after, type Duration, earliest, type Instant, seconds } from "../time.js";
import { now } from "./clock.js";
import type { Credentials } from "./credentials.js";
import { codeOf } from "./multicast.js";
import { type ListenerEars, listenAt, type TcpStreams } from "./tcp.js";
import { Tickets, ticketLifetime } from "./tickets.js";
import type { Opened } from "./udp.js";

/** From accept to the end of the handshake: many round trips, even over a bad radio link. */
export const handshakePatience: Duration = seconds(10);

/** Connections that have not finished their handshake: those of 4 s at full speed. */
export const handshakesMax = 2000;

/** Handshakes begun before datagrams and other streams have their turn: some 5 ms. */
const handshakesPerTurn = 8;

/** The protocol's name in ALPN (RFC 7858 §6 as registered with IANA). */
const alpn = "dot";

/** Those that RFC 9325 §4.2 names, all with forward secrecy, and ChaCha20 for small devices. */
const ciphers = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/** First byte of a TLS handshake record; in DNS the length of a message would begin with it. */
const handshakeRecord = 22;

/** A fatal alert `unrecognized_name`, as it is sent before there are keys (RFC 8446 §6). */
const unrecognizedName = Buffer.of(21, 3, 3, 0, 2, 2, 112);

/** What a failed handshake is counted as; the rest is "handshake". */
const reasons: Readonly<Record<string, string>> = {
  ECONNRESET: "closed",
  ERR_SSL_NO_APPLICATION_PROTOCOL: "alpn",
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: "alpn",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "version",
  ERR_SSL_WRONG_VERSION_NUMBER: "version",
  ERR_SSL_NO_SHARED_CIPHER: "cipher",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "certificate-refused",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "certificate-refused",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: "certificate-refused",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "certificate-refused",
};

/** A connection whose handshake is not done. */
interface Pending {
  readonly key: string;
  readonly raw: Socket;
  readonly listener: ListenerId;
  readonly source: Peer;
  readonly client: string;
  readonly due: Instant;
  readonly gone: () => void;
  /** Why it is being given up. */
  reason?: string;
}

export interface TlsEars extends ListenerEars {
  /** `nextDeadline` may be earlier than it was. */
  hurried(): void;
  /** Whether a client is ourselves; absent: none is. */
  isProbe?(source: Peer): boolean;
}

export class TlsListeners {
  readonly #streams: TcpStreams;
  readonly #ears: TlsEars;
  readonly #counts: Counts;
  readonly #tickets = new Tickets();
  /** In the order of accept, which is that of their deadlines. */
  readonly #pending = new Map<string, Pending>();
  readonly #perClient = new Map<string, number>();
  /** Those that have sent something and wait for their turn. */
  #queue: Pending[] = [];
  /** Does all handshakes, of all listeners, and so shares keys; never listens itself. */
  #server: Server | undefined;
  #isOwnName: (name: string) => boolean = () => false;
  #perClientMax: number;

  constructor(streams: TcpStreams, ears: TlsEars, counts: Counts, perClientMax: number) {
    this.#streams = streams;
    this.#ears = ears;
    this.#counts = counts;
    this.#perClientMax = perClientMax;
  }

  /** Handshakes under way. */
  get size(): number {
    return this.#pending.size;
  }

  configure(perClientMax: number, isOwnName: (name: string) => boolean): void {
    this.#perClientMax = perClientMax;
    this.#isOwnName = isOwnName;
  }

  /**
   * Takes a certificate into use for the handshakes to come. Tickets that were given with
   * another one end with it.
   *
   * @throws when certificate and key cannot be read or do not fit
   */
  use(credentials: Credentials): void {
    const options = optionsWith(credentials);
    if (this.#server === undefined) this.#server = this.#makeServer(options);
    else this.#server.setSecureContext(options);
    this.#tickets.renew(now(), this.#server);
    this.#ears.hurried();
  }

  /** Starts to listen; rejected as by `listenAt`. */
  listen(address: string, port: number): Promise<Opened> {
    return listenAt({ address, port, transport: "tls" }, this.#ears, (raw, listener) =>
      this.#accept(raw, listener),
    );
  }

  nextDeadline(): Instant | undefined {
    const [first] = this.#pending.values();
    return earliest(first?.due, this.#tickets.nextDeadline());
  }

  expire(at: Instant): void {
    const rotation = this.#tickets.nextDeadline();
    if (this.#server !== undefined && rotation !== undefined && rotation <= at) {
      this.#tickets.renew(at, this.#server);
    }
    for (const pending of this.#pending.values()) {
      if (pending.due > at) return;
      this.#giveUp(pending, "timeout");
    }
  }

  /** Ends all handshakes. */
  close(): void {
    for (const pending of this.#pending.values()) this.#giveUp(pending, "stopped");
  }

  #makeServer(options: TlsOptions): Server {
    const self = this;
    const server = createServer({
      ...options,
      ALPNProtocols: [alpn],
      SNICallback(this: unknown, name, done) {
        if (self.#isOwnName(name)) done(null);
        else self.#refuseName(this, done);
      },
    });
    server.on("secureConnection", (socket) => this.#secured(socket));
    server.on("tlsClientError", (error, socket) => {
      const pending = this.#pending.get(keyOf(socket));
      if (pending !== undefined) pending.reason ??= reasons[codeOf(error)] ?? "handshake";
    });
    return server;
  }

  #accept(raw: Socket, listener: ListenerId): void {
    const { remoteAddress: address, remotePort: port } = raw;
    // What was the matter shows in how it closes.
    raw.on("error", ignore);
    const client = clientOf(address);
    const others = this.#perClient.get(client) ?? 0;
    if (address === undefined || port === undefined) {
      raw.destroy();
      return;
    }
    if (this.#pending.size >= handshakesMax || others >= this.#perClientMax) {
      this.#counts.add("limits", "handshakes");
      raw.destroy();
      return;
    }
    const pending: Pending = {
      key: keyOf(raw),
      raw,
      listener,
      source: { address, port },
      client,
      due: after(now(), handshakePatience),
      gone: () => {
        this.#counts.add("tls", pending.reason ?? "closed");
        this.#forget(pending);
      },
    };
    this.#pending.set(pending.key, pending);
    this.#perClient.set(client, others + 1);
    raw.once("close", pending.gone);
    // Nothing is spent on a connection that says nothing.
    raw.once("readable", () => this.#spoken(pending));
    if (this.#pending.size === 1) this.#ears.hurried();
  }

  /** The first bytes are here: a handshake begins with them, or never. */
  #spoken(pending: Pending): void {
    const { raw } = pending;
    const bytes: Uint8Array | null = raw.read();
    if (bytes === null) this.#giveUp(pending, "closed");
    else if (bytes[0] !== handshakeRecord) this.#giveUp(pending, "cleartext");
    else {
      raw.unshift(bytes);
      this.#queue.push(pending);
      if (this.#queue.length === 1) setImmediate(() => this.#turn());
    }
  }

  #turn(): void {
    for (const { raw } of this.#queue.splice(0, handshakesPerTurn)) {
      if (raw.destroyed) continue;
      // A client that ends its side now has given up; once it is secure, it may still read.
      raw.allowHalfOpen = false;
      // Node's documented way to hand a connection to a server (net.Server, 'connection').
      this.#server?.emit("connection", raw);
    }
    if (this.#queue.length > 0) setImmediate(() => this.#turn());
  }

  #secured(socket: TLSSocket): void {
    const pending = this.#pending.get(keyOf(socket));
    if (pending === undefined) {
      socket.destroy();
      return;
    }
    const { raw, source, listener, gone } = pending;
    this.#forget(pending);
    raw.off("close", gone);
    socket.allowHalfOpen = true;
    socket.on("error", () => this.#counts.add("streams", "failed"));
    if (this.#ears.isProbe?.(source) !== true) {
      this.#counts.add("tls", socket.isSessionReused() ? "resumed" : "full");
    }
    this.#streams.adopt(socket, raw, source, listener);
  }

  /**
   * Ends a handshake for a name that is not ours. Node closes such a connection without a
   * word; the alert is written under it, in the clear, since the server has not answered yet.
   */
  #refuseName(socket: unknown, done: (error: Error | null) => void): void {
    const pending = socket instanceof TLSSocket ? this.#pending.get(keyOf(socket)) : undefined;
    if (pending === undefined) {
      done(new Error("unrecognized name"));
      return;
    }
    pending.reason = "name";
    pending.raw.write(unrecognizedName);
    pending.raw.destroySoon();
  }

  #giveUp(pending: Pending, reason: string): void {
    pending.reason ??= reason;
    pending.raw.destroy();
  }

  #forget(pending: Pending): void {
    // The client may have come again from the same port before this one was seen to close.
    if (this.#pending.get(pending.key) === pending) this.#pending.delete(pending.key);
    const others = (this.#perClient.get(pending.client) ?? 1) - 1;
    if (others === 0) this.#perClient.delete(pending.client);
    else this.#perClient.set(pending.client, others);
  }
}

/**
 * TLS 1.2 and 1.3 (RFC 8310 §9). OpenSSL has no compression and no early data unless they
 * are asked for; renegotiation would let a client spend our processor for ever.
 */
function optionsWith({ cert, key }: Credentials): TlsOptions {
  return {
    cert,
    key,
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    ciphers,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
    sessionTimeout: ticketLifetime / 1000,
  };
}

/** Both ends of a connection: the same for a socket and for the TLS socket over it. */
function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function clientOf(address: string | undefined): string {
  const parsed = parseAddress(address ?? "");
  return parsed === undefined ? "" : clientKey(parsed);
}

function ignore(): void {}
