// One configuration made ready for questions: everything that is looked up by
// name or address, built once, and the place from which a client looks at a
// link.

import type { Counts } from "../counts.js";
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
