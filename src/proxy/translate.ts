// What an operator adds to the records of devices (RFC 8766 §5.5.5, DP-78):
// TXT keys, and subtypes under which an instance is listed as well. Everything
// else of a TXT keeps its bytes and its order (DP-75, T-45).
//
// A subtype that is added exists nowhere on the link. Its list is made from the
// PTRs of the base type, so a question for it has to be put to the link twice:
// for the subtype, which devices may have too, and for the base type.

import { foldLabel, labelText, type Name, nameOf } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { Translation } from "./options.js";
import { fits, textOfLabel } from "./pattern.js";
import { isLocalName } from "./rewrite.js";
import { typeOf } from "./services.js";

/** A subtype that some translations add. */
export interface AddedSubtype {
  /** The type whose instances are listed under it, as in `_ipp._tcp.local`. */
  readonly base: Name;
  readonly translations: readonly Translation[];
}

/** @returns undefined when the name on the link is no subtype, or none that is added */
export function addedSubtype(
  translations: readonly Translation[],
  name: Name,
): AddedSubtype | undefined {
  const [label = "", sub = "", ...base] = name.labels;
  if (foldLabel(sub) !== "_sub" || base.length !== 3) return undefined;
  const type = typeOf(name);
  if (type === undefined) return undefined;
  const adding = translations.filter(
    (one) =>
      fits(one.type, type) &&
      one.subtypes.some((subtype) => foldLabel(labelText(subtype)) === foldLabel(label)),
  );
  return adding.length === 0 ? undefined : { base: nameOf(base), translations: adding };
}

/** Whether an instance, heard under its base type, is listed under the subtype as well. */
export function isListed({ translations }: AddedSubtype, instance: Name): boolean {
  return translations.some((one) => isMeant(one, instance));
}

/** A TXT record of the link with the keys that translations set. */
export function translatedTxt(translations: readonly Translation[], rr: RR): RR {
  if (rr.rdata.kind !== "txt") return rr;
  const meant = translations.filter((one) => isMeant(one, rr.name));
  if (meant.every((one) => Object.keys(one.txt).length === 0)) return rr;
  // An empty TXT is one empty string (RFC 6763 §6.1): nothing to keep.
  let strings = rr.rdata.strings.filter((string) => string.length > 0);
  for (const translation of meant) {
    for (const [key, value] of Object.entries(translation.txt)) {
      strings = withKey(strings, key, value);
    }
  }
  return { ...rr, rdata: { kind: "txt", strings } };
}

/** The bytes of one TXT string; keys compare with ASCII case folded (RFC 6763 §6.4). */
export function txtString(key: string, value: string | true): Uint8Array {
  return Buffer.from(value === true ? key : `${key}=${value}`, "utf8");
}

/** Replaces the key where it first stands, which is the one that counts, else appends it. */
function withKey(strings: readonly Uint8Array[], key: string, value: string | true): Uint8Array[] {
  const wanted = foldLabel(labelText(key));
  const at = strings.findIndex((string) => foldLabel(keyOf(string)) === wanted);
  const set = txtString(key, value);
  return at < 0 ? [...strings, set] : strings.with(at, set);
}

function keyOf(string: Uint8Array): string {
  const end = string.indexOf(0x3d);
  return Buffer.from(end < 0 ? string : string.subarray(0, end)).toString("latin1");
}

/** Whether the translation is about this instance name, `<instance>.<type>.<protocol>.local`. */
function isMeant(translation: Translation, instance: Name): boolean {
  if (instance.labels.length !== 4 || !isLocalName(instance)) return false;
  const type = typeOf(instance);
  if (type === undefined || !fits(translation.type, type)) return false;
  if (translation.instance === undefined) return true;
  return fits(translation.instance, textOfLabel(instance.labels[0]!));
}
