// The keys of TLS session tickets (RFC 8446 §4.6.1): made here and
// changed every day, since Node would keep those of the start for as long as it
// runs (RFC 9325 §3.4). A server knows one key at a time: a ticket made with an
// earlier one is no error, it leads to a full handshake with a new ticket.

import { randomBytes } from "node:crypto";
import { after, type Duration, type Instant, seconds } from "../time.js";

/**
 * How long one key is used, and how long a ticket may be. Who holds the key reads all
 * that was said with its tickets; RFC 9325 names a week, a day costs each client no more
 * than one full handshake.
 */
export const ticketLifetime: Duration = seconds(86_400);

/** Name of the key, HMAC key, AES key: 16 bytes each. */
const keyBytes = 48;

/** What of a TLS server takes keys. */
export interface TicketServer {
  setTicketKeys(keys: Buffer): void;
}

/** Gives a server a new key, and forgets it: OpenSSL has the only copy. */
export class Tickets {
  #due: Instant | undefined;

  nextDeadline(): Instant | undefined {
    return this.#due;
  }

  renew(now: Instant, server: TicketServer): void {
    const key = randomBytes(keyBytes);
    server.setTicketKeys(key);
    key.fill(0);
    this.#due = after(now, ticketLifetime);
  }
}
