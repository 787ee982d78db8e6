// A keyed hash for what we hand out and want to know again (LLQ-12). The key is
// made at the start and told to nobody, so nothing that was handed out outlives
// the daemon.

import { createHmac, randomBytes } from "node:crypto";
import type { Mac } from "../llq/setup.js";

const keyBytes = 32;

/** HMAC-SHA-256 under a key of its own. */
export function systemMac(): Mac {
  const key = randomBytes(keyBytes);
  return (bytes) => createHmac("sha256", key).update(bytes).digest();
}
