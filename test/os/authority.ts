// An authority for tests: issues certificates of any kind, sound or not, in a
// folder of its own. It writes them with src/os/der.ts, which self-signed.test.ts
// checks against the standard; what judges them is OpenSSL's reader in Node.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  X509Certificate,
} from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as der from "../../src/os/der.js";

export const day = 86_400_000;
export const noon = Date.UTC(2026, 5, 15, 12);

const ids = {
  basicConstraints: "2.5.29.19",
  subjectAltName: "2.5.29.17",
  extKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
};

export interface Issued {
  readonly name: string;
  readonly pem: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

export interface Wish {
  readonly name: string;
  /** Absent: no subjectAltName. */
  readonly names?: readonly string[];
  readonly issuer?: Issued;
  readonly isAuthority?: boolean;
  readonly from?: number;
  readonly until?: number;
  readonly usage?: "serverAuth" | "clientAuth";
  /** Absent: a key of its own. */
  readonly key?: string;
}

export function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

export function issue(wish: Wish): Issued {
  const key = wish.key ?? newKey();
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const algorithm = der.sequence(der.objectId("1.2.840.10045.4.3.2"));
  const body = der.sequence(
    der.explicit(0, der.integer(Uint8Array.of(2))),
    der.integer(Uint8Array.of(7)),
    algorithm,
    named(wish.issuer?.name ?? wish.name),
    der.sequence(der.time(wish.from ?? noon - day), der.time(wish.until ?? noon + 90 * day)),
    named(wish.name),
    spki,
    der.explicit(3, der.sequence(...extensionsOf(wish))),
  );
  const signature = sign("sha256", body, createPrivateKey(wish.issuer?.key ?? key));
  const whole = der.sequence(body, algorithm, der.bitString(signature));
  return { name: wish.name, pem: new X509Certificate(whole).toString(), key };
}

function named(name: string): Uint8Array {
  const attribute = der.sequence(der.objectId("2.5.4.3"), der.utf8String(name));
  return der.sequence(der.set(attribute));
}

function extensionsOf({ isAuthority, names, usage }: Wish): Uint8Array[] {
  const extension = (id: string, value: Uint8Array) =>
    der.sequence(der.objectId(id), der.octetString(value));
  const constraint = isAuthority === true ? [der.boolean(true)] : [];
  const found = [extension(ids.basicConstraints, der.sequence(...constraint))];
  if (names !== undefined) {
    const list = names.map((name) => der.implicit(2, new TextEncoder().encode(name)));
    found.push(extension(ids.subjectAltName, der.sequence(...list)));
  }
  if (usage !== undefined) {
    found.push(extension(ids.extKeyUsage, der.sequence(der.objectId(ids[usage]))));
  }
  return found;
}

/** A root, an intermediate below it, and a server's certificate for `names` below that. */
export function issueChain(names: readonly string[], more: Partial<Wish> = {}) {
  const root = issue({ name: "Test Root", isAuthority: true });
  const middle = issue({ name: "Test Middle", isAuthority: true, issuer: root });
  const leaf = issue({ name: "server", names, issuer: middle, ...more });
  return { root, middle, leaf };
}

/** A folder for files, and their paths in it. */
export function folder(files: Readonly<Record<string, string>> = {}) {
  const path = mkdtempSync(join(tmpdir(), "discd-certificate-"));
  const write = (name: string, text: string | Uint8Array) => {
    writeFileSync(join(path, name), text, { mode: 0o600 });
    return join(path, name);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { path, write, in: (name: string) => join(path, name) };
}
