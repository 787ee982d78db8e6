// A checked query on its way to an answer: what was asked, by whom, in which
// zone, and from which class of client.

import type { ClientClass } from "../proxy/client.js";
import type { LinkQuestion } from "../proxy/view.js";
import type { LinkZone } from "../proxy/zones.js";
import type { Instant } from "../time.js";
import type { Asker } from "./asker.js";
import type { Query } from "./receive.js";

export type { LinkQuestion };

/** One address that asks. Kept per address text, so that it is parsed once. */
export interface Client {
  readonly class: ClientClass;
  /** Small and equal for equal classes: part of the key of ready answers. */
  readonly classNumber: number;
  /** What counts as one client in limits: an IPv4 address or an IPv6 /64. */
  readonly key: string;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
}

/** A query for a name in a zone of a link. */
export interface Ask {
  readonly query: Query;
  readonly asker: Asker;
  client: Client;
  /** Read anew when the configuration changes. */
  zone: LinkZone;
  /** When it came. */
  readonly askedAt: Instant;
}
