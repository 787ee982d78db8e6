// What goes over one link, for the API and the metrics: packets by family and
// direction, and when another host was last heard.

import type { Family } from "../address.js";
import { Trend } from "../api/trend.js";
import { elapsed, type Instant, seconds } from "../time.js";

/** Over which packets per minute are told. */
const minute = seconds(60);

export class Traffic {
  readonly in: Record<Family, number> = { ipv4: 0, ipv6: 0 };
  readonly out: Record<Family, number> = { ipv4: 0, ipv6: 0 };
  readonly #inTrend = new Trend(minute);
  readonly #outTrend = new Trend(minute);
  #lastHeardAt: Instant | undefined;

  /** A packet arrived that is not ours. @param isForeign  nor of another program of this host */
  heard(now: Instant, family: Family, isForeign: boolean): void {
    this.in[family] += 1;
    if (isForeign) this.#lastHeardAt = now;
    this.#inTrend.look(now, this.in.ipv4 + this.in.ipv6);
  }

  sent(now: Instant, family: Family): void {
    this.out[family] += 1;
    this.#outTrend.look(now, this.out.ipv4 + this.out.ipv6);
  }

  lastHeardSeconds(now: Instant): number | null {
    return this.#lastHeardAt === undefined ? null : elapsed(this.#lastHeardAt, now) / 1000;
  }

  /** Packets, since the start and per minute. */
  view(now: Instant) {
    const [heard, sent] = [this.in.ipv4 + this.in.ipv6, this.out.ipv4 + this.out.ipv6];
    this.#inTrend.look(now, heard);
    this.#outTrend.look(now, sent);
    return {
      in: heard,
      out: sent,
      inPerMinute: this.#inTrend.per(minute),
      outPerMinute: this.#outTrend.per(minute),
    };
  }
}
