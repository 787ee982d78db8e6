// The client's relation to the world: what it is told, what it wants done, and
// what it has to say. Queries go through whatever resolver the edge has; streams
// and datagrams are channels, numbered here.

import type { Message, Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";

export type ClientInput =
  /** @param from  the address of the resolver */
  | {
      readonly kind: "answered";
      readonly query: number;
      readonly message: Message;
      readonly from: string;
    }
  | { readonly kind: "unanswered"; readonly query: number; readonly reason: string }
  /** Over TLS the certificate was verified, or the channel has failed. */
  | { readonly kind: "connected"; readonly channel: number; readonly covers: Covers }
  | { readonly kind: "bytes"; readonly channel: number; readonly bytes: Uint8Array }
  /** The other end closed or reset it. */
  | { readonly kind: "closed"; readonly channel: number }
  /** It could not be opened; the reason says what to do about it. */
  | { readonly kind: "failed"; readonly channel: number; readonly reason: string }
  | { readonly kind: "deadline" };

/** The host names a certificate proves; `any` when the user vouches for this very one. */
export type Covers = readonly string[] | "any";

export type ClientEffect =
  | { readonly kind: "query"; readonly query: number; readonly name: Name; readonly type: number }
  | ({ readonly kind: "connect"; readonly channel: number } & Destination)
  /** On a stream whole messages behind their length, on UDP one datagram. */
  | { readonly kind: "send"; readonly channel: number; readonly bytes: Uint8Array }
  | { readonly kind: "close"; readonly channel: number }
  | { readonly kind: "abort"; readonly channel: number };

/** Where a channel leads. */
export interface Destination {
  readonly transport: "tls" | "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  /** TLS: whom the certificate has to name; absent when it cannot be named in one. */
  readonly identity?: string;
}

/** How a question is followed, best first. */
export type Way = "push" | "llq" | "poll";

export type ClientOutput =
  | { readonly kind: "added" | "removed"; readonly question: Question; readonly rr: RR }
  /** @param place  the server; absent for polling, which goes through the resolver */
  | {
      readonly kind: "way";
      readonly question: Question;
      readonly way: Way;
      readonly place?: string;
    }
  | { readonly kind: "failed"; readonly question: Question; readonly reason: string };

/** Numbers queries and channels, and collects what is to be done. */
export class Outbox {
  readonly #channels = new Set<number>();
  #last = 0;
  #effects: ClientEffect[] = [];

  query(name: Name, type: number): number {
    const query = ++this.#last;
    this.#effects.push({ kind: "query", query, name, type });
    return query;
  }

  connect({ transport, address, port, identity }: Destination): number {
    const channel = ++this.#last;
    this.#channels.add(channel);
    const named = identity === undefined ? {} : { identity };
    this.#effects.push({ kind: "connect", channel, transport, address, port, ...named });
    return channel;
  }

  send(channel: number, packets: readonly Uint8Array[]): void {
    if (!this.#channels.has(channel)) return;
    for (const bytes of packets) this.#effects.push({ kind: "send", channel, bytes });
  }

  /** Gracefully, or by a reset; what still comes of the channel is nobody's. */
  end(channel: number, kind: "close" | "abort"): void {
    if (this.#channels.delete(channel)) this.#effects.push({ kind, channel });
  }

  /** The channel is no more, without our doing. */
  lost(channel: number): void {
    this.#channels.delete(channel);
  }

  takeEffects(): readonly ClientEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}
