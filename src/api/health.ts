// Whether discd works: a real question was answered through every listener, and
// through every link's socket, within the last ten seconds. That a port is open
// proves nothing; whoever probes tells here when it last went well.

import type { HealthView } from "./shapes.js";
import type { Probes, ZoneNeeds } from "./state.js";

/** An answer older than this proves nothing any more (interface §4). */
export const healthSeconds = 10;

/** The last real question through one socket. */
export interface Probe {
  readonly name: string;
  /** Since the last answer; null: none so far. */
  readonly answeredSecondsAgo: number | null;
  /** Since the last question; null: none so far. */
  readonly askedSecondsAgo: number | null;
  /** Why the last one failed; absent when it did not. */
  readonly reason?: string;
}

/**
 * @param zone  folded text; only what that zone needs counts, so that the loss of one link
 *              takes away its own zones alone. One that is published needs its primary as well
 * @returns no `zones` for one that is not served
 */
export function judgeHealth(probes: Probes, zone?: string): HealthView {
  const { listeners, refused = [], links, zones, suspicions = [] } = probes;
  const asked = zones.filter((one) => zone === undefined || foldText(one.zone) === zone);
  const needed = (link: string) => zone === undefined || asked.some((one) => one.link === link);
  const reasons = [
    ...refused,
    ...listeners.filter((one) => !isOk(one)).map((one) => describe("listener", one)),
    ...links.filter((one) => needed(one.name) && !isOk(one)).map((one) => describe("link", one)),
  ];
  if (listeners.length === 0) reasons.push("no listener is open: no client is heard");
  if (zone !== undefined) {
    if (asked.length === 0) reasons.push(`zone ${zone} is not served here`);
    for (const one of asked)
      if (one.reason !== undefined) reasons.push(`zone ${zone}: ${one.reason}`);
  }
  return {
    ok: reasons.length === 0,
    reasons,
    warnings: suspicions
      .filter(({ link }) => needed(link))
      .map(({ link, reason }) => `link ${link}: ${reason}`),
    listeners: listeners.map(viewOf),
    links: links.filter((one) => needed(one.name)).map(viewOf),
    zones: asked.map((one) => ({ name: one.zone, ok: isZoneOk(one, probes) })),
  };
}

/** Names and types in a query string, compared without ASCII case and final dot. */
export function foldText(text: string): string {
  const folded = text.replace(/[A-Z]+/g, (run) => run.toLowerCase());
  return folded.endsWith(".") && !folded.endsWith("\\.") ? folded.slice(0, -1) : folded;
}

function isZoneOk({ link, reason }: ZoneNeeds, { listeners, refused = [], links }: Probes) {
  if (listeners.length === 0 || refused.length > 0 || !listeners.every(isOk)) return false;
  if (reason !== undefined) return false;
  if (link === null) return true;
  const probe = links.find((one) => one.name === link);
  return probe !== undefined && isOk(probe);
}

function isOk({ answeredSecondsAgo, reason }: Probe): boolean {
  if (reason !== undefined) return false;
  return answeredSecondsAgo !== null && answeredSecondsAgo <= healthSeconds;
}

function viewOf(probe: Probe) {
  return { name: probe.name, ok: isOk(probe), askedSecondsAgo: probe.askedSecondsAgo };
}

function describe(kind: string, { name, answeredSecondsAgo, reason }: Probe): string {
  if (reason !== undefined) return `${kind} ${name}: ${reason}`;
  if (answeredSecondsAgo === null) return `${kind} ${name}: no question was answered yet`;
  const seconds = Math.round(answeredSecondsAgo);
  return `${kind} ${name}: no question was answered for ${seconds} s`;
}
