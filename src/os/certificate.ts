// Reads the certificate that TLS listeners show from files, and judges it as
// clients will: what they would refuse is said before the first one comes. What
// cannot be used at all yields no credentials, so that those in use can stay.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { open, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { chainOf } from "./certificate-chain.js";
import type { Credentials } from "./credentials.js";

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly crt: string;
  readonly key: string;
  /** Absent where `crt` holds the intermediates. */
  readonly chain?: string;
}

export type Part = keyof CertificateFiles;

/** What is wrong with a file. */
export interface Flaw {
  readonly part: Part;
  /**
   * `refused`: the certificate cannot be used; `grave`: it is used, but every client that verifies
   * refuses it; `doubtful`: some may.
   */
  readonly weight: "refused" | "grave" | "doubtful";
  /** The file, the cause, the remedy. */
  readonly text: string;
  /** Of files that are not there or may not be read. */
  readonly cause?: "absent" | "denied";
}

export interface Certificate {
  readonly credentials: Credentials;
  /** SHA-256 of the server's own certificate, as `AB:CD:…`. */
  readonly fingerprint: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface Reading {
  /** Absent where a flaw is `refused`. */
  readonly certificate?: Certificate;
  readonly flaws: readonly Flaw[];
}

/** Bytes of one file: a chain of ten certificates with long keys takes a quarter of it. */
export const certificateFileMax = 128 * 1024;

/** Certificates of one file; each is compared with each other one, and signatures take time. */
export const certificatesMax = 20;

/** A flaw without a file to name: the caller knows which one it is. */
type Judge = (part: Part, weight: Flaw["weight"], text: string) => void;

/** id-kp-serverAuth (RFC 5280 §4.2.1.12). */
const serverAuth = "1.3.6.1.5.5.7.3.1";

/**
 * Reads and judges; never rejects for what files hold.
 *
 * @param expected names that clients will look for, as text
 * @param now      milliseconds since 1970
 */
export async function readCertificate(
  files: CertificateFiles,
  expected: readonly string[],
  now: number,
): Promise<Reading> {
  const flaws: Flaw[] = [];
  const judge: Judge = (part, weight, text) =>
    flaws.push({ part, weight, text: `${files[part]}: ${text}` });
  const texts = new Map<Part, string>();
  for (const part of ["crt", "chain", "key"] as const) {
    const path = files[part];
    if (path === undefined) continue;
    const read = await readText(path, part);
    if ("contents" in read) {
      texts.set(part, read.contents);
      if (part === "key" && read.isOpenToAll) judge(part, "doubtful", openKey);
    } else {
      flaws.push({ part, weight: "refused", ...read, text: `${path}: ${read.text}` });
    }
  }
  const own = certificatesIn("crt", texts.get("crt"), judge);
  const more = certificatesIn("chain", texts.get("chain"), judge);
  const key = keyIn(texts.get("key"), judge);
  const [leaf] = own;
  const isRefused = () => flaws.some(({ weight }) => weight === "refused");
  if (leaf === undefined || key === undefined || isRefused()) return { flaws };
  judgeKey(own, key, files, judge);
  if (isRefused()) return { flaws };
  const notBefore = Date.parse(leaf.validFrom);
  const notAfter = Date.parse(leaf.validTo);
  judgeTime(notBefore, notAfter, now, judge);
  const names = namesOf(leaf);
  judgeNames(leaf, names, expected, judge);
  const chain = chainOf(leaf, own.slice(1), more);
  for (const { where, text } of chain.flaws) judge(where, "doubtful", text);
  const cert = [leaf, ...chain.certificates].map(String).join("");
  const credentials = { cert, key: texts.get("key") ?? "", names };
  if (!isRefused()) judgeAsOpenssl(credentials, judge);
  if (isRefused()) return { flaws };
  const { fingerprint256: fingerprint } = leaf;
  return { certificate: { credentials, fingerprint, notBefore, notAfter }, flaws };
}

/**
 * What changes when files do: Let's Encrypt swaps symbolic links, others write in place or rename,
 * and a file that could not be read may be given free.
 */
export async function stampOf(files: CertificateFiles): Promise<string> {
  const stamps = [files.crt, files.key, files.chain].map(async (path) => {
    if (path === undefined) return "";
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      return [dev, ino, size, mtimeNs, ctimeNs].join(":");
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code);
    }
  });
  return (await Promise.all(stamps)).join(" ");
}

const openKey = "may be read by every user of this host; take that right away with chmod o-r";

/** The right of others to read, in the mode of a file. */
const othersRead = 0o004;

interface Read {
  readonly contents: string;
  readonly isOpenToAll: boolean;
}

type Unread = Pick<Flaw, "text" | "cause">;

async function readText(path: string, part: Part): Promise<Read | Unread> {
  try {
    // Opening a pipe would wait for its other end.
    const facts = await stat(path);
    if (facts.isDirectory()) return { text: "is a folder; name the file in it" };
    if (!facts.isFile()) return { text: "is not a regular file" };
    const file = await open(path);
    try {
      // One byte more tells a file that is too large, whatever its size was a moment ago.
      const { bytesRead, buffer } = await file.read(Buffer.alloc(certificateFileMax + 1));
      if (bytesRead > certificateFileMax) {
        return { text: `is larger than ${certificateFileMax} bytes; is it the right file?` };
      }
      const contents = buffer.toString("latin1", 0, bytesRead);
      return { contents, isOpenToAll: (facts.mode & othersRead) !== 0 };
    } finally {
      await file.close();
    }
  } catch (error) {
    return unreadFor(error as NodeJS.ErrnoException, part);
  }
}

function unreadFor({ code, message }: NodeJS.ErrnoException, part: Part): Unread {
  if (code === "ENOENT" || code === "ENOTDIR") {
    const text = `is not there; put the file there or correct the path in certificate.${part}`;
    return { cause: "absent", text };
  }
  if (code === "EACCES" || code === "EPERM") {
    const remedy = "give that user the right to it and to the folders above it";
    return { cause: "denied", text: `may not be read by the user that runs discd; ${remedy}` };
  }
  return { text: `cannot be read: ${message}` };
}

function certificatesIn(part: Part, text: string | undefined, judge: Judge): X509Certificate[] {
  if (text === undefined) return [];
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) {
    const isDer = text.charCodeAt(0) === 0x30 && text.charCodeAt(1) >= 0x80;
    const found = isDer ? "is DER, not PEM" : "holds no certificate in PEM form";
    const remedy = isDer
      ? "convert it with openssl x509 -inform DER"
      : "it has to begin with a line -----BEGIN CERTIFICATE-----";
    judge(part, "refused", `${found}; ${remedy}`);
  }
  if (blocks.length > certificatesMax) {
    const remedy = "leave what leads from the server's certificate to its root";
    const text = `holds ${blocks.length} certificates, more than the ${certificatesMax} allowed`;
    judge(part, "refused", `${text}; ${remedy}`);
    return [];
  }
  return blocks.flatMap((block, at) => {
    try {
      return [new X509Certificate(block)];
    } catch (error) {
      const what = `certificate ${at + 1} of the file cannot be decoded: ${reasonOf(error)}`;
      judge(part, "refused", `${what}; was it copied as a whole?`);
      return [];
    }
  });
}

function keyIn(text: string | undefined, judge: Judge): KeyObject | undefined {
  if (text === undefined) return undefined;
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    const remedy = "it has to hold a line -----BEGIN PRIVATE KEY-----";
    judge("key", "refused", `holds no private key in PEM form; ${remedy}`);
    return undefined;
  }
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    const remedy = "write it without with openssl pkey -in FILE -out FILE";
    judge(
      "key",
      "refused",
      `is encrypted, and discd has nobody to ask for the password; ${remedy}`,
    );
    return undefined;
  }
  try {
    return createPrivateKey(text);
  } catch (error) {
    judge("key", "refused", `cannot be decoded: ${reasonOf(error)}; was it copied as a whole?`);
    return undefined;
  }
}

function judgeKey(
  own: readonly X509Certificate[],
  key: KeyObject,
  files: CertificateFiles,
  judge: Judge,
): void {
  const at = own.findIndex((one) => one.checkPrivateKey(key));
  if (at === 0) return;
  if (at > 0) {
    const remedy = "put the server's own certificate first";
    judge("crt", "refused", `the key is that of certificate ${at + 1} of the file; ${remedy}`);
    return;
  }
  const text = `is not the key of the certificate in ${files.crt}; name the two that belong together`;
  judge("key", "refused", text);
}

function judgeTime(notBefore: number, notAfter: number, now: number, judge: Judge): void {
  const date = (at: number) => new Date(at).toISOString().slice(0, 10);
  if (Number.isNaN(notBefore) || Number.isNaN(notAfter)) {
    judge("crt", "refused", "says in no readable way how long it is valid; have it issued again");
  } else if (now > notAfter) {
    judge(
      "crt",
      "grave",
      `expired on ${date(notAfter)}; it is used, but clients refuse it: renew it`,
    );
  } else if (now < notBefore) {
    const remedy = "is the clock of this host right?";
    const text = `is not valid before ${date(notBefore)}; it is used, but clients refuse it: ${remedy}`;
    judge("crt", "grave", text);
  }
}

/** The dNSNames. OpenSSL's text quotes what could be taken for something else. */
function namesOf({ subjectAltName = "" }: X509Certificate): string[] {
  return [...subjectAltName.matchAll(/(?:^|, )DNS:([^",]+)/g)].map(([, name = ""]) => name);
}

function judgeNames(
  leaf: X509Certificate,
  names: readonly string[],
  expected: readonly string[],
  judge: Judge,
): void {
  if (names.length === 0) {
    const why = "clients look for a server's name nowhere else (RFC 8310 §8.1)";
    const remedy = `have it issued for ${listed(expected)}`;
    judge("crt", "refused", `names no host in subjectAltName, and ${why}; ${remedy}`);
    return;
  }
  const missing = expected.filter(
    (name) => leaf.checkHost(name, { subject: "never" }) === undefined,
  );
  if (missing.length > 0) {
    const why = "clients without DNSSEC check for the zone's name, others for the host's";
    const text = `does not name ${listed(missing)}; ${why}: have it issued for these as well`;
    judge("crt", "doubtful", text);
  }
  // What Node calls key usage is the extended one.
  const { keyUsage } = leaf as { readonly keyUsage?: readonly string[] };
  if (keyUsage !== undefined && !keyUsage.includes(serverAuth)) {
    const remedy = "have it issued with extendedKeyUsage serverAuth";
    judge("crt", "grave", `is not meant for a server, and clients refuse it; ${remedy}`);
  }
}

/** The first few: a campus has hundreds of zones. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

/** What a listener would find: too short a key, a hash that nobody takes any more. */
function judgeAsOpenssl({ cert, key }: Credentials, judge: Judge): void {
  try {
    createSecureContext({ cert, key, minVersion: "TLSv1.2" });
  } catch (error) {
    judge("crt", "refused", `is refused by OpenSSL: ${reasonOf(error)}; have it issued again`);
  }
}

/** OpenSSL's words, without the numbers in front of them. */
function reasonOf(error: unknown): string {
  const { message } = error as Error;
  return /^error:[0-9A-F]+:[^:]*:[^:]*:(.+)$/.exec(message)?.[1] ?? message;
}
