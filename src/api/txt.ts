// TXT records for people to read (RFC 6763 §6): keys and values, told apart from
// bytes that are no text.

import { misleading } from "../wire/name.js";
import type { TxtPair } from "./shapes.js";

/** Pairs shown of one record; a record of 8,900 bytes may hold thousands of empty ones. */
export const pairsMax = 200;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The pairs in their order. A string without a key means nothing (§6.4), of a key that comes
 * twice the first counts, and case does not tell keys apart.
 */
export function txtPairs(strings: readonly Uint8Array[]): readonly TxtPair[] {
  const pairs = new Map<string, TxtPair>();
  for (const string of strings) {
    if (pairs.size >= pairsMax) break;
    const equals = string.indexOf(0x3d);
    if (string.length === 0 || equals === 0) continue;
    const key = keyText(equals < 0 ? string : string.subarray(0, equals));
    const folded = key.toLowerCase();
    if (pairs.has(folded)) continue;
    pairs.set(folded, { key, ...valuePart(equals < 0 ? undefined : string.subarray(equals + 1)) });
  }
  return [...pairs.values()];
}

function valuePart(bytes: Uint8Array | undefined): Omit<TxtPair, "key"> {
  if (bytes === undefined) return { value: null, isBinary: false };
  const text = textOf(bytes);
  if (text !== undefined) return { value: text, isBinary: false };
  return { value: null, isBinary: true, base64: Buffer.from(bytes).toString("base64") };
}

/** Undefined for what is no text, or would mislead who reads it as text. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = strictUtf8.decode(bytes);
    return text.search(misleading) < 0 ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Keys are printable ASCII; what is not is shown as the escapes of a zone file. */
function keyText(bytes: Uint8Array): string {
  return [...bytes]
    .map((byte) =>
      byte >= 0x20 && byte < 0x7f
        ? String.fromCharCode(byte)
        : `\\${String(byte).padStart(3, "0")}`,
    )
    .join("");
}
