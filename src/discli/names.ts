// Names as people type them and read them. Typed: plain UTF-8 with RFC 1035
// escapes where a label holds a dot; the instance part of a service name may be
// typed without any, since it is known to be one label (RFC 6763 §4.1). Printed:
// plain UTF-8, or with `--escaped` as dig and zone files spell it.

import { FormatError } from "../wire/errors.js";
import {
  displayLabel,
  displayName,
  formatName,
  type Label,
  labelText,
  type Name,
  nameOf,
  parseName,
  under,
} from "../wire/name.js";
import { UsageError } from "./command.js";

export interface NameStyle {
  readonly escaped: boolean;
}

/** Says of a text that it is no name. */
function reading<T>(text: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) throw new UsageError(`"${text}": ${error.message}`);
    throw error;
  }
}

/** @throws UsageError naming the text and what is wrong with it */
export function typedName(text: string): Name {
  return reading(text, () => parseName(text));
}

/** `labels` in front of a name that was typed. @throws UsageError when that is too long */
export function below(labels: readonly Label[], name: Name): Name {
  return reading(displayName(name), () => under(labels, name));
}

/** What can be browsed: `_ipp._tcp`, or a subtype of it, `_color._sub._ipp._tcp`. */
const typePattern = /^(?:(.+)\._sub\.)?(_[^.\\]+)\.(_(?:tcp|udp))/i;

/** A type and perhaps a domain, typed as one word or two. */
export interface Browse {
  readonly type?: readonly Label[];
  readonly domain?: Name;
}

/**
 * Reads the words of `browse [TYPE] [DOMAIN]`; a full name such as
 * `_ipp._tcp.floor1.example.com` is both.
 *
 * @throws UsageError
 */
export function typedBrowse(first: string | undefined, second: string | undefined): Browse {
  if (first === undefined) return {};
  if (!/(^|\._sub\.)_/.test(first)) {
    if (second === undefined) return { domain: typedName(first) };
    throw new UsageError(`"${first}" is no type of service; one looks like _ipp._tcp`);
  }
  const [all = "", subtype, service = "", protocol = ""] = typePattern.exec(first) ?? [];
  const rest = first.slice(all.length).replace(/^\./, "");
  const hasBoth = rest !== "" && second !== undefined;
  if (all === "" || hasBoth || !/^(\.|$)/.test(first.slice(all.length))) {
    throw new UsageError(`"${first}" is no type of service; one looks like _ipp._tcp`);
  }
  const type = [...(subtype === undefined ? [] : [subtype, "_sub"]), service, protocol];
  const domain = rest === "" ? second : rest;
  const labels = type.map(labelText);
  return domain === undefined ? { type: labels } : { type: labels, domain: typedName(domain) };
}

/**
 * `Dr. Smith's Printer._ipp._tcp.floor1.example.com`, with the dot escaped or not.
 *
 * @throws UsageError when there is no `._type._tcp.` or `._type._udp.` in it
 */
export function typedInstance(text: string): Name {
  const parts = /^(.+?)\.(_[^.]+\._(?:tcp|udp)\..+)$/i.exec(text);
  if (parts === null) {
    throw new UsageError(
      `"${text}" is not a service instance; one looks like Printer._ipp._tcp.floor1.example.com`,
    );
  }
  const [, instance, rest] = parts as unknown as [string, string, string];
  return below([instanceLabel(instance)], typedName(rest));
}

/** Backslashes are escapes where that makes one label, as all that is printed does. */
function instanceLabel(text: string): Label {
  try {
    const { labels } = parseName(text);
    if (text.includes("\\") && labels.length === 1) return labels[0] as Label;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return labelText(text);
}

/** One name for people. */
export function shown(name: Name, style: NameStyle): string {
  return style.escaped ? formatName(name) : displayName(name);
}

/** Several names for people. */
export const listed = (names: readonly Name[], style: NameStyle): string =>
  names.map((name) => shown(name, style)).join(", ");

/** A service name apart: what a printer dialog shows, its type, and where it is. */
export interface ServiceParts {
  /** Absent for a type. */
  readonly instance?: string;
  readonly type: string;
  readonly domain: Name;
}

/** @returns undefined for a name that is neither an instance nor a type */
export function servicePartsOf({ labels }: Name): ServiceParts | undefined {
  const at = labels.findIndex((label) => /^_(tcp|udp)$/i.test(label)) - 1;
  const type = labels
    .slice(at, at + 2)
    .map(displayLabel)
    .join(".");
  const domain = nameOf(labels.slice(at + 2));
  if (at === 0) return { type, domain };
  if (at !== 1) return undefined;
  return { instance: Buffer.from(labels[0] as Label, "latin1").toString("utf8"), type, domain };
}
