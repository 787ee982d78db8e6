// What the commands found, as text for people or as JSON for scripts.

import { rcodeName, typeName } from "../wire/codes.js";
import type { Message } from "../wire/message.js";
import { formatName, misleading, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { formatRR } from "../wire/text.js";
import { instancePart, type NameStyle, shown } from "./names.js";
import type { DomainList, Instance } from "./questions.js";

export interface Style extends NameStyle {
  readonly json: boolean;
}

const asJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const lines = (list: readonly string[]): string => list.map((line) => `${line}\n`).join("");

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");

/**
 * `key=value` strings as they are; as \xHH what is not UTF-8, and what would steer
 * a terminal or forge a line: any device on a link may have written it.
 */
export function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("utf8");
  if (text.includes("\ufffd")) {
    return Buffer.from(bytes)
      .toString("latin1")
      .replace(/[^ -~]/g, (byte) => hex(Buffer.from(byte, "latin1")));
  }
  return text.replace(misleading, (control) => hex(Buffer.from(control, "utf8")));
}

export function renderMessage(message: Message, style: Style): string {
  const sections = {
    answer: message.answers,
    authority: message.authorities,
    additional: message.additionals,
  };
  if (style.json) {
    const texts = Object.entries(sections).map(([name, rrs]) => [name, rrs.map(formatRR)]);
    return asJson({ rcode: rcodeName(message.rcode), ...Object.fromEntries(texts) });
  }
  const parts = [`; ${rcodeName(message.rcode)}${message.aa ? ", authoritative" : ""}`];
  for (const [name, rrs] of Object.entries(sections)) {
    if (rrs.length > 0) parts.push(`; ${name}`, ...rrs.map(formatRR));
  }
  return lines(parts);
}

export function renderBrowse(found: ReadonlyMap<Name, readonly Name[]>, style: Style): string {
  if (style.json) {
    return asJson(
      [...found].flatMap(([domain, names]) =>
        names.map((name) => ({
          instance: instancePart(name),
          domain: formatName(domain),
          name: formatName(name),
        })),
      ),
    );
  }
  return lines([...found.values()].flat().map((name) => shown(name, style)));
}

function renderRecord(rr: RR, style: Style): string {
  const { rdata } = rr;
  if (rdata.kind === "srv") return `  at ${shown(rdata.target, style)} port ${rdata.port}`;
  if (rdata.kind === "txt") {
    return rdata.strings.map((bytes) => `  txt ${textOf(bytes)}`).join("\n");
  }
  return `  ${typeName(rr.type)} ${formatRR(rr).split(/\s+/).at(-1)}`;
}

export function renderInstance(instance: Instance, style: Style): string {
  if (style.json) {
    return asJson({ name: formatName(instance.name), records: instance.records.map(formatRR) });
  }
  const records = instance.records.map((rr) => renderRecord(rr, style)).filter(Boolean);
  return lines([shown(instance.name, style), ...records]);
}

const meaning: Readonly<Record<DomainList["prefix"], string>> = {
  b: "browse",
  lb: "browse unasked",
  db: "default to browse",
  r: "register",
  dr: "default to register",
};

export function renderDomains(lists: readonly DomainList[], style: Style): string {
  if (style.json) {
    return asJson(
      Object.fromEntries(lists.map((list) => [list.prefix, list.domains.map(formatName)])),
    );
  }
  return lines(
    lists.flatMap((list) =>
      list.domains.map(
        (domain) =>
          `${list.prefix.padEnd(3)}${meaning[list.prefix].padEnd(21)}${shown(domain, style)}`,
      ),
    ),
  );
}
