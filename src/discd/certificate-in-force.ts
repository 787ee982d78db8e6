// The certificate that TLS shows at present. It follows the files: new ones are
// taken into use, bad and half-written ones leave the old one in use; and it says,
// once each, what is shown, what is wrong, and when it ends.

import { X509Certificate } from "node:crypto";
import type { CertificateSetting } from "../config/certificate.js";
import { problemText } from "../config/check-text.js";
import type { Log, LogLevel } from "../log.js";
import type { Certificate } from "../os/certificate.js";
import type { Credentials } from "../os/credentials.js";
import { pinOf } from "../os/pin.js";
import { isWorn, makeSelfSigned, type SelfSigned } from "../os/self-signed.js";
import type { Instant } from "../time.js";
import { type FoundCertificate, findCertificate, hasChanged } from "./find-certificate.js";

/** Milliseconds between looks at the files: certificates are in no hurry. */
const lookEvery = 10_000;

const day = 86_400_000;

/** How long before its end a certificate in files is warned of: certbot renews after two thirds. */
const noticeOfExpiry = 14 * day;

/** Shown where none of the server's names fits into a certificate. */
const nameOfLastResort = "discd.home.arpa";

export interface Clocks {
  readonly now: () => Instant;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

type Line = readonly [level: LogLevel, event: string, fields: Readonly<Record<string, unknown>>];

export class CertificateInForce {
  readonly #log: Log;
  readonly #clocks: Clocks;
  #setting: CertificateSetting;
  #stamp: string;
  /** What is shown: one of the two, or none. */
  #fromFiles: Certificate | undefined;
  #own: (SelfSigned & { readonly wanted: string }) | undefined;
  /** Lines that `tell` writes; what was said last is not said again. */
  #untold: Line[] = [];
  #lastState = "";
  #problems: ReadonlySet<string> = new Set();
  #expiryTold: { readonly what: string; readonly at: Instant } | undefined;
  #lookedAt: Instant;

  constructor(setting: CertificateSetting, found: FoundCertificate, log: Log, clocks: Clocks) {
    this.#log = log;
    this.#clocks = clocks;
    this.#setting = setting;
    this.#stamp = found.stamp;
    this.#lookedAt = clocks.now();
    this.take(setting, found, true);
  }

  /** For the listeners; undefined: TLS is closed. The same object as long as nothing changes. */
  get credentials(): Credentials | undefined {
    return (this.#fromFiles ?? this.#own)?.credentials;
  }

  /**
   * Another configuration, and what it leads to.
   *
   * @param isAsked the operator wants it so; otherwise what is gone or bad stays in use
   */
  take(setting: CertificateSetting, found: FoundCertificate, isAsked: boolean): void {
    this.#setting = setting;
    this.#stamp = found.stamp;
    this.#noteProblems(found, isAsked);
    if (found.certificate !== undefined) {
      this.#show(found.certificate, found);
    } else if (this.#fromFiles !== undefined && (!isAsked || found.source === "files")) {
      const { fingerprint } = this.#fromFiles;
      const remedy = "put a certificate and its key in place";
      const reason = found.reason ?? "the files cannot be used";
      this.#note("error", "certificate-kept", { reason, fingerprint, remedy });
    } else if (found.source === "self-signed") {
      this.#showOwn(found);
    } else {
      this.#fromFiles = undefined;
      this.#own = undefined;
      const reason = found.reason ?? "the files cannot be used";
      this.#note("info", "tls-closed", { reason, remedy: this.#remedy() });
    }
    this.#noteExpiry();
  }

  /**
   * Looks at the files, if it is time for that.
   *
   * @returns whether `credentials` are others than before
   */
  async look(): Promise<boolean> {
    const at = this.#clocks.now();
    if (at - this.#lookedAt < lookEvery) return false;
    this.#lookedAt = at;
    const before = this.credentials;
    const isOwnWorn = this.#own !== undefined && isWorn(this.#own, this.#clocks.wall());
    if (isOwnWorn || (await hasChanged(this.#setting, this.#stamp))) {
      const found = await findCertificate(this.#setting, this.#clocks.wall());
      this.take(this.#setting, found, false);
    }
    this.#noteExpiry();
    this.tell();
    return this.credentials !== before;
  }

  /** Writes what there is to say. */
  tell(): void {
    for (const [level, event, fields] of this.#untold) this.#log.event(level, event, fields);
    this.#untold = [];
  }

  /** Milliseconds since 1970 at which what is shown ends. */
  get notAfter(): number | undefined {
    return (this.#fromFiles ?? this.#own)?.notAfter;
  }

  /** Why clients that verify what is shown refuse it; one of our own, nobody verifies. */
  get trouble(): string | undefined {
    const shown = this.#fromFiles;
    if (shown === undefined) return undefined;
    const { notBefore, notAfter, credentials } = shown;
    const wall = this.#clocks.wall();
    if (wall > notAfter) return `the certificate expired on ${dateOf(notAfter)}; renew it`;
    if (wall < notBefore) {
      return `the certificate is not valid before ${dateOf(notBefore)}; is the clock right?`;
    }
    const wanted = this.#setting.names;
    const leaf = new X509Certificate(credentials.cert);
    const isNamed = (name: string) => leaf.checkHost(name, { subject: "never" }) !== undefined;
    if (wanted.length === 0 || wanted.some(isNamed)) return undefined;
    return `the certificate names ${credentials.names.join(", ")}, and not ${wanted[0]}`;
  }

  #show(certificate: Certificate, { files }: FoundCertificate): void {
    const isSame = this.#fromFiles?.credentials.cert === certificate.credentials.cert;
    if (!isSame || this.#fromFiles?.credentials.key !== certificate.credentials.key) {
      this.#fromFiles = certificate;
    }
    this.#own = undefined;
    const { credentials, fingerprint, notAfter } = certificate;
    this.#note("info", "certificate", {
      ...files,
      names: credentials.names,
      until: dateOf(notAfter),
      fingerprint,
      pin: pinOf(new X509Certificate(credentials.cert)),
    });
  }

  #showOwn({ reason }: FoundCertificate): void {
    const { names } = this.#setting;
    const wanted = names.join(" ");
    const wall = this.#clocks.wall();
    this.#fromFiles = undefined;
    if (this.#own?.wanted !== wanted || isWorn(this.#own, wall)) {
      const fitting = names.length === 0 ? [nameOfLastResort] : names;
      this.#own = { ...makeSelfSigned(fitting, wall), wanted };
    }
    const { credentials, fingerprint, notAfter } = this.#own;
    this.#note("info", "certificate", {
      source: "self-signed",
      reason,
      names: credentials.names,
      until: dateOf(notAfter),
      fingerprint,
      pin: pinOf(new X509Certificate(credentials.cert)),
      effect: "clients that verify certificates refuse it unless told to trust its pin",
      remedy: this.#remedy(),
    });
  }

  /** What gives TLS a certificate that clients take. */
  #remedy(): string {
    const { choice } = this.#setting;
    if (choice.kind === "none") return choice.remedy;
    const written = "set certificate = { crt = 'FILE', key = 'FILE' }";
    if (choice.kind !== "unwritten" || choice.folder === undefined) return written;
    const own = choice.otherwise === "none" ? " or certificate = 'self-signed'" : "";
    return `put fullchain.pem and privkey.pem into ${choice.folder}, or ${written}${own}`;
  }

  #noteProblems({ problems }: FoundCertificate, isAsked: boolean): void {
    const found = problems.map((problem) => ({ problem, text: problemText(problem) }));
    for (const { problem, text } of found) {
      if (!isAsked && this.#problems.has(text)) continue;
      this.#untold.push([
        problem.isWarning ? "warn" : "error",
        "certificate-problem",
        { problem: text },
      ]);
    }
    this.#problems = new Set(found.map(({ text }) => text));
  }

  /** A state, which is said when it differs from the one before. */
  #note(level: LogLevel, event: string, fields: Line[2]): void {
    const state = JSON.stringify([event, fields]);
    if (state === this.#lastState) return;
    this.#lastState = state;
    this.#untold.push([level, event, fields]);
  }

  /** Once a day for each certificate; one of our own is renewed without words. */
  #noteExpiry(): void {
    if (this.#fromFiles === undefined) return;
    const { fingerprint, notBefore, notAfter } = this.#fromFiles;
    const wall = this.#clocks.wall();
    const effect = "clients that verify certificates refuse it";
    const line = (): Line | undefined => {
      if (wall > notAfter) {
        const fields = { expired: dateOf(notAfter), fingerprint, effect, remedy: "renew it" };
        return ["error", "certificate-expired", fields];
      }
      if (wall < notBefore) {
        const remedy = "set the clock of this host, or wait";
        const fields = { from: dateOf(notBefore), fingerprint, effect, remedy };
        return ["error", "certificate-not-yet-valid", fields];
      }
      if (wall <= notAfter - noticeOfExpiry) return undefined;
      const days = Math.floor((notAfter - wall) / day);
      const fields = { expires: dateOf(notAfter), days, fingerprint, remedy: "renew it" };
      return ["warn", "certificate-expires", fields];
    };
    const due = line();
    if (due === undefined) return;
    const what = `${due[1]} ${fingerprint}`;
    const at = this.#clocks.now();
    const told = this.#expiryTold;
    if (told?.what === what && at - told.at < day) return;
    this.#expiryTold = { what, at };
    this.#untold.push(due);
  }
}

const dateOf = (wall: number): string => new Date(wall).toISOString();
