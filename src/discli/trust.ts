// Whom TLS believes: --ca and --pin.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Trust } from "../os/client-tls.js";
import { isPin } from "../pins.js";
import { UsageError } from "./command.js";

/** @throws UsageError when one is none */
export function checkPins(pins: readonly string[]): void {
  const wrong = pins.find((one) => !isPin(one));
  if (wrong === undefined) return;
  const forms = "write sha256/ and base64, or the 64 hexadecimal digits of a fingerprint";
  throw new UsageError(`--pin ${wrong}: ${forms}`);
}

/** @throws UsageError when the file does not hold certificates */
export function trustOf(file: string | undefined, pins: readonly string[]): Trust {
  if (file === undefined) return { pins };
  try {
    const ca = readFileSync(file, "utf8");
    // Reads the first one, which tells a file of certificates from others.
    new X509Certificate(ca);
    return { ca, pins };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code?.startsWith("ERR_") === false ? code : "it holds no certificate (PEM)";
    throw new UsageError(`--ca ${file}: ${reason}`);
  }
}
