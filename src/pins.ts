// How the pin of a server is written: the key or the certificate that it has to
// show, by its hash. The command line and discd.lua take the same.

/** A pin keeps its case, since base64 has one; digits of a fingerprint lose it and the colons. */
export function plainPin(pin: string): string {
  return /^[0-9a-f:]{64,95}$/i.test(pin) ? pin.replaceAll(":", "").toLowerCase() : pin;
}

/**
 * Whether a text can be one: `sha256/` and base64 of a public key (RFC 7858 §4.2), or the SHA-256
 * of a certificate in hexadecimal digits.
 */
export function isPin(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(plainPin(text)) || /^sha256\/[A-Za-z0-9+/]{43}=$/.test(text);
}
