// Bytes as strings with one character per byte, which every label is kept as:
// any byte survives, and comparing and hashing are the engine's own.

interface Latin1 {
  latin1Slice(start: number, end: number): string;
}

// Undocumented, but what Buffer.toString("latin1") comes down to, at half the cost.
const { latin1Slice } = Buffer.prototype as unknown as Latin1;

/** The bytes from `start` up to `end`, U+0000 to U+00FF each. */
export function latin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return latin1Slice.call(bytes, start, end);
}
