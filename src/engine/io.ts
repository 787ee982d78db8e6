// Everything the world can do to discd, and everything discd can do back. The
// driver (os/driver.ts), the stories and a replayed recording all speak these
// values; the engine has no other door.

import type { Endpoint, Family, Prefix } from "../address.js";
import type { Peer } from "../query/asker.js";
import type { EngineConfig } from "./config.js";

/** A broadcast domain running mDNS; the name of its interface. */
export type LinkId = string;

/** One unicast UDP socket: the address it is bound to, in a form the driver knows. */
export type ListenerId = string;

/** One accepted connection; never used again for another. */
export type StreamId = number;

export type { Peer };

export type StreamTransport = "tcp" | "tls";

export type Input =
  /** The link carries packets. Said again whenever its addresses or its MTU change. */
  | {
      readonly kind: "link-up";
      readonly link: LinkId;
      readonly prefixes: readonly Prefix[];
      readonly mtu: number;
    }
  | { readonly kind: "link-down"; readonly link: LinkId }
  /** A datagram that arrived on UDP port 5353 of a link. */
  | {
      readonly kind: "multicast";
      readonly link: LinkId;
      readonly family: Family;
      readonly source: Endpoint;
      /** Whether it was sent to the group, not to one of our addresses. */
      readonly isMulticast: boolean;
      readonly bytes: Uint8Array;
    }
  /** A unicast DNS message over UDP. */
  | {
      readonly kind: "datagram";
      readonly listener: ListenerId;
      readonly source: Peer;
      /** Good until it has been handled: what is kept of it is copied. */
      readonly bytes: Uint8Array;
    }
  | {
      readonly kind: "stream-open";
      readonly stream: StreamId;
      readonly transport: StreamTransport;
      readonly source: Peer;
      readonly listener: ListenerId;
      /** Whether its listener is one for DNS Push Notifications; never without TLS. */
      readonly takesPush: boolean;
    }
  | { readonly kind: "stream-bytes"; readonly stream: StreamId; readonly bytes: Uint8Array }
  /** The client does not read as fast as it is written to. Followed by `stream-drained`. */
  | { readonly kind: "stream-blocked"; readonly stream: StreamId }
  /** What was written has left: the client reads again. */
  | { readonly kind: "stream-drained"; readonly stream: StreamId }
  /** The client sends no more, but may still read (it half-closed). */
  | { readonly kind: "stream-ended"; readonly stream: StreamId }
  /** Gone in both directions, whoever closed it. */
  | { readonly kind: "stream-closed"; readonly stream: StreamId }
  | {
      readonly kind: "send-failed";
      readonly link?: LinkId;
      readonly listener?: ListenerId;
      readonly reason: string;
    }
  /**
   * What time it is for others: Instant 0 in milliseconds since 1970. Said before anything
   * else, and again when the system's clock was set.
   */
  | { readonly kind: "wall-clock"; readonly origin: number }
  /** The instant named by `nextDeadline` has come. */
  | { readonly kind: "deadline" }
  | { readonly kind: "reconfigure"; readonly config: EngineConfig }
  /** Say goodbye; nothing but `stream-closed` follows. */
  | { readonly kind: "stop" };

export type Effect =
  | {
      readonly kind: "multicast";
      readonly link: LinkId;
      readonly family: Family;
      readonly to: "group" | Endpoint;
      readonly bytes: Uint8Array;
    }
  | {
      readonly kind: "datagram";
      readonly listener: ListenerId;
      readonly to: Peer;
      /** Good until the next input: sent or copied before that. */
      readonly bytes: Uint8Array;
    }
  /** Length prefix and message in one piece (TCP-04). */
  | { readonly kind: "write"; readonly stream: StreamId; readonly bytes: Uint8Array }
  /** Close gracefully, once everything written has left. */
  | { readonly kind: "close"; readonly stream: StreamId }
  /** Forcibly abort: a TCP reset. */
  | { readonly kind: "abort"; readonly stream: StreamId }
  /** Stop reading from the stream until `resume`. */
  | { readonly kind: "pause"; readonly stream: StreamId }
  | { readonly kind: "resume"; readonly stream: StreamId };
