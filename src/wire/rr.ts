// Resource records as values, their identity, and the names inside them.

import { FormatError } from "./errors.js";
import { latin1 } from "./latin1.js";
import { equalNames, type Name } from "./name.js";
import type { EdnsOptionBytes, Rdata } from "./rdata/index.js";
import { type FieldKind, type Layout, layoutOf } from "./rdata/layouts.js";

export interface RR {
  readonly name: Name;
  readonly type: number;
  /** All 16 bits as on the wire: in mDNS the top one is the cache-flush bit (RFC 6762 §10.2). */
  readonly class: number;
  /** All 32 bits as on the wire, unsigned. */
  readonly ttlSeconds: number;
  readonly rdata: Rdata;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(type: number, rdata: Rdata): Layout["fields"] {
  return (rdata.kind === "opaque" ? undefined : layoutOf(type)?.fields) ?? [];
}

/** The value of one field; a value of the wrong kind for its type is a mistake of the caller. */
export function fieldOf(rdata: Rdata, field: string): unknown {
  const value = (rdata as unknown as Fields)[field];
  if (value === undefined) throw new FormatError(`has no ${field}`, rdata.kind);
  return value;
}

const sized = (bytes: Uint8Array): string => `${bytes.length}:${latin1(bytes)}`;

/** Says where it ends, unless it runs to the end: keys can stand one behind the other. */
function fieldKey(kind: FieldKind, value: unknown): string {
  switch (kind) {
    case "name":
      return `${(value as Name).key}\0`;
    case "strings":
      // No string and one empty string are the same on the wire (RFC 6763 §6.1).
      return (value as readonly Uint8Array[]).map(sized).join("") || "0:";
    case "types":
      return `${(value as readonly number[]).join(",")};`;
    case "options":
      return (value as readonly EdnsOptionBytes[])
        .map((option) => `${option.code}=${sized(option.bytes)}`)
        .join("");
    default:
      return typeof value === "number" ? `${value};` : sized(value as Uint8Array);
  }
}

/**
 * The identity of rdata: equal for equal records, names without ASCII case (RFC 6762 §2.2).
 */
export function rdataKey(type: number, rdata: Rdata): string {
  switch (rdata.kind) {
    case "opaque":
      return latin1(rdata.bytes);
    case "a":
    case "aaaa":
      return latin1(rdata.address);
    case "ptr":
      return rdata.target.key;
    default: {
      let key = "";
      for (const [field, kind] of fieldsOf(type, rdata)) {
        key += fieldKey(kind, fieldOf(rdata, field));
      }
      return key;
    }
  }
}

/** The same name, type, class and rdata; the TTL does not count. */
export function equalRRs(a: RR, b: RR): boolean {
  return (
    a.type === b.type &&
    a.class === b.class &&
    equalNames(a.name, b.name) &&
    rdataKey(a.type, a.rdata) === rdataKey(b.type, b.rdata)
  );
}

/**
 * Replaces the names inside rdata; what has none is returned as it is.
 *
 * @param map  told each name and the field it stands in
 */
export function mapRdataNames(
  type: number,
  rdata: Rdata,
  map: (name: Name, field: string) => Name,
): Rdata {
  let mapped: Record<string, unknown> | undefined;
  for (const [field, kind] of fieldsOf(type, rdata)) {
    if (kind !== "name") continue;
    const name = fieldOf(rdata, field) as Name;
    const other = map(name, field);
    if (other === name) continue;
    mapped ??= { ...rdata };
    mapped[field] = other;
  }
  return mapped === undefined ? rdata : (mapped as unknown as Rdata);
}

/** The names inside rdata, in wire order. */
export function rdataNames(type: number, rdata: Rdata): readonly Name[] {
  const names: Name[] = [];
  for (const [field, kind] of fieldsOf(type, rdata)) {
    if (kind === "name") names.push(fieldOf(rdata, field) as Name);
  }
  return names;
}
