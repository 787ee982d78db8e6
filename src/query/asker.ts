// Who asked, and where the answer goes. The engine turns a reply into an
// Effect; nothing in this folder knows what a socket is.

/** The other end as the kernel spells it: parsed when an address is seen for the first time. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

export type Transport = "udp" | "tcp" | "tls";

export type Asker =
  | {
      readonly transport: "udp";
      readonly listener: string;
      readonly peer: Peer;
      /** We ask ourselves whether we answer: answered in any case, and counted nowhere. */
      readonly isProbe?: boolean;
    }
  | {
      readonly transport: "tcp" | "tls";
      readonly stream: number;
      readonly peer: Peer;
      readonly isProbe?: boolean;
      /**
       * A DSO session is established there. Looked at when the answer is made, for a query may
       * have waited since before: who opens the stream keeps one Asker for it, and sets this.
       */
      readonly isSession?: boolean;
    };

/** What an OPT on the way to the client may hold: answers differ by it. */
export type Way = Transport | "tcp-session" | "tls-session";

export function wayOf(asker: Asker): Way {
  if (asker.transport === "udp" || asker.isSession !== true) return asker.transport;
  return asker.transport === "tls" ? "tls-session" : "tcp-session";
}

/** RFC 7828 §3.3.2: on streams alone; RFC 8490 §7.1.2: a session has Keepalive instead. */
export const tellsIdle = (way: Way) => way === "tcp" || way === "tls";

/** RFC 7830 §6: what anybody can read gains nothing by its length. */
export const isEncrypted = (way: Way) => way === "tls" || way === "tls-session";

/** One response. On a stream it still lacks its length prefix. */
export interface Reply {
  readonly to: Asker;
  readonly bytes: Uint8Array;
}
