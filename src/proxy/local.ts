// Everything that is answered without asking a link, in the order in which it
// is tried: apex, delegation types, metadata names, static records, domain
// enumeration, shortcuts, hidden types (RFC 8766 §5.6, §6; ). TTLs are
// final. Access and the checks of the message itself come before.

import { Rcode, RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import { labelsBelow, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { atApex, atMetadataName, isDelegationType, isMetadataName } from "./admin.js";
import type { ClientClass } from "./client.js";
import { atEnumerationName } from "./enumeration.js";
import { soaOf } from "./negative.js";
import { toLink } from "./rewrite.js";
import { isHidden } from "./services.js";
import { isShortcut } from "./shortcuts.js";
import {
  recordsAnswer,
  type StaticAnswer,
  staticAdditional,
  staticAnswer,
} from "./static-answer.js";
import type { Tables } from "./tables.js";
import { evened } from "./ttl.js";
import type { RecordsZone, Zone } from "./zones.js";

/** An answer that is ready to be sent; all sections carry final TTLs. */
export interface LocalAnswer {
  readonly rcode: number;
  readonly answers: readonly RR[];
  /** The zone's SOA where the answer is negative (DP-108). */
  readonly authorities: readonly RR[];
  readonly additionals: readonly RR[];
}

/**
 * The answer that needs no link.
 *
 * @param zone  the one that `ZoneTable.find` gives for the question's name
 * @returns undefined when the link has to be asked; never for a zone of records
 */
export function localAnswer(
  tables: Tables,
  zone: Zone,
  question: Question,
  client: ClientClass,
): LocalAnswer | undefined {
  const { options, records } = tables;
  const { name, type } = question;
  const below = labelsBelow(name, zone.apex) ?? [];
  const complete = (answers: readonly RR[]) => {
    const deniedBy = answers.length === 0 ? zone : undefined;
    return finished(tables, client, { rcode: Rcode.NOERROR, answers, deniedBy });
  };
  if (below.length === 0) {
    const statics = records.find(name, type).map((rr) => ({ ...rr, name }));
    return complete([...atApex(zone, type, options), ...statics]);
  }
  if (zone.kind === "records") return inRecords(tables, zone, question, client);
  if (isDelegationType(type)) return complete([]);
  if (isMetadataName(below)) return complete(atMetadataName(zone, below, question, options));
  const statics = staticAnswer(tables, question, client);
  if (statics !== undefined) return finished(tables, client, statics);
  const domains = atEnumerationName(zone, below, question, client);
  if (domains !== undefined) return complete(domains);
  if (isShortcut(zone, below, question)) return complete([]);
  const asked = toLink(zone, name);
  if (asked === undefined || isHidden(zone.link.services, asked)) return complete([]);
  return undefined;
}

/**
 * The response code for a name in none of the zones: the six names that belong to no
 * server do not exist (DP-110), the others are none of our affair (DP-109).
 */
export function outsideRcode(tables: Tables, name: Name): number {
  return tables.zones.isForbidden(name) ? Rcode.NXDOMAIN : Rcode.REFUSED;
}

function inRecords(
  tables: Tables,
  zone: RecordsZone,
  question: Question,
  client: ClientClass,
): LocalAnswer {
  const { name } = question;
  const below = labelsBelow(name, zone.apex) ?? [];
  const isStatic = tables.records.find(name, RRType.ANY).length > 0;
  const domains = isStatic ? undefined : atEnumerationName(zone, below, question, client);
  if (domains === undefined) {
    return finished(tables, client, recordsAnswer(tables, question, client));
  }
  const deniedBy = domains.length === 0 ? zone : undefined;
  return finished(tables, client, { rcode: Rcode.NOERROR, answers: domains, deniedBy });
}

/** Adds the SOA where the answer is negative, and what a client would ask next. */
function finished(tables: Tables, client: ClientClass, answer: StaticAnswer): LocalAnswer {
  const { answers, rcode, deniedBy } = answer;
  return {
    rcode,
    answers: capStatic(tables, answers),
    authorities: deniedBy === undefined ? [] : [soaOf(deniedBy, tables.options)],
    additionals: capStatic(tables, staticAdditional(tables, answers, client)),
  };
}

/** In a link's zone the cap of ordinary answers holds for static records too (DP-45). */
function capStatic(tables: Tables, rrs: readonly RR[]): readonly RR[] {
  return evened(rrs, (rr) => tables.zones.find(rr.name)?.link?.ttlSeconds ?? rr.ttlSeconds);
}
