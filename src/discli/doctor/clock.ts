// Clocks: signatures of DNSSEC and TSIG are valid for a time only. A server's cookie
// holds the time by its own clock (RFC 9018 §4.3).

import { apiFacts } from "./api-facts.js";
import { directFacts } from "./direct-facts.js";
import { everySoa } from "./resolver-stage.js";
import type { Scene } from "./scene.js";
import { pass, skip, type Verdict, warn } from "./verdict.js";

/** A clock, and by how many seconds it is ahead of this host's. */
export interface Offset {
  readonly whose: string;
  readonly seconds: number;
}

/** RFC 8945 §10 has 300 s for TSIG; whoever is a minute off is not set by anybody. */
export const skewMax = 60;

export function judgeClock(offsets: readonly Offset[]): Verdict {
  if (offsets.length === 0) return skip("no server tells its time (by a cookie, RFC 9018)");
  const evidence = offsets.map(({ whose, seconds }) => {
    const way = seconds < 0 ? "behind" : "ahead";
    return `${whose}: ${Math.abs(Math.round(seconds))} s ${way}`;
  });
  const off = offsets.filter(({ seconds }) => Math.abs(seconds) > skewMax);
  const [first] = off;
  if (first === undefined) return pass("clocks agree", evidence);
  const whose = off.length === offsets.length && offsets.length > 1 ? "this host" : first.whose;
  const text = `the clocks of this host and of ${first.whose} differ by ${Math.abs(Math.round(first.seconds))} s`;
  const remedy = [`set the clock of ${whose}: timedatectl; chronyc tracking`];
  return warn("CLOCK-SKEW", text, remedy, evidence);
}

export async function gatherClock(scene: Scene): Promise<Offset[]> {
  const [{ servers }, asked, told] = await Promise.all([
    directFacts(scene),
    everySoa(scene),
    apiFacts(scene),
  ]);
  const replies = [
    ...servers.map(({ server, udp }) => ({ whose: `discd ${server}`, reply: udp })),
    ...asked.map(({ server, soa }) => ({ whose: `resolver ${server}`, reply: soa })),
  ];
  const byCookie = replies.flatMap(({ whose, reply }) => {
    if (reply.kind !== "answer" || reply.clock === undefined) return [];
    return [{ whose, seconds: reply.clock - reply.at }];
  });
  const updates = "reason" in told ? [] : told.updates;
  const byUpdates = updates.flatMap(({ server, clockOffset }) => {
    if (server === null || clockOffset === null) return [];
    return [{ whose: `update server ${server}, by discd's clock`, seconds: clockOffset }];
  });
  return [...byCookie, ...byUpdates];
}
