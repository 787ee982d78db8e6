// What the DNS says of printers, and whether they can be reached: everything
// that an iPhone needs, gathered for a judgement elsewhere.

import { type Address, formatAddress, parsePrefix, permits } from "../../address.js";
import type { Resolver } from "../../os/resolver.js";
import { displayLabel, labelText, type Name, nameOf, under } from "../../wire/name.js";
import type { RR } from "../../wire/rr.js";
import { type Connected, tryConnection } from "../doctor/probe.js";
import { servicePartsOf } from "../names.js";
import { browse, type Instance, resolve } from "../questions.js";

export const printerTypes = ["_ipp._tcp", "_ipps._tcp"] as const;
export type PrinterType = (typeof printerTypes)[number];

/** What Apple's clients browse for instead of all printers. */
export const universal = "_universal";

export interface AddressEvidence {
  readonly text: string;
  /** Good for whoever is not on the printer's own link. */
  readonly isUsable: boolean;
  /** Of TCP to the port; absent where the address is of no use. */
  readonly connected?: Connected;
}

export interface PlaceEvidence {
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly AddressEvidence[];
}

/** One service of a printer: plain, or over TLS. */
export interface ServiceEvidence {
  readonly type: PrinterType;
  /** In the list of all of this type. */
  readonly isListed: boolean;
  /** In the list of the subtype. */
  readonly isUniversal: boolean;
  /** Where SRV records lead. */
  readonly places: readonly PlaceEvidence[];
  /** By key in lower case, the first of each; undefined: there is no TXT record. */
  readonly txt: ReadonlyMap<string, string> | undefined;
  /** Why nothing is known of it. */
  readonly fault?: string;
}

export interface PrinterEvidence {
  /** What a dialog shows. */
  readonly label: string;
  readonly domain: Name;
  readonly services: readonly ServiceEvidence[];
}

/** Printers that are looked at; a campus has some hundreds. */
export const printersMax = 500;
/** Looked at side by side. */
const atOnce = 16;
/** Of one service. */
const placesMax = 4;
const addressesMax = 8;

/** For whoever is elsewhere they lead nowhere (RFC 3927, RFC 4291 §2.5), or to himself. */
const unusable = [
  "169.254.0.0/16",
  "fe80::/10",
  "127.0.0.0/8",
  "::1",
  "0.0.0.0/8",
  "::",
  "ff00::/8",
];
const unusableList = [...unusable, "224.0.0.0/4"].flatMap((text) => {
  const prefix = parsePrefix(text);
  return prefix === undefined ? [] : [{ prefix, refuse: false }];
});

export const isUsable = (address: Address): boolean => !permits(unusableList, address);

const typeLabels = (type: PrinterType) => type.split(".").map(labelText);

/** A printer, before it was looked at. */
export interface FoundPrinter {
  readonly label: string;
  readonly domain: Name;
  readonly services: Map<PrinterType, { name: Name; isListed: boolean; isUniversal: boolean }>;
}

/** The printers of a domain, by what a dialog would show. */
export async function findPrinters(
  resolver: Resolver,
  domain: Name,
): Promise<readonly FoundPrinter[]> {
  const printers = new Map<string, FoundPrinter>();
  const lists = printerTypes.flatMap((type) =>
    [false, true].map(async (isUniversal) => {
      const front = isUniversal ? [universal, "_sub"].map(labelText) : [];
      const names = await browse(resolver, under([...front, ...typeLabels(type)], domain));
      return { type, isUniversal, names };
    }),
  );
  for (const { type, isUniversal, names } of await Promise.all(lists)) {
    for (const name of names) add(printers, type, name, isUniversal);
  }
  return [...printers.values()].slice(0, printersMax);
}

function add(
  printers: Map<string, FoundPrinter>,
  type: PrinterType,
  name: Name,
  isUniversal: boolean,
): void {
  const [label] = name.labels;
  const parts = servicePartsOf(name);
  if (label === undefined || parts?.instance === undefined) return;
  const key = `${nameOf([label]).key} ${parts.domain.key}`;
  const known = printers.get(key);
  const printer = known ?? { label: parts.instance, domain: parts.domain, services: new Map() };
  const before = printer.services.get(type);
  printer.services.set(type, {
    name,
    isListed: before?.isListed === true || !isUniversal,
    isUniversal: before?.isUniversal === true || isUniversal,
  });
  printers.set(key, printer);
}

/** Only the printer that an instance names, under both of its types. */
export async function findPrinter(
  resolver: Resolver,
  instance: Name,
): Promise<readonly FoundPrinter[]> {
  const [label] = instance.labels;
  const domain = nameOf(instance.labels.slice(3));
  const all = await findPrinters(resolver, domain);
  const key = nameOf([label as string]).key;
  return all.filter(({ services }) =>
    [...services.values()].some(({ name }) => nameOf([name.labels[0] as string]).key === key),
  );
}

/** Everything about them, some at a time. */
export async function lookAt(
  resolver: Resolver,
  found: readonly FoundPrinter[],
  patience: number | undefined,
): Promise<readonly PrinterEvidence[]> {
  const looked: PrinterEvidence[] = [];
  for (let start = 0; start < found.length; start += atOnce) {
    const some = found.slice(start, start + atOnce).map(async ({ label, domain, services }) => ({
      label,
      domain,
      services: await Promise.all(
        [...services].map(async ([type, { name, ...lists }]) => ({
          ...(await serviceAt(resolver, name, patience)),
          ...lists,
          type,
        })),
      ),
    }));
    looked.push(...(await Promise.all(some)));
  }
  return looked;
}

async function serviceAt(resolver: Resolver, name: Name, patience: number | undefined) {
  let instance: Instance;
  try {
    instance = await resolve(resolver, name);
  } catch (error) {
    return { places: [], txt: undefined, fault: (error as Error).message };
  }
  const places = instance.places.slice(0, placesMax).map(async ({ host, port, addresses }) => ({
    host: host.labels.map(displayLabel).join("."),
    port,
    addresses: await Promise.all(
      addresses.slice(0, addressesMax).map((rr) => addressAt(rr, port, patience)),
    ),
  }));
  return { places: await Promise.all(places), txt: keysOf(instance.texts) };
}

async function addressAt(
  { rdata }: RR,
  port: number,
  patience: number | undefined,
): Promise<AddressEvidence> {
  if (rdata.kind !== "a" && rdata.kind !== "aaaa") return { text: "?", isUsable: false };
  const family = rdata.kind === "a" ? "ipv4" : "ipv6";
  const address: Address = { family, bytes: rdata.address };
  const text = formatAddress(address);
  if (!isUsable(address)) return { text, isUsable: false };
  const connected = await tryConnection({ address: text, port }, patience);
  return { text, isUsable: true, connected };
}

/** RFC 6763 §6.4: keys without case, and of several the first counts. */
function keysOf(texts: readonly RR[]): ReadonlyMap<string, string> | undefined {
  const strings = texts.flatMap(({ rdata }) => (rdata.kind === "txt" ? rdata.strings : []));
  if (strings.length === 0) return undefined;
  const keys = new Map<string, string>();
  for (const bytes of strings) {
    const text = Buffer.from(bytes).toString("utf8");
    const [, key = "", value = ""] = /^([^=]+)=?(.*)$/s.exec(text) ?? [];
    const folded = key.toLowerCase();
    if (folded !== "" && !keys.has(folded)) keys.set(folded, value);
  }
  return keys;
}
