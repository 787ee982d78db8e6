// Makes the certificate that a daemon without one shows: self-signed, so that
// TLS can be tried at once. Node makes keys and signatures but no certificates,
// and X.509 (RFC 5280 §4) is little more than a list of fields.

import { generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";
import type { Credentials } from "./credentials.js";
import * as der from "./der.js";

const day = 86_400_000;

/** Clocks differ: the certificate is valid for those that are behind, too. */
const backdating = day;

/** How long it is valid: browsers and Apple's systems take no more than 398 days. */
const validity = 397 * day;

/** Another one is made this long before the end, in milliseconds. */
const renewal = 30 * day;

/** Names beyond it are left out: the certificate travels in every full handshake. */
export const namesMax = 100;

/** ub-common-name of RFC 5280, appendix A. */
const commonNameMax = 64;

const ids = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  extKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
} as const;

/** A certificate of our own making. */
export interface SelfSigned {
  readonly credentials: Credentials;
  /** SHA-256 of the certificate, as `AB:CD:…`: what a client can be told to trust. */
  readonly fingerprint: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * A new key (ECDSA P-256) and a certificate for it.
 *
 * @param names what clients call this server, each fit for a dNSName; the first one stands in
 *              the subject as well
 * @param now   milliseconds since 1970
 */
export function makeSelfSigned(names: readonly string[], now: number): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const notBefore = Math.floor((now - backdating) / 1000) * 1000;
  const notAfter = notBefore + validity;
  const shown = names.slice(0, namesMax);
  const algorithm = der.sequence(der.objectId(ids.ecdsaWithSha256));
  const subject = subjectOf(shown);
  const body = der.sequence(
    // Version 3, counted from 0.
    der.explicit(0, der.integer(Uint8Array.of(2))),
    der.integer(serial()),
    algorithm,
    subject,
    der.sequence(der.time(notBefore), der.time(notAfter)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der.explicit(3, extensionsFor(shown)),
  );
  const signature = sign("sha256", body, privateKey);
  const certificate = new X509Certificate(der.sequence(body, algorithm, der.bitString(signature)));
  const credentials = {
    cert: certificate.toString(),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    names: shown,
  };
  return { credentials, fingerprint: certificate.fingerprint256, notBefore, notAfter };
}

/** Whether it is time for another one: it ends soon, or was made by a clock that ran ahead. */
export function isWorn({ notBefore, notAfter }: SelfSigned, now: number): boolean {
  return now < notBefore || now >= notAfter - renewal;
}

/** Chance enough that no two are alike, above zero, in 16 of the 20 bytes that are allowed. */
function serial(): Uint8Array {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes;
}

/** Clients look for names elsewhere (RFC 8310 §8.1); this one is for people. */
function subjectOf([first = ""]: readonly string[]): Uint8Array {
  const text = first.length > 0 && first.length <= commonNameMax ? first : "discd";
  const attribute = der.sequence(der.objectId(ids.commonName), der.utf8String(text));
  return der.sequence(der.set(attribute));
}

function extensionsFor(names: readonly string[]): Uint8Array {
  const encoder = new TextEncoder();
  const alternatives = names.map((name) => der.implicit(2, encoder.encode(name)));
  return der.sequence(
    // No authority: nothing else can be signed with this key.
    extension(ids.basicConstraints, true, der.sequence()),
    // Bit 0, digitalSignature.
    extension(ids.keyUsage, true, der.bitString(Uint8Array.of(0x80), 7)),
    extension(ids.extKeyUsage, false, der.sequence(der.objectId(ids.serverAuth))),
    extension(ids.subjectAltName, false, der.sequence(...alternatives)),
  );
}

function extension(id: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  const critical = isCritical ? [der.boolean(true)] : [];
  return der.sequence(der.objectId(id), ...critical, der.octetString(value));
}
