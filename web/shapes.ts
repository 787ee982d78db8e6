// What the page reads from the API, version 1, as far as it reads it. Names are
// for people (UTF-8, escapes only where a label holds a dot); `escaped` is the
// same name in zone-file text. `id` tells a thing from all others.

export interface Summary {
  readonly version: string;
  readonly hostname: string;
  readonly startedAt: string;
  readonly links: number;
  readonly zones: number;
  readonly services: number;
  readonly queries: { readonly perSecond: number };
  readonly push: { readonly sessions: number; readonly subscriptions: number };
  readonly llq: number;
  readonly health: "ok" | "failing";
  readonly problems: readonly string[];
}

/** Of /healthz, what lines to copy need: where DNS is answered, as `127.0.0.1:53/udp`. */
export interface Health {
  readonly listeners: readonly { readonly name: string }[];
}

export interface Link {
  readonly name: string;
  readonly isUp: boolean;
  readonly mode: "proxy" | "update";
  readonly families: readonly string[];
  readonly addresses: readonly string[];
  readonly zones: readonly string[];
  readonly services: number;
  readonly records: number;
  readonly questions: number;
  /** Packets: sums since the start, and those of the last minute. */
  readonly mdns: {
    readonly in: number;
    readonly out: number;
    readonly inPerMinute: number;
    readonly outPerMinute: number;
  };
  readonly lastHeardSeconds: number | null;
  readonly hasQuerier: boolean | null;
  readonly problems: readonly string[];
}

export interface Txt {
  readonly key: string;
  /** null: the key stands alone, without an equals sign. */
  readonly value: string | null;
  readonly isBinary?: boolean;
  /** The value's bytes, where they are no text. */
  readonly base64?: string;
}

export interface Service {
  readonly id: string;
  /** The instance's label as it is, without any escape. */
  readonly instance: string;
  /** The whole instance name. */
  readonly escaped: string;
  readonly type: string;
  readonly domain: string;
  readonly link: string;
  readonly host: string | null;
  readonly hostEscaped: string | null;
  readonly port: number | null;
  readonly addresses: readonly string[];
  readonly txt: readonly Txt[];
  readonly ttlSeconds: number;
  readonly subtypes: readonly string[];
  readonly isShown: boolean;
  /** Why it is not shown. */
  readonly reason?: string;
}

export interface Zone {
  readonly zone: string;
  readonly escaped: string;
  readonly kind: string;
  readonly link: string | null;
  readonly source: string;
  readonly queries: number;
}

export interface Domain {
  readonly link: string | null;
  readonly kind: string;
  readonly domain: string;
}

export interface Host {
  readonly id: string;
  readonly name: string;
  readonly escaped: string;
  readonly link: string;
  readonly addresses: readonly string[];
  readonly lastHeardSeconds: number | null;
}

export interface Subscription {
  readonly id: string;
  readonly client: string;
  readonly protocol: string;
  readonly transport: string;
  readonly question: { readonly name: string; readonly escaped: string; readonly type: string };
  readonly records: number;
  readonly ageSeconds: number;
  readonly expiresInSeconds?: number;
}

export interface Question {
  readonly id: string;
  readonly link: string;
  readonly name: string;
  readonly escaped: string;
  readonly type: string;
  readonly watches: number;
  readonly ageSeconds: number | null;
}

export interface Update {
  readonly subdomain: string;
  readonly source: string;
  readonly zone: string | null;
  readonly server: string | null;
  readonly step: string;
  readonly transport: string | null;
  readonly lifetime: string | null;
  readonly wanted: number;
  readonly published: number;
  readonly waiting: number;
  readonly aside: number;
  readonly serial: number | null;
  readonly trouble: string | null;
  readonly clockOffset: number | null;
}
