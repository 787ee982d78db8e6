// What the engine is told: plain data, complete, checked by config/. The parts
// belong to the folders that act on them; this file only puts them together.

import type { Limits } from "../limits.js";
import type { LinkOptions } from "../mdns/link.js";
import type { ProxyOptions, ServedLink } from "../proxy/options.js";
import type { CookieSetting } from "../query/queries.js";
import type { QueryLog } from "../query/replies.js";
import type { PublishedZone } from "../update/options.js";
import type { LinkId } from "./io.js";

/** One link that is used, whether its zones are answered or it is announced to only. */
export interface LinkConfig {
  readonly id: LinkId;
  readonly mdns: LinkOptions;
  /** Also an element of `proxy.links`; absent when the link has no zone. */
  readonly served?: ServedLink;
  /** Mode "update": where its records go. Such a link has no `served`. */
  readonly published?: readonly PublishedZone[];
  /** DNS-SD types kept asked for, as in `_ipp._tcp`; true: every type seen. */
  readonly warm: readonly string[] | true;
}

export interface EngineConfig {
  readonly proxy: ProxyOptions;
  readonly links: readonly LinkConfig[];
  readonly limits: Limits;
  readonly logQueries: QueryLog;
  readonly cookies: CookieSetting;
  /** Whether DNS Push Notifications, and LLQs, are switched on. */
  readonly takesPush: boolean;
  readonly takesLlq: boolean;
}
