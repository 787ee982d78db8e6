// One zone, transferred once: the core that update mode uses, with one connection.

import type { Endpoint } from "../address.js";
import { Counts } from "../counts.js";
import { now, wallClockOrigin } from "../os/clock.js";
import { Dials } from "../os/dialling.js";
import { systemRandom } from "../os/random.js";
import { Exchange, type Outcome } from "../update/exchange.js";
import { encodeQuestion } from "../update/messages.js";
import type { DialTls } from "../update/post.js";
import { RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import type { TsigKey } from "../wire/tsig.js";

/** Where the copy is asked for, and as whom. */
export interface TransferFrom {
  readonly endpoint: Endpoint;
  readonly tls: DialTls | undefined;
  readonly key: TsigKey | undefined;
}

/** Asks for a copy of a zone; never throws. The whole takes minutes at most. */
export function transferZone(zone: Name, { endpoint, tls, key }: TransferFrom): Promise<Outcome> {
  const clock = (at: number) => (wallClockOrigin() + at) / 1000;
  const exchange = new Exchange(key, clock, systemRandom(), new Counts());
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const step = (): void => {
      clearTimeout(timer);
      const outcome = exchange.takeOutcome();
      if (outcome !== undefined) {
        dials.abortAll();
        resolve(outcome);
        return;
      }
      for (const effect of exchange.takeEffects()) {
        if (effect.kind === "open") dials.open(1, endpoint, tls);
        else if (effect.kind === "write") dials.write(1, effect.bytes);
        else dials.close(1);
      }
      const next = exchange.nextDeadline();
      if (next === undefined) return;
      timer = setTimeout(
        () => {
          exchange.expire(now());
          step();
        },
        Math.max(1, next - now()),
      );
    };
    const told = (act: () => void): void => {
      act();
      step();
    };
    const dials = new Dials({
      opened: () => told(() => exchange.opened(now())),
      received: (_, bytes) => told(() => exchange.received(now(), bytes)),
      closed: (_, reason) => told(() => exchange.closed(reason)),
      left: () => {},
    });
    exchange.send(now(), { message: encodeQuestion(zone, RRType.AXFR), transfer: zone });
    step();
  });
}
