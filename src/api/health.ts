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
 *              takes away its own zones alone
 * @returns no `zones` for one that is not served
 */
export function judgeHealth(probes: Probes, zone?: string): HealthView {
  const { listeners, links, zones, suspicions = [] } = probes;
  const asked = zones.filter((one) => zone === undefined || foldText(one.zone) === zone);
  const needs = zone === undefined ? everything : needsOf(asked);
  const reasons = reasonsFor(probes, needs);
  if (zone !== undefined && asked.length === 0) reasons.push(`zone ${zone} is not served here`);
  return {
    ok: reasons.length === 0,
    reasons,
    warnings: suspicions
      .filter(({ link }) => needs.link(link))
      .map(({ link, reason }) => `link ${link}: ${reason}`),
    listeners: needs.listeners ? listeners.map(viewOf) : [],
    links: links.filter((one) => needs.link(one.name)).map(viewOf),
    zones: asked.map((one) => ({
      name: one.zone,
      ok: reasonsFor(probes, needsOf([one])).length === 0,
    })),
  };
}

/** What has to work. */
interface Needs {
  readonly listeners: boolean;
  link(name: string): boolean;
  readonly zones: readonly ZoneNeeds[];
}

/** Whether a zone of another server is up to date is a matter of that zone. */
const everything: Needs = { listeners: true, link: () => true, zones: [] };

const needsOf = (zones: readonly ZoneNeeds[]): Needs => ({
  // What is published is asked for elsewhere.
  listeners: zones.length === 0 || zones.some(({ isPublished }) => isPublished !== true),
  link: (name) => zones.some(({ link }) => link === name),
  zones,
});

function reasonsFor(probes: Probes, needs: Needs): string[] {
  const { listeners, refused = [], links, hasClients = true } = probes;
  const isSilent = hasClients && listeners.length === 0;
  const ofListeners = [
    ...refused,
    ...listeners.filter((one) => !isOk(one)).map((one) => describe("listener", one)),
    ...(isSilent ? ["no listener is open: no client is heard"] : []),
  ];
  const ofLinks = links
    .filter((one) => needs.link(one.name) && !isOk(one))
    .map((one) => describe("link", one));
  const ofZones = needs.zones.flatMap(({ zone, reason }) =>
    reason === undefined ? [] : [`zone ${zone}: ${reason}`],
  );
  return [...(needs.listeners ? ofListeners : []), ...ofLinks, ...ofZones];
}

/** Names and types in a query string, compared without ASCII case and final dot. */
export function foldText(text: string): string {
  const folded = text.replace(/[A-Z]+/g, (run) => run.toLowerCase());
  return folded.endsWith(".") && !folded.endsWith("\\.") ? folded.slice(0, -1) : folded;
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
