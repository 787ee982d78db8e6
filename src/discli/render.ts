// What the commands found, as text for people or as JSON for scripts. Both are
// made of other people's bytes: what a terminal would obey is escaped.

import { rcodeName, typeName } from "../wire/codes.js";
import type { Message } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import { formatRdata } from "../wire/rdata/text.js";
import type { RR } from "../wire/rr.js";
import { formatRR } from "../wire/text.js";
import { decodeTimeout, formatTimeout } from "../wire/timeout.js";
import type { Style } from "./command.js";
import { servicePartsOf, shown } from "./names.js";
import type { DomainList, DomainLists, Instance } from "./questions.js";

/** What JSON leaves as it is: controls beyond ASCII, and what turns the direction of text. */
const obeyed = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const controls = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Pretty-printed, ended by a line break. @param indent  0: all on that one line */
export function asJson(value: unknown, indent = 2): string {
  const escaped = (text: string) => `\\u${text.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `${JSON.stringify(value, null, indent).replace(obeyed, escaped)}\n`;
}

const lines = (list: readonly string[]): string => list.map((line) => `${line}\n`).join("");

const hex = (bytes: Iterable<number>): string =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");

/** A string of a TXT record: UTF-8 as it is, other bytes and controls as \xHH. */
export function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("utf8");
  if (text.includes("\ufffd")) {
    return [...bytes]
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : hex([byte])))
      .join("");
  }
  return text.replace(controls, (control) => hex(Buffer.from(control)));
}

/** What stands for TIMEOUT unless `update.timeout_type` says otherwise (TO-1). */
const timeoutType = 65_280;

/** The meaning of a lifetime, as a comment: to servers it is a type without a name (TO-10). */
function lifetimeText({ type, rdata }: RR): string {
  if (type !== timeoutType || rdata.kind !== "opaque") return "";
  const timeout = decodeTimeout(rdata.bytes);
  return timeout === undefined ? "" : `  ; ${formatTimeout(timeout)}`;
}

/** Rdata with its names as they are called; everything else as in zone files. */
export function rdataText({ type, rdata }: RR, style: Style): string {
  if (style.escaped) return formatRdata(type, rdata);
  switch (rdata.kind) {
    case "ptr":
    case "cname":
    case "dname":
    case "ns":
      return shown(rdata.target, style);
    case "srv": {
      const { priority, weight, port, target } = rdata;
      return `${priority} ${weight} ${port} ${shown(target, style)}`;
    }
    case "txt":
      return rdata.strings.map((bytes) => `"${textOf(bytes)}"`).join(" ") || '""';
    default:
      return formatRdata(type, rdata);
  }
}

export function recordText(rr: RR, style: Style): string {
  if (style.escaped) return formatRR(rr);
  const { name, ttlSeconds, type } = rr;
  const head = `${shown(name, style)}  ${ttlSeconds}  ${typeName(type)}`;
  return `${head}  ${rdataText(rr, style)}${lifetimeText(rr)}`;
}

export function renderMessage(message: Message, style: Style): string {
  const sections = {
    answer: message.answers,
    authority: message.authorities,
    additional: message.additionals,
  };
  if (style.json) {
    const texts = Object.entries(sections).map(([name, rrs]) => [name, rrs.map(formatRR)]);
    const { aa: authoritative } = message;
    const rcode = rcodeName(message.rcode);
    return asJson({ rcode, authoritative, ...Object.fromEntries(texts) });
  }
  const parts = [`; ${rcodeName(message.rcode)}${message.aa ? ", authoritative" : ""}`];
  for (const [name, rrs] of Object.entries(sections)) {
    if (rrs.length > 0) parts.push(`; ${name}`, ...rrs.map((rr) => recordText(rr, style)));
  }
  return lines(parts);
}

/** A name for JSON; a service's also in its parts. */
function inParts(name: Name, style: Style): object {
  const parts = servicePartsOf(name);
  const own = parts === undefined ? {} : { ...parts, domain: shown(parts.domain, style) };
  return { name: shown(name, style), ...own };
}

/** What browsing found, one name a line. */
export function renderBrowse(found: readonly Name[], style: Style): string {
  if (!style.json) return lines(found.map((name) => shown(name, style)));
  return asJson(found.map((name) => inParts(name, style)));
}

/** A service that came or went, on one line. */
export function renderChange(change: "+" | "-", name: Name, style: Style): string {
  if (!style.json) return `${change} ${shown(name, style)}\n`;
  return asJson({ change, ...inParts(name, style) }, 0);
}

/** The strings of its TXT records. */
export const stringsOf = ({ texts }: Instance): string[] =>
  texts.flatMap(({ rdata }) => (rdata.kind === "txt" ? rdata.strings.map(textOf) : []));

export const addressText = (rr: RR): string => formatRdata(rr.type, rr.rdata);

export function renderInstance(instance: Instance, style: Style): string {
  const { name, places, texts } = instance;
  if (style.json) {
    const records = [...places.flatMap(({ srv, addresses }) => [srv, ...addresses]), ...texts];
    return asJson({
      name: shown(name, style),
      places: places.map(({ host, port, addresses }) => ({
        host: shown(host, style),
        port,
        addresses: addresses.map(addressText),
      })),
      txt: stringsOf(instance),
      records: records.map(formatRR),
    });
  }
  const parts = places.flatMap(({ host, port, addresses }) => [
    `  at ${shown(host, style)} port ${port}`,
    ...addresses.map((rr) => `  ${typeName(rr.type)} ${addressText(rr)}`),
  ]);
  // A TXT record has to have a string, if only an empty one (RFC 6763 §6.1).
  const told = stringsOf(instance).filter((text) => text !== "");
  return lines([shown(name, style), ...parts, ...told.map((text) => `  txt ${text}`)]);
}

/** What the lists are for. */
export const meaningOf: Readonly<Record<DomainList["prefix"], string>> = {
  b: "browse",
  lb: "browse unasked",
  db: "default to browse",
  r: "register",
  dr: "default to register",
};

export function renderDomains(found: readonly DomainLists[], style: Style): string {
  if (style.json) {
    const listed = found.map(({ domain, lists }) => {
      const texts = lists.map(({ prefix, names }) => [
        prefix,
        names.map((one) => shown(one, style)),
      ]);
      return { domain: shown(domain, style), ...Object.fromEntries(texts) };
    });
    return asJson(listed);
  }
  const line = (prefix: DomainList["prefix"], name: Name) =>
    `${prefix.padEnd(3)}${meaningOf[prefix].padEnd(21)}${shown(name, style)}`;
  return lines(
    found.flatMap(({ domain, lists }) => [
      ...(found.length > 1 ? [`; ${shown(domain, style)}`] : []),
      ...lists.flatMap(({ prefix, names }) => names.map((name) => line(prefix, name))),
    ]),
  );
}
