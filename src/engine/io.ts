// Everything the world can do to discd, and everything discd can do back. The
// driver (os/driver.ts), the stories and a replayed recording all speak these
// values; the engine has no other door.

import type { Endpoint, Family, Prefix } from "../address.js";
import type { Peer } from "../query/asker.js";
import type { Note } from "../update/journal.js";
import type { DialTls } from "../update/post.js";
import type { PrimaryAnswer, PrimaryQuestion } from "../update/primary.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { EngineConfig } from "./config.js";
import type { QuerierNews } from "./watchdog.js";

/** A broadcast domain running mDNS; the name of its interface. */
export type LinkId = string;

/** One unicast UDP socket: the address it is bound to, in a form the driver knows. */
export type ListenerId = string;

/** One accepted connection; never used again for another. */
export type StreamId = number;

/** One connection that we open; never used again for another. Streams are those we accept. */
export type DialId = number;

export type { Peer };

/** What is asked of the resolvers of the system, and what they say. */
export type Lookup = PrimaryQuestion;
export type LookupAnswer = PrimaryAnswer;

export type { DialTls };

export type StreamTransport = "tcp" | "tls";

export type Input =
  /** The link carries packets. Said again whenever any of this changes. */
  | {
      readonly kind: "link-up";
      readonly link: LinkId;
      readonly prefixes: readonly Prefix[];
      readonly mtu: number;
      /** Whether unicast to port 5353 of these addresses comes to us, and to us alone. */
      readonly mayAskUnicast?: boolean;
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
  /**
   * Whether the queries of IGMP (IPv4) or MLD (IPv6) can be heard on a link: said when its sockets
   * open and close; and that some were heard.
   */
  | {
      readonly kind: "querier";
      readonly link: LinkId;
      readonly family: Family;
      readonly news: QuerierNews;
    }
  /** A unicast DNS message over UDP. */
  | {
      readonly kind: "datagram";
      readonly listener: ListenerId;
      readonly source: Peer;
      /** We ask ourselves whether we answer: such queries are answered, and not counted. */
      readonly isProbe?: boolean;
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
      readonly isProbe?: boolean;
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
   * else, and again when the system's clock was set, or whether it may be trusted has changed:
   * somebody keeps it right (TO-8).
   */
  | { readonly kind: "wall-clock"; readonly origin: number; readonly isTrusted: boolean }
  /** The resolvers' answer to a `look-up`; undefined when there is none. */
  | {
      readonly kind: "looked-up";
      readonly question: Lookup;
      readonly answer: LookupAnswer | undefined;
    }
  /** The connection is there, and over TLS its other end has proved itself. */
  | { readonly kind: "dial-opened"; readonly dial: DialId }
  | { readonly kind: "dial-bytes"; readonly dial: DialId; readonly bytes: Uint8Array }
  /** It ended, or could not be had; `reason` is for people. Not said after `dial-close`. */
  | { readonly kind: "dial-closed"; readonly dial: DialId; readonly reason: string }
  /**
   * What the state file of a zone holds. Said before the first `link-up`, and before a
   * `reconfigure` that may bring the zone; for a zone that is being updated it is passed over.
   */
  | { readonly kind: "restore"; readonly zone: Name; readonly own: readonly RR[] }
  /** The instant named by `nextDeadline` has come. */
  | { readonly kind: "deadline" }
  | { readonly kind: "reconfigure"; readonly config: EngineConfig }
  /** The operator wants every link to be asked anew, whatever is known by now. */
  | { readonly kind: "refresh" }
  /**
   * Say goodbye. What follows is how streams end and, while what was published is taken back,
   * what the primaries say.
   */
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
  | { readonly kind: "resume"; readonly stream: StreamId }
  /** To be asked of the resolvers of the system; answered by `looked-up`. */
  | { readonly kind: "look-up"; readonly question: Lookup }
  /** To be connected, over TLS where `tls` stands; answered by `dial-opened` or `dial-closed`. */
  | {
      readonly kind: "dial";
      readonly dial: DialId;
      readonly endpoint: Endpoint;
      readonly tls?: DialTls;
    }
  /** Length prefix and message in one piece. */
  | { readonly kind: "dial-write"; readonly dial: DialId; readonly bytes: Uint8Array }
  /** To be ended at once, whether it is open or not yet. */
  | { readonly kind: "dial-close"; readonly dial: DialId }
  /** To be on disk, in the state file of the zone, before the effects after it are carried out. */
  | { readonly kind: "remember"; readonly zone: Name; readonly notes: readonly Note[] }
  /** The state file of the zone says the same when it holds just this. */
  | { readonly kind: "snapshot"; readonly zone: Name; readonly own: readonly RR[] };
