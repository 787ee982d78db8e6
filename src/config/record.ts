// One static record: a name in the plain form of discd.lua, and type and data
// as a zone file has them. They are read by the zone-file reader of wire/, so
// that every type it knows can be written.

import { FormatError } from "../wire/errors.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { parseRR } from "../wire/text.js";
import { type Check, preset, required, table } from "./shapes.js";
import { name, text, wholeSeconds } from "./words.js";

/** TTL of a record that names none. */
const ttlDefault = 300;

const recordTable = table({
  name: required<Name | undefined>(name, undefined, "the record's name"),
  type: required(text(32), "", "the record's type, as in 'A'"),
  data: required(text(65_535), "", "the data, as in a zone file"),
  ttl: preset(wholeSeconds(0, 2_147_483_647), ttlDefault, "seconds"),
});

export const record: Check<RR> = (value, where) => {
  const keys = recordTable(value, where);
  // What is missing or wrong has been reported, and leaves nothing to read.
  if (keys?.name === undefined || keys.type === "" || keys.data === "") return undefined;
  if (!/^[A-Za-z0-9-]+$/.test(keys.type) || /[\r\n]/.test(keys.data)) {
    where.report.problem(where, "the type is one word, and the data is one line");
    return undefined;
  }
  try {
    return { ...parseRR(`x. ${keys.ttl} IN ${keys.type} ${keys.data}`), name: keys.name };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    where.report.problem(where, `'${keys.data}' is no data of type ${keys.type}: ${error.message}`);
    return undefined;
  }
};
