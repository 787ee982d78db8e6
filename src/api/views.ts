// What the configuration and the links say, as the API lists it: zones, domains
// that are recommended, questions on their way.

import { domainsOf } from "../proxy/enumeration.js";
import type { BrowseKind, ProxyOptions } from "../proxy/options.js";
import type { ZoneTable } from "../proxy/zones.js";
import { elapsed, type Instant, secondsOf } from "../time.js";
import { typeName } from "../wire/codes.js";
import { displayName, type Name } from "../wire/name.js";
import { escapedName } from "./packet.js";
import type { DomainView, QuestionView, ZoneView } from "./shapes.js";
import type { EngineZone } from "./surroundings.js";

type Source = ZoneView["source"];

/** A subdomain that a link is published under (mode 'update'). */
export interface PublishedName {
  readonly link: string;
  readonly subdomain: Name;
  readonly source: Source;
}

export interface ZoneFacts {
  readonly zones: ZoneTable;
  readonly published: readonly PublishedName[];
  /** Queries so far for names in a zone, by the text that counts have as its label. */
  queriesIn(zone: string): number;
}

/** Every zone that is answered, and every name that is published under. */
export function zoneViews({ zones, published, queriesIn }: ZoneFacts): EngineZone[] {
  const answered = zones.zones.map((zone): EngineZone => {
    const text = displayName(zone.apex);
    const link = zone.link?.link ?? null;
    return {
      zone: text,
      escaped: escapedName(zone.apex),
      kind: zone.kind,
      link,
      source: "config",
      queries: queriesIn(text),
    };
  });
  const others = published.map(({ link, subdomain, source }): EngineZone => {
    const escaped = escapedName(subdomain);
    return { zone: displayName(subdomain), escaped, kind: "published", link, source, queries: 0 };
  });
  return [...answered, ...others];
}

const kinds: readonly BrowseKind[] = ["b", "db", "lb", "r", "dr"];

/**
 * The domains that each link's zone recommends to clients without lists of their own, and those
 * under which links are published, once each.
 */
export function domainViews(
  { browse }: Pick<ProxyOptions, "browse">,
  zones: ZoneTable,
  published: readonly PublishedName[],
): DomainView[] {
  const views: DomainView[] = [];
  for (const zone of zones.zones) {
    if (zone.kind !== "service") continue;
    for (const kind of kinds) {
      for (const name of domainsOf(zone, kind, browse ?? {})) {
        views.push({ link: zone.link.link, kind, domain: displayName(name) });
      }
    }
  }
  for (const { link, subdomain } of published) {
    for (const kind of ["b", "lb"] as const) {
      views.push({ link, kind, domain: displayName(subdomain) });
    }
  }
  return views;
}

/** A question as a link keeps it (mdns/link.ts, `questions`). */
export interface AskedQuestion {
  readonly question: { readonly name: Name; readonly type: number };
  readonly watches: number;
  readonly startedAt: Instant | undefined;
}

export function questionView(now: Instant, link: string, asked: AskedQuestion): QuestionView {
  const { name, type } = asked.question;
  const { startedAt } = asked;
  const escaped = escapedName(name);
  return {
    id: `${link} ${typeName(type)} ${escaped}`,
    link,
    name: displayName(name),
    escaped,
    type: typeName(type),
    watches: asked.watches,
    ageSeconds: startedAt === undefined ? null : secondsOf(elapsed(startedAt, now)),
  };
}
