// What the API has to be told: each getter gives plain values of this instant.
// The engine and the daemon provide them; tests put in what they like.

import type { Counts } from "../counts.js";
import type { Histogram, QueryTally } from "../tally.js";
import type { Probe } from "./health.js";
import type {
  DomainView,
  HostView,
  InterfaceView,
  KnownDomainView,
  PolicyView,
  QuestionView,
  Service,
  SubscriptionView,
  Summary,
  TypeCount,
  UpdateView,
  ZoneView,
} from "./shapes.js";

/** Which services are wanted; absent: any. Names as `foldText` folds them. */
export interface ServiceFilter {
  readonly zone?: string;
  readonly link?: string;
  readonly type?: string;
  /** Those that the operator's own rules hide as well. */
  readonly hidden: boolean;
}

export interface PolicyQuestion {
  readonly name: string;
  readonly type: string;
  readonly client: string;
}

/** What the metrics are made of besides counts. */
export interface Gauges {
  readonly version: string;
  /** Seconds since 1970. */
  readonly startedAt: number;
  readonly links: readonly LinkGauges[];
  readonly push: { readonly sessions: number; readonly subscriptions: number };
  readonly llq: number;
  /** By zone and result; results are a fixed set of words. */
  readonly updates: readonly {
    readonly zone: string;
    readonly result: string;
    readonly count: number;
  }[];
  /** Seconds since 1970; absent without a certificate. */
  readonly certificateExpiry?: number;
  readonly residentBytes?: number;
  /** Unicast queries that wait for an answer of a link. */
  readonly waiting?: number;
  /** Bytes, by a fixed set of words for who holds them. */
  readonly memory?: Readonly<Record<string, number>>;
}

export interface LinkGauges {
  readonly link: string;
  readonly isUp: boolean;
  readonly questions: number;
  readonly records: number;
  readonly services: number;
  readonly lastHeardSeconds: number | null;
  readonly hasQuerier: boolean | null;
  /** It is probably cut off by switches. */
  readonly isSuspect: boolean;
  readonly packets: readonly {
    readonly family: "ipv4" | "ipv6";
    readonly direction: "in" | "out";
    readonly count: number;
  }[];
}

/** Lists that may be long are iterables: they are read in portions, while the world goes on. */
export interface ApiState {
  summary(): Summary;
  interfaces(): readonly InterfaceView[];
  zones(): readonly ZoneView[];
  domains(): readonly DomainView[];
  knownDomains(): readonly KnownDomainView[];
  /** Each as it is, or as JSON. */
  services(filter: ServiceFilter): Iterable<Service | string>;
  typeCounts(filter: ServiceFilter): readonly TypeCount[];
  hosts(): Iterable<HostView>;
  subscriptions(): Iterable<SubscriptionView>;
  questions(): Iterable<QuestionView>;
  updates(): readonly UpdateView[];
  /** As `discd --check --print-json` prints it: secrets are stars already. */
  config(): object;
  probes(): Probes;
  /** @returns text: what is wrong with the question */
  policy(question: PolicyQuestion): PolicyView | string;
  counts(): Counts;
  queries(): QueryTally;
  latency(): Histogram;
  gauges(): Gauges;
  /** Learns again from the DNS, and asks all links anew. @returns what has begun, in words */
  refresh(): string;
}

/** What became of reading the configuration again. */
export type ReloadOutcome =
  | {
      readonly kind: "taken";
      /** Null: discd runs without one. */
      readonly file: string | null;
      /** A line each: `FILE:LINE: text`. */
      readonly warnings: readonly string[];
    }
  /** The one before stays in force. */
  | {
      readonly kind: "refused";
      /** A line each, in the order of the file; warnings among them. */
      readonly problems: readonly string[];
      /** Those of them for which it was refused. */
      readonly errors: readonly string[];
    };

/** What a zone needs besides the listeners. */
export interface ZoneNeeds {
  readonly zone: string;
  /** Null: none. */
  readonly link: string | null;
  /** Other servers answer for it. */
  readonly isPublished?: boolean;
  /** What keeps it from being published; absent: nothing. */
  readonly reason?: string;
}

/** What was last heard of everything that has to work. */
export interface Probes {
  readonly listeners: readonly Probe[];
  /** False: nobody is to be heard, since nothing is answered here. */
  readonly hasClients?: boolean;
  /** Listeners that are wanted and not open, a line each. */
  readonly refused?: readonly string[];
  /** Every link with sockets, up or not. */
  readonly links: readonly Probe[];
  readonly zones: readonly ZoneNeeds[];
  /** Links that are probably cut off, though their sockets work. */
  readonly suspicions?: readonly { readonly link: string; readonly reason: string }[];
}
