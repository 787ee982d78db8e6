// The pin of a server's public key, as `discli --pin` takes it and as the log of
// discd shows it. It outlives a renewal that keeps the key, which the fingerprint
// of a certificate does not.

import { createHash, type X509Certificate } from "node:crypto";

/** `sha256/` and base64 of the SHA-256 of SubjectPublicKeyInfo (RFC 7858 §4.2). */
export function pinOf({ publicKey }: X509Certificate): string {
  const der = publicKey.export({ type: "spki", format: "der" });
  return `sha256/${createHash("sha256").update(der).digest("base64")}`;
}
