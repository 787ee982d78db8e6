// What goes over one link, for the API and the metrics: packets by family and
// direction, and when another host was last heard.

import type { Family } from "../address.js";
import { Trend } from "../api/trend.js";
import { elapsed, type Instant, seconds, secondsOf } from "../time.js";
import { HostPackets } from "./host-packets.js";

/** Over which recent packets are told. */
const minute = seconds(60);

const sum = ({ ipv4, ipv6 }: Readonly<Record<Family, number>>): number => ipv4 + ipv6;

/** Packets of several links together. */
export interface PacketSums {
  in: number;
  out: number;
}

export class Traffic {
  readonly in: Record<Family, number> = { ipv4: 0, ipv6: 0 };
  readonly out: Record<Family, number> = { ipv4: 0, ipv6: 0 };
  readonly hosts = new HostPackets();
  readonly #inTrend = new Trend(minute);
  readonly #outTrend = new Trend(minute);
  readonly #sums: PacketSums;
  #lastHeardAt: Instant | undefined;

  /** @param sums  to which this link adds */
  constructor(sums: PacketSums) {
    this.#sums = sums;
  }

  /** A packet arrived that is not ours. @param isForeign  nor of another program of this host */
  heard(now: Instant, family: Family, isForeign: boolean): void {
    // Before it is counted: what the minute began with.
    this.#inTrend.look(now, sum(this.in));
    this.in[family] += 1;
    this.#sums.in += 1;
    if (isForeign) this.#lastHeardAt = now;
  }

  sent(now: Instant, family: Family): void {
    this.#outTrend.look(now, sum(this.out));
    this.out[family] += 1;
    this.#sums.out += 1;
  }

  lastHeardSeconds(now: Instant): number | null {
    return this.#lastHeardAt === undefined ? null : secondsOf(elapsed(this.#lastHeardAt, now));
  }

  /** Packets, since the start and in the last minute. */
  view(now: Instant) {
    const [heard, sent] = [sum(this.in), sum(this.out)];
    this.#inTrend.look(now, heard);
    this.#outTrend.look(now, sent);
    return {
      in: heard,
      out: sent,
      inPerMinute: this.#inTrend.grown(heard),
      outPerMinute: this.#outTrend.grown(sent),
    };
  }
}
