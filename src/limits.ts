// Every bound of the daemon, each with the reason for its size. The ones that
// an operator can change stand in `Limits`; `defaultLimits` are their values.
// What happens at a limit is counted (counts.ts).

import { type Duration, ms, seconds } from "./time.js";

/** Bounds with a key in the `limits` table of discd.lua. */
export interface Limits {
  /** Largest UDP answer in bytes, unless the client takes less. */
  readonly udpSize: number;
  /** RRs kept per link. */
  readonly cacheRecords: number;
  /** Questions alive per link. */
  readonly questions: number;
  /** Unicast queries waiting for a link, in all and per client. */
  readonly queriesWaiting: number;
  readonly queriesWaitingPerClient: number;
  /** Bytes of ready answers. */
  readonly answerCache: number;
  /** Connections over TCP and TLS, in all and per client. */
  readonly connections: number;
  readonly connectionsPerClient: number;
  /** A connection with nothing due, no session and no LLQ is closed after this. */
  readonly tcpIdle: Duration;
  /** What DSO sessions are granted; infinite: for ever. */
  readonly dsoInactivity: Duration;
  readonly dsoKeepalive: Duration;
  /** Push subscriptions, in all and in one session. */
  readonly subscriptions: number;
  readonly subscriptionsPerSession: number;
  /** LLQs alive, in all and per client. */
  readonly llq: number;
  readonly llqPerClient: number;
  /** LLQ set-ups of one client that were challenged and not answered. */
  readonly llqUnconfirmedPerClient: number;
  /** The lease that a client wishes is moved between these. */
  readonly llqLeaseMin: Duration;
  readonly llqLeaseMax: Duration;
  /** Records published in one zone. */
  readonly updateRecords: number;
  /** Bytes waiting to be read by a client; more resets the connection. */
  readonly writeQueue: number;
  /** Run time and memory of discd.lua. */
  readonly luaTime: Duration;
  readonly luaMemory: number;
}

export const defaultLimits: Limits = {
  // Fits every path without fragments (DNS flag day 2020).
  udpSize: 1232,
  // A /22 of 1,000 hosts with some 12 RRs each fits eight times; beyond it an attacker is likelier.
  cacheRecords: 100_000,
  // 50 times the service types ever seen on one campus link; each costs air time.
  questions: 5_000,
  // One wait lasts 6 s: 1,600 first-time names a second, far above what 20 packets/s can ask.
  queriesWaiting: 10_000,
  queriesWaitingPerClient: 1_000,
  answerCache: 64 * 1024 * 1024,
  // 10,000 subscribers and room for ordinary TCP queries.
  connections: 12_000,
  connectionsPerClient: 1_000,
  // RFC 7766 §6.2.3: of the order of seconds.
  tcpIdle: seconds(10),
  // Twice the time that a phone in a pocket takes from one look to the next.
  dsoInactivity: seconds(30),
  // RFC 8490 §6.5.2: 60 minutes, unless the path is known to need less.
  dsoKeepalive: seconds(3600),
  // Ten for each of 10,000 subscribers.
  subscriptions: 100_000,
  // Beyond what any browser of services follows; one session cannot use up the whole.
  subscriptionsPerSession: 1_000,
  // Some 1.5 KB each; the table of a large campus.
  llq: 10_000,
  // An address may be that of a whole office behind a NAT.
  llqPerClient: 1_000,
  // A client opens a handful at once; more at a time is a flood, or a forged address.
  llqUnconfirmedPerClient: 50,
  // The bounds of the public server that clients were written against (LLQ-22).
  llqLeaseMin: seconds(900),
  llqLeaseMax: seconds(7200),
  // Ten records for each of 2,000 services; the whole of it is compared at every audit.
  updateRecords: 20_000,
  writeQueue: 1024 * 1024,
  luaTime: seconds(3),
  luaMemory: 64 * 1024 * 1024,
};

/** Largest mDNS packet accepted or sent, headers included (RFC 6762 §17). */
export const mdnsPacketMax = 9000;

/** Largest message on a stream: its length is a 16-bit number (RFC 1035 §4.2.2). */
export const streamMessageMax = 65_535;

/** Unanswered queries read from one TCP connection; further bytes wait in the kernel. */
export const pipelinedMax = 200;

/**
 * Connections beyond those that are allowed, kept until they can be told when to come back
 * (RFC 8490 §6.6.1); more are closed at once.
 */
export const turnedAwayMax = 500;

/** Addresses whose client class is remembered; the class is worked out again for others. */
export const clientClassesMax = 10_000;

/** How often the set of interfaces and addresses is read anew: 42 µs each time. */
export const interfacePoll: Duration = ms(2000);
