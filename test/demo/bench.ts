// A workbench for one device or the whole demo link: steps through virtual time
// and keeps what was said as bytes and as what dns-packet makes of it, so that
// expectations do not come from our own decoder.

import { type DecodedPacket, decode } from "dns-packet";
import { type Endpoint, type Family, parseAddress } from "../../src/address.js";
import { DemoLink, type FromDemoLink } from "../../src/demo/demo-link.js";
import { seededRandom } from "../../src/random.js";
import { type Instant, instant } from "../../src/time.js";
import { RRClass } from "../../src/wire/codes.js";
import { encodeMessage, type Message, type Question } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";

export interface SaidAt {
  readonly at: number;
  readonly datagram: FromDemoLink;
  readonly packet: DecodedPacket;
}

export const asker: Endpoint = { address: parseAddress("192.0.2.1")!, port: 5353 };
export const legacyAsker: Endpoint = { ...asker, port: 40000 };

export const question = (name: string, type: number, qclass: number = RRClass.IN): Question => ({
  name: parseName(name),
  type,
  class: qclass,
});

export class Bench {
  now: Instant = instant(0);
  readonly link: DemoLink;

  constructor(seed = 1, link?: DemoLink) {
    this.link = link ?? new DemoLink(this.now, seededRandom(seed));
  }

  /** Lets time pass and returns what was said meanwhile. */
  run(milliseconds: number): SaidAt[] {
    const end = instant(this.now + milliseconds);
    const said: SaidAt[] = [...this.#take()];
    for (;;) {
      const next = this.link.nextDeadline();
      if (next === undefined || next > end) break;
      this.now = instant(Math.max(this.now, next));
      this.link.expire(this.now);
      said.push(...this.#take());
    }
    this.now = end;
    return said;
  }

  /** Sends a query to the group. */
  ask(
    query: Partial<Message>,
    { family = "ipv4", source = asker }: { family?: Family; source?: Endpoint } = {},
  ): void {
    this.link.receive(this.now, { family, source, bytes: encodeMessage(query) });
  }

  #take(): SaidAt[] {
    return this.link.takeDatagrams().map((datagram) => ({
      at: this.now,
      datagram,
      packet: decode(Buffer.from(datagram.bytes)),
    }));
  }
}
