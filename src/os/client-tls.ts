// TLS as a client of Push, and whoever updates a zone, uses it: encrypted and
// authenticated, or not at all (RFC 8310 §5, Strict profile). The name has to
// stand in subjectAltName (§8.1); nothing is sent before the certificate was
// judged here.

import type { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP, type Socket } from "node:net";
import { connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import type { Covers } from "../client/io.js";
import { plainPin } from "../pins.js";
import { causeOf } from "./connection-faults.js";
import { pinOf } from "./pin.js";

/** Where Debian and its kin keep what update-ca-certificates(8) collects. */
const systemCas = "/etc/ssl/certs/ca-certificates.crt";

/** Whom the user trusts besides, or instead of, the system's authorities. */
export interface Trust {
  /** PEM: these authorities, and no others. */
  readonly ca?: string;
  /**
   * `sha256/` and base64 of a public key (RFC 7858 §4.2), or the SHA-256 of a certificate in
   * hexadecimal digits: with any of them nothing else counts.
   */
  readonly pins: readonly string[];
  /** Absent: those of discli. */
  readonly words?: TrustWords;
}

/** How remedies are called where somebody reads of them. */
export interface TrustWords {
  /** How to trust another authority. */
  readonly ca: string;
  /** Why just this name. */
  readonly name: string;
  readonly pins: string;
  readonly pinned: (pin: string) => string;
}

const wordsOfDiscli: TrustWords = {
  ca: "--ca FILE",
  name: "RFC 7673 §4.1",
  pins: "--pin",
  pinned: (pin) => `--pin ${pin}`,
};

export type Verdict =
  | { readonly kind: "trusted"; readonly covers: Covers }
  /** With the way out, for the user to read. */
  | { readonly kind: "refused"; readonly reason: string };

/** The authorities that count, read once. @throws Error when `ca` is no certificate */
export function secureContext({ ca }: Trust): SecureContext {
  const trusted = ca ?? systemAuthorities();
  const authorities = trusted === undefined ? {} : { ca: trusted };
  return createSecureContext({ minVersion: "TLSv1.2", ...authorities });
}

/** Undefined: those that Node brings along. */
function systemAuthorities(): string | undefined {
  try {
    return readFileSync(systemCas, "utf8");
  } catch {
    return undefined;
  }
}

export interface TlsEars {
  judged(verdict: Verdict): void;
  /** The handshake came to nothing. */
  failed(reason: string): void;
}

/**
 * Begins TLS on a stream that is open.
 *
 * @param identity  whom the certificate has to name
 * @param protocol  what is to be spoken, as ALPN has it
 */
export function startTls(
  raw: Socket,
  identity: string | undefined,
  secure: SecureContext,
  trust: Trust,
  ears: TlsEars,
  protocol = "dot",
): TLSSocket {
  const isHost = identity !== undefined && isIP(identity) === 0;
  const socket = connect({
    socket: raw,
    secureContext: secure,
    ALPNProtocols: [protocol],
    // Judged below, in words.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...(isHost ? { servername: identity } : {}),
  });
  let isJudged = false;
  socket.once("secureConnect", () => {
    isJudged = true;
    ears.judged(judge(socket, identity, trust));
  });
  socket.on("error", (error) => {
    if (!isJudged) ears.failed(handshakeFault(error, identity));
  });
  return socket;
}

function handshakeFault(error: NodeJS.ErrnoException, identity: string | undefined): string {
  if (error.code === "ERR_SSL_TLSV1_UNRECOGNIZED_NAME") {
    return `it has no certificate for ${identity}, which is the name it is looked for under`;
  }
  const text = error.code?.startsWith("ERR_SSL_") ? error.code.slice(8) : causeOf(error);
  return `no TLS: ${text.toLowerCase().replaceAll("_", " ")}`;
}

function judge(socket: TLSSocket, identity: string | undefined, trust: Trust): Verdict {
  const { words = wordsOfDiscli } = trust;
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return { kind: "refused", reason: "it shows no certificate" };
  const pin = pinOf(leaf);
  if (trust.pins.length > 0) {
    const held = [pin, plainPin(leaf.fingerprint256)];
    if (trust.pins.some((one) => held.includes(plainPin(one)))) {
      return { kind: "trusted", covers: "any" };
    }
    return {
      kind: "refused",
      reason: `its key is ${pin}, and none of those given by ${words.pins}`,
    };
  }
  const fault = socket.authorized
    ? nameFault(leaf, identity, words)
    : chainFault(socket, leaf, words);
  if (fault === undefined) return { kind: "trusted", covers: hostsOf(leaf) };
  const remedy = `if it is yours: ${words.pinned(pin)}`;
  return { kind: "refused", reason: `${fault}; ${remedy}` };
}

/** What OpenSSL takes for a name at all: with a NUL in it, Node throws. */
const printable = /^[\x21-\x7e]+$/;

function nameFault(
  leaf: X509Certificate,
  identity: string | undefined,
  words: TrustWords,
): string | undefined {
  if (identity === undefined) {
    return "the zone's name cannot stand in a certificate, so that none is proof of it";
  }
  if (!printable.test(identity)) {
    return "the server's name cannot stand in a certificate, so that none is proof of it";
  }
  const options = { subject: "never", partialWildcards: false } as const;
  const isNamed =
    isIP(identity) === 0
      ? leaf.checkHost(identity, options) !== undefined
      : leaf.checkIP(identity) !== undefined;
  if (isNamed) return undefined;
  const others = hostsOf(leaf).slice(0, 5).join(", ") || "no host";
  return `its certificate names ${others}, and not ${identity} (${words.name})`;
}

function chainFault(socket: TLSSocket, leaf: X509Certificate, words: TrustWords): string {
  const error: unknown = socket.authorizationError;
  switch (error instanceof Error ? (error as NodeJS.ErrnoException).code : error) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return "its certificate is self-signed";
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return `its certificate is from an authority that is not trusted here (${words.ca})`;
    case "CERT_HAS_EXPIRED":
      return `its certificate expired on ${leaf.validTo}`;
    case "CERT_NOT_YET_VALID":
      return `its certificate is not valid before ${leaf.validFrom}; is the clock right?`;
    default:
      return `its certificate is not valid: ${String(error)}`;
  }
}

/** One part of OpenSSL's text, which quotes values that hold a comma. */
const part = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/y;

/** The dNSNames of a certificate. */
export function hostsOf({ subjectAltName = "" }: X509Certificate): string[] {
  const hosts: string[] = [];
  part.lastIndex = 0;
  for (let found = part.exec(subjectAltName); found !== null; found = part.exec(subjectAltName)) {
    const [whole, kind, value = ""] = found;
    if (whole === "") break;
    if (kind === "DNS" && !value.startsWith('"')) hosts.push(value);
  }
  return hosts;
}
