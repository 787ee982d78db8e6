// One configuration made ready for questions: everything that is looked up by
// name or address, built once, and the place from which a client looks at a
// link.

import type { Counts } from "../counts.js";
import type { Name } from "../wire/name.js";
import { type ClientClass, Clients } from "./client.js";
import type { ProxyOptions } from "./options.js";
import { Records } from "./records.js";
import type { LinkView } from "./view.js";
import { type LinkZone, ZoneTable } from "./zones.js";

export interface Tables {
  readonly options: ProxyOptions;
  readonly zones: ZoneTable;
  readonly records: Records;
  readonly clients: Clients;
}

export function tablesOf(options: ProxyOptions): Tables {
  const zones = new ZoneTable(options);
  const records = new Records(options.records, zones);
  return { options, zones, records, clients: new Clients(options) };
}

/** Who looks at which link, and under which of its zones. */
export interface Vantage {
  readonly tables: Tables;
  readonly view: LinkView;
  readonly zone: LinkZone;
  readonly client: ClientClass;
  readonly counts: Counts;
}

/** One look at the link. It keeps a note of every name it consults, and judges no host twice. */
export interface Sight extends Vantage {
  readonly lookedUp: Map<string, Name>;
  /** Whether a host, by key, may be told as the target of an SRV. */
  readonly isHostUsable: Map<string, boolean>;
}

export function sightFrom(at: Vantage): Sight {
  return { ...at, lookedUp: new Map(), isHostUsable: new Map() };
}

/** Notes that what is heard at this name may change what is seen. */
export function note(at: Sight, name: Name): void {
  at.lookedUp.set(name.key, name);
}
