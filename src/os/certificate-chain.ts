// The intermediates that a server sends after its own certificate: each certifies
// the one before it (RFC 8446 §4.4.2). Files hold them in any order, with others
// between them; what is sent is in order, and what was mended is said.

import type { X509Certificate } from "node:crypto";

export interface ChainFlaw {
  readonly where: "crt" | "chain";
  readonly text: string;
}

export interface Chain {
  /** From the issuer of the server's certificate upwards. */
  readonly certificates: readonly X509Certificate[];
  readonly flaws: readonly ChainFlaw[];
}

/**
 * The way up from a certificate.
 *
 * @param beside certificates of the same file
 * @param more   certificates of the chain's file
 */
export function chainOf(
  leaf: X509Certificate,
  beside: readonly X509Certificate[],
  more: readonly X509Certificate[],
): Chain {
  const known = [leaf.fingerprint256];
  const given = [...beside, ...more].filter(({ fingerprint256 }) => {
    if (known.includes(fingerprint256)) return false;
    known.push(fingerprint256);
    return true;
  });
  const certificates: X509Certificate[] = [];
  let last = leaf;
  while (!isSelfSigned(last)) {
    const next = given.find((one) => !certificates.includes(one) && isIssuedBy(last, one));
    if (next === undefined) break;
    certificates.push(next);
    last = next;
  }
  const flaws: ChainFlaw[] = [];
  const where = more.length > 0 ? "chain" : "crt";
  const stray = given.filter((one) => !certificates.includes(one));
  if (stray.length > 0) {
    const names = stray.map(({ subject }) => quoted(subject)).join(", ");
    const text = `${names} is no part of the chain and is not sent; take it out`;
    flaws.push({ where, text });
  }
  const inOrder = given.filter((one) => certificates.includes(one));
  if (inOrder.some((one, at) => one !== certificates[at])) {
    const text = "is not in order; it is sent in order: put each certificate before its issuer's";
    flaws.push({ where, text });
  }
  if (certificates.length === 0 && !isSelfSigned(leaf)) {
    // Roots are what clients have, and intermediates what they lack; only the name is known here.
    const remedy = "add it to the file or name it in certificate.chain";
    const text = `lacks the certificate of its issuer ${quoted(leaf.issuer)}: unless that is a root`;
    flaws.push({ where: "crt", text: `${text} which clients have, they refuse it; ${remedy}` });
  }
  return { certificates, flaws };
}

/** Whether or not it is an authority: a server's own has no right to issue anything. */
function isSelfSigned(certificate: X509Certificate): boolean {
  const { subject, issuer } = certificate;
  return subject === issuer && isSignedBy(certificate, certificate);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && isSignedBy(certificate, issuer);
}

/** A key of an unknown kind has signed nothing. */
function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** A distinguished name on one line, as short as people call it. */
function quoted(name: string): string {
  const common = /^CN=(.*)$/m.exec(name)?.[1];
  return `"${(common ?? name.replaceAll("\n", ", ")).slice(0, 100)}"`;
}
