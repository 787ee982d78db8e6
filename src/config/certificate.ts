// `certificate` of discd.lua: which files TLS shows, or that it makes its own, or
// that there is no TLS; and what clients will look for in a certificate. The files
// are read elsewhere, since they change while the configuration stays.

import type { Address } from "../address.js";
import type { EngineConfig } from "../engine/config.js";
import { foldLabel, type Name } from "../wire/name.js";
import { beside, filePath } from "./paths.js";
import type { Ports } from "./ports.js";
import type { Place, Where } from "./report.js";
import { type Check, optional, refuse, required, table } from "./shapes.js";

/** Paths, absolute once they are settings. */
export interface CertificatePaths {
  readonly crt: string;
  readonly key: string;
  readonly chain?: string;
}

/** Where the certificate comes from. */
export type CertificateChoice =
  | { readonly kind: "files"; readonly files: CertificatePaths }
  | { readonly kind: "self-signed" }
  | { readonly kind: "none"; readonly reason: string; readonly remedy: string }
  | {
      /** Nobody said: what is in the folder, where it has a name, or else the other thing. */
      readonly kind: "unwritten";
      readonly folder: string | undefined;
      readonly otherwise: "self-signed" | "none";
    };

export interface CertificateSetting {
  readonly choice: CertificateChoice;
  /** The host's name and those of the zones, where a dNSName can hold them; in lower case. */
  readonly names: readonly string[];
  /** Of each key in the file, for problems with what it names. */
  readonly places: Readonly<Record<"certificate" | keyof CertificatePaths, Place>>;
  /** Where something is said to speak TLS: without a certificate it cannot be done. */
  readonly neededAt?: Place;
}

/** Where certbot keeps the certificates in force, a folder for each. */
const liveFolder = "/etc/letsencrypt/live";

/** Longest dNSName (RFC 1035 §2.3.4, as text). */
const dnsNameMax = 253;

const files = table({
  crt: required(filePath, "", "the file with the server's certificate, in PEM form"),
  key: required(filePath, "", "the file with its private key, in PEM form"),
  chain: optional(filePath, "the file with the intermediates, where crt lacks them"),
});

export type WrittenCertificate = false | "self-signed" | NonNullable<ReturnType<typeof files>>;

export const certificate: Check<WrittenCertificate> = (value, where) => {
  if (value.kind === "boolean" && !value.value) return false;
  if (value.kind === "string" && value.text === "self-signed") return "self-signed";
  if (value.kind === "table") return files(value, where);
  return refuse(value, where, "{ crt = 'FILE', key = 'FILE' }, 'self-signed' or false");
};

/** What TLS listens on. */
export interface TlsPlaces {
  readonly ports: Pick<Ports, "tls" | "push">;
  readonly listen: "all" | readonly Address[];
  /** Whether HTTP has to speak TLS, whatever the rest does. */
  readonly isForHttp: boolean;
}

/**
 * @param places where none is for TLS, no certificate is looked for
 * @param file  the configuration file, whose folder paths are relative to; absent: there is none
 * @param at    the place of a path in the file
 */
export function certificateSetting(
  written: WrittenCertificate | undefined,
  { proxy }: Pick<EngineConfig, "proxy">,
  places: TlsPlaces,
  file: string | undefined,
  at: (path: string) => Where,
): CertificateSetting {
  const placeOf = (key: string) => {
    const { report, spot } = at(key);
    return report.placeOf(spot);
  };
  const { hostname, links, zones } = proxy;
  const zoneNames = links.flatMap(({ service, host, aliases }) => [service, host, ...aliases]);
  const named = [hostname, ...zoneNames, ...zones].flatMap((name) => dnsNameOf(name) ?? []);
  return {
    choice: choiceOf(written, places, dnsNameOf(hostname), file),
    names: [...new Set(named)],
    places: {
      certificate: placeOf("certificate"),
      crt: placeOf("certificate.crt"),
      key: placeOf("certificate.key"),
      chain: placeOf("certificate.chain"),
    },
    ...(places.isForHttp ? { neededAt: placeOf("http.tls") } : {}),
  };
}

function choiceOf(
  written: WrittenCertificate | undefined,
  { ports, listen, isForHttp }: TlsPlaces,
  host: string | undefined,
  file: string | undefined,
): CertificateChoice {
  if (written === false) {
    return { kind: "none", reason: "certificate is false", remedy: "leave it out, or set files" };
  }
  const isForDns = typeof written !== "object" && !isForHttp;
  if (isForDns && listen.length === 0) {
    const remedy = "name addresses in listen";
    return { kind: "none", reason: "discd listens on no address", remedy };
  }
  if (isForDns && ports.tls === false && ports.push === false) {
    const remedy = "leave one of them out, or set a number";
    return { kind: "none", reason: "port.tls and port.push are false", remedy };
  }
  if (written === "self-signed") return { kind: "self-signed" };
  if (written === undefined) {
    const folder = host === undefined ? undefined : `${liveFolder}/${host}`;
    return { kind: "unwritten", folder, otherwise: file === undefined ? "self-signed" : "none" };
  }
  const { crt, key, chain } = written;
  const own = { crt: beside(file, crt), key: beside(file, key) };
  const files = chain === undefined ? own : { ...own, chain: beside(file, chain) };
  return { kind: "files", files };
}

/** As certificates write it: letters, digits, hyphens, underscores; other names have no way in. */
function dnsNameOf({ labels }: Name): string | undefined {
  const isPlain = labels.length > 0 && labels.every((label) => /^[\w-]+$/.test(label));
  const name = foldLabel(labels.join("."));
  return isPlain && name.length <= dnsNameMax ? name : undefined;
}

/** For `--print-json`, before anybody has looked into a folder. */
export function printCertificate({ choice }: CertificateSetting): object | string | false {
  if (choice.kind === "files") return choice.files;
  const kind = choice.kind === "unwritten" ? choice.otherwise : choice.kind;
  return kind === "none" ? false : kind;
}
