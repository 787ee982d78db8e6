// Names as people type them and read them. Typed: plain UTF-8 with RFC 1035
// escapes where a label holds a dot; the instance part of a service name may be
// typed without any, since it is known to be one label (RFC 6763 §4.1). Printed:
// plain UTF-8, or with `--escaped` as dig and zone files spell it.

import { FormatError } from "../wire/errors.js";
import { displayName, formatName, labelText, type Name, parseName, under } from "../wire/name.js";
import { UsageError } from "./usage.js";

export interface NameStyle {
  readonly escaped: boolean;
}

/** @throws UsageError naming the text and what is wrong with it */
export function typedName(text: string): Name {
  try {
    return parseName(text);
  } catch (error) {
    if (error instanceof FormatError) throw new UsageError(`"${text}": ${error.message}`);
    throw error;
  }
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
  if (/\\/.test(instance)) return typedName(text);
  const below = typedName(rest);
  try {
    return under([labelText(instance)], below);
  } catch (error) {
    if (error instanceof FormatError) throw new UsageError(`"${instance}": ${error.message}`);
    throw error;
  }
}

/** One name for people. */
export function shown(name: Name, style: NameStyle): string {
  return style.escaped ? formatName(name) : displayName(name);
}

/** The first label alone: how an instance is called in a printer dialog. */
export function instancePart(name: Name): string {
  return Buffer.from(name.labels[0] ?? "", "latin1").toString("utf8");
}
