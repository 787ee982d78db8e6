// From the setting of the certificate to the one that is there now: in files, in
// the folder of Let's Encrypt, or none; with everything that is wrong with it as
// problems of the configuration, for `discd --check`, the start and reloads alike.

import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { CertificateSetting } from "../config/certificate.js";
import type { Problem } from "../config/load.js";
import {
  type Certificate,
  type CertificateFiles,
  type Flaw,
  readCertificate,
  stampOf,
} from "../os/certificate.js";

export interface FoundCertificate {
  /** What TLS shows, if nothing keeps it from that. */
  readonly source: "files" | "self-signed" | "none";
  /** With source `files`. */
  readonly files?: CertificateFiles;
  /** With source `files`, where they can be used. */
  readonly certificate?: Certificate;
  /** Why it is not a file, and what would change it. */
  readonly reason?: string;
  readonly problems: readonly Problem[];
  /** Differs when what is on disk has changed; see `hasChanged`. */
  readonly stamp: string;
}

/**
 * Looks, reads and judges.
 *
 * @param now milliseconds since 1970
 */
export async function findCertificate(
  setting: CertificateSetting,
  now: number,
): Promise<FoundCertificate> {
  const found = await lookFor(setting, now);
  const { neededAt } = setting;
  if (neededAt === undefined || found.source !== "none") return found;
  const reason = found.reason ?? "there is none";
  const remedy = "set certificate = { crt = 'FILE', key = 'FILE' } or 'self-signed'";
  const path = "http.tls";
  const text = `${path}: needs a certificate, and ${reason}; ${remedy}`;
  return { ...found, problems: [...found.problems, { ...neededAt, path, text, isWarning: false }] };
}

async function lookFor(setting: CertificateSetting, now: number): Promise<FoundCertificate> {
  const { choice } = setting;
  const stamp = await stampFor(setting);
  switch (choice.kind) {
    case "none":
      return { source: "none", reason: choice.reason, problems: [], stamp };
    case "self-signed":
      return { source: "self-signed", reason: "certificate asks for it", problems: [], stamp };
    case "files":
      return readFiles(setting, choice.files, now, stamp);
    case "unwritten": {
      const { folder, otherwise } = choice;
      const live = folder === undefined ? undefined : await liveFiles(folder);
      if (live === undefined || "denied" in live) {
        const problems = live === undefined ? [] : [deniedProblem(setting, live.denied)];
        const where = folder === undefined ? "" : ` and ${folder} is not there`;
        return { source: otherwise, reason: `certificate is not set${where}`, problems, stamp };
      }
      const found = await readFiles(setting, live, now, stamp);
      if (found.certificate !== undefined) return found;
      // Where nobody wrote anything, what lies in that folder is no reason not to start, nor is
      // it anywhere that the daemon's user has no right to it: certbot gives that to root alone.
      const isFatal = otherwise === "none" && !found.isDenied;
      if (isFatal) return found;
      const problems = found.problems.map((problem) => ({ ...problem, isWarning: true }));
      return { source: otherwise, reason: `${folder} cannot be used`, problems, stamp };
    }
  }
}

/** For `--print-json`: what is in force, in the form of the key. */
export function printFound({ source, files }: FoundCertificate): object | string | false {
  return source === "none" ? false : (files ?? source);
}

/** Whether files have changed since a look that left `stamp`; cheap enough for every few seconds. */
export async function hasChanged(setting: CertificateSetting, stamp: string): Promise<boolean> {
  return (await stampFor(setting)) !== stamp;
}

/** Every file that could matter, whichever of them is there. */
async function stampFor({ choice }: CertificateSetting): Promise<string> {
  if (choice.kind === "files") return stampOf(choice.files);
  if (choice.kind !== "unwritten" || choice.folder === undefined) return "";
  const inFolder = (crt: string, chain: string): CertificateFiles => ({
    crt: join(choice.folder as string, crt),
    key: join(choice.folder as string, "privkey.pem"),
    chain: join(choice.folder as string, chain),
  });
  const both = [inFolder("fullchain.pem", "."), inFolder("cert.pem", "chain.pem")];
  return (await Promise.all(both.map(stampOf))).join(" ");
}

/** The files of a folder as certbot leaves it; undefined where there is no such folder. */
async function liveFiles(
  folder: string,
): Promise<CertificateFiles | { readonly denied: string } | undefined> {
  try {
    await stat(folder);
    const key = join(folder, "privkey.pem");
    const crt = join(folder, "fullchain.pem");
    if (await isThere(crt)) return { crt, key };
    const chain = join(folder, "chain.pem");
    const own = { crt: join(folder, "cert.pem"), key };
    if (!(await isThere(own.crt))) return { crt, key };
    return (await isThere(chain)) ? { ...own, chain } : own;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const isDenied = code === "EACCES" || code === "EPERM";
    return { denied: `${folder}: ${isDenied ? "may not be looked into" : message}` };
  }
}

/** A link that leads nowhere is there: what it lacks will be said. */
async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

function deniedProblem({ places }: CertificateSetting, denied: string): Problem {
  const remedy = "give the user that runs discd the right to it, or set certificate";
  const text = `certificate: ${denied}; ${remedy}`;
  return { ...places.certificate, path: "certificate", text, isWarning: true };
}

async function readFiles(
  setting: CertificateSetting,
  files: CertificateFiles,
  now: number,
  stamp: string,
): Promise<FoundCertificate & { readonly isDenied: boolean }> {
  const { certificate, flaws } = await readCertificate(files, setting.names, now);
  const problems = flaws
    .map((flaw) => problemOf(setting, flaw))
    .toSorted((one, other) => one.line - other.line);
  const refused = flaws.filter(({ weight }) => weight === "refused");
  const isDenied = refused.length > 0 && refused.every(({ cause }) => cause === "denied");
  const found = { source: "files", files, problems, stamp, isDenied } as const;
  return certificate === undefined ? found : { ...found, certificate };
}

function problemOf({ choice, places }: CertificateSetting, flaw: Flaw): Problem {
  const isWritten = choice.kind === "files";
  const path = isWritten ? `certificate.${flaw.part}` : "certificate";
  const place = isWritten ? places[flaw.part] : places.certificate;
  const isWarning = flaw.weight !== "refused";
  return { ...place, path, text: `${path}: ${flaw.text}`, isWarning };
}
