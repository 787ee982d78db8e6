// Our own packets, come back by multicast loopback (T-27). Loopback has to stay
// on, or services of this host are invisible; address and port say nothing,
// since other mDNS software on the host has the same. So: by content, each copy
// once. A foreign packet with the same bytes is taken for ours only while ours
// has not come back, and then ours for the foreign one, which is the same.

import type { Family } from "../address.js";
import { elapsed, type Instant } from "../time.js";
import { echoSpan } from "./timing.js";

interface Sent {
  readonly at: Instant;
  readonly family: Family;
  readonly bytes: Uint8Array;
}

export class Echoes {
  #sent: Sent[] = [];

  remember(now: Instant, family: Family, bytes: Uint8Array): void {
    if (this.#sent.length > 0) this.#forget(now);
    this.#sent.push({ at: now, family, bytes });
  }

  /** Whether this is a packet of ours that has not come back yet; from now on it has. */
  take(now: Instant, family: Family, bytes: Uint8Array): boolean {
    const index = this.#sent.findIndex(
      (sent) =>
        sent.family === family && elapsed(sent.at, now) <= echoSpan && isEqual(sent.bytes, bytes),
    );
    if (index >= 0) this.#sent.splice(index, 1);
    return index >= 0;
  }

  #forget(now: Instant): void {
    const first = this.#sent.findIndex((sent) => elapsed(sent.at, now) <= echoSpan);
    this.#sent = first < 0 ? [] : this.#sent.slice(first);
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
