// DNS Cookies (RFC 7873) as all servers of one name make them (RFC 9018 §4): a
// server cookie is version 1, three reserved bytes, a timestamp, and a keyed hash
// over these, the client's cookie and its address, so that nothing is remembered
// and whoever has the secret knows the cookie again.
//
// Nothing is refused for want of a good one. BADCOOKIE (RFC 7873 §5.2.3) costs each
// client a round trip more, and is worth that where answers are limited and a proven
// address is exempt; here nothing is. Over TCP and TLS the address is proven anyway.

import { SipHash } from "../wire/siphash.js";

/** What the server cookie of a query is worth; "none": it has the client's only. */
export type CookieState = "none" | "good" | "bad";

export const cookieSecretBytes = 16;

/** Client cookie and server cookie of an answer's option. */
export const cookieBytes = 24;

const clientBytes = 8;

/** Where fields of the option begin: the client cookie stands in front of version 1. */
const versionAt = 8;
const timestampAt = 12;
const hashAt = 16;

const version = 1;

/** RFC 9018 §4.3, in seconds. */
const ageMax = 3600;
const aheadMax = 300;
const renewedAfter = 1800;

/** RFC 7873 §5.2.2: 8 bytes of the client and, once it knows them, 8 to 32 of the server. */
export const isCookieLength = (size: number) => size === 8 || (size >= 16 && size <= 40);

export class Cookies {
  readonly #hash: SipHash;
  /** What is hashed: the option up to its hash, and the address. */
  readonly #whole = new Uint8Array(hashAt + 16);
  readonly #short = this.#whole.subarray(0, hashAt + 4);
  readonly #mine = new Uint8Array(cookieBytes);

  /** @param secret of 16 bytes */
  constructor(secret: Uint8Array) {
    this.#hash = new SipHash(secret);
  }

  /**
   * Judges a query's option and writes the one of the answer: the same while it is good and
   * young, else one of this second.
   *
   * @param now      seconds since 1970
   * @param address  4 or 16 bytes
   * @param option   of a length that a cookie can have
   * @param target   24 bytes
   */
  answer(now: number, address: Uint8Array, option: Uint8Array, target: Uint8Array): CookieState {
    const state = this.#judge(now, address, option);
    if (state === "good" && ageAt(now, option) <= renewedAfter) {
      target.set(option);
      return state;
    }
    target.set(option.subarray(0, clientBytes));
    target.fill(0, versionAt, timestampAt);
    target[versionAt] = version;
    for (let byte = 0; byte < 4; byte++) target[timestampAt + byte] = now >>> (24 - byte * 8);
    this.#seal(address, target, target);
    return state;
  }

  #judge(now: number, address: Uint8Array, option: Uint8Array): CookieState {
    if (option.length === clientBytes) return "none";
    if (option.length !== cookieBytes || option[versionAt] !== version) return "bad";
    const age = ageAt(now, option);
    if (age > ageMax || age < -aheadMax) return "bad";
    const mine = this.#mine;
    // The reserved bytes as they came: they are part of what was hashed.
    this.#seal(address, option, mine);
    let difference = 0;
    for (let at = hashAt; at < cookieBytes; at++) {
      difference |= (option[at] as number) ^ (mine[at] as number);
    }
    return difference === 0 ? "good" : "bad";
  }

  /** Writes the hash that belongs to an option into its place in `target`. */
  #seal(address: Uint8Array, option: Uint8Array, target: Uint8Array): void {
    const input = address.length === 4 ? this.#short : this.#whole;
    for (let at = 0; at < hashAt; at++) input[at] = option[at] as number;
    input.set(address, hashAt);
    this.#hash.write(input, target, hashAt);
  }
}

/** Seconds since the timestamp, less than none when it lies ahead (RFC 1982). */
function ageAt(now: number, option: Uint8Array): number {
  let timestamp = 0;
  for (let byte = 0; byte < 4; byte++) {
    timestamp = (timestamp << 8) | (option[timestampAt + byte] as number);
  }
  return (now - timestamp) | 0;
}
