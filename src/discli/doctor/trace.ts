// From the root down to discd, as `dig +trace` goes: who delegates to whom, and
// where the way breaks off. The walk and its judgement are those of
// `delegation verify`; here one finding is made of theirs.

import { Resolver } from "../../os/resolver.js";
import { guidedWalk } from "../delegation-start.js";
import { type Finding, judgeWalk } from "../delegation-verdict.js";
import type { Scene } from "./scene.js";
import { pass, skip, type Verdict } from "./verdict.js";

/** Those of `delegation verify`. */
export const traceCodes = {
  "NO-NS": "the zone above exists and has no NS records for the zone",
  NXDOMAIN: "the zone above denies the name",
  CNAME: "the name is an alias in the zone above",
  "UNKNOWN-SERVERS": "a zone on the way has name servers without addresses",
  "PARENT-SILENT": "no server of a zone on the way answers",
  "PARENT-LAME": "no server of a zone on the way serves it",
  "PARENTS-DIFFER": "the servers of the zone above do not say the same",
  "GLUE-MISSING": "nobody knows an address of a name server",
  "GLUE-DIFFERS": "the zone above has other addresses than the name server's own zone",
  UNREACHABLE: "no name server of the delegation answers",
  "PARTLY-UNREACHABLE": "some name servers of the delegation do not answer",
  "ONE-FAMILY": "they answer over one family only",
  "NO-TCP": "they do not answer over TCP",
  LAME: "they answer, and do not serve the zone",
  "NS-DIFFERS": "the zone names other servers than its delegation",
  "DS-UNSIGNED": "a DS record stands above a zone that is not signed",
  "LB-MISSING": "the domain does not name the zone for browsing",
} as const;

export interface TraceEvidence {
  /** Undefined: nobody to begin with. */
  readonly findings: readonly Finding[] | undefined;
  /** The system's resolver finds the zone, by whatever way. */
  readonly isFound: boolean;
}

/** What no longer matters for a resolver that finds the zone without any delegation. */
const ofTheWay = new Set(["way", "delegation"]);

/** Which finding is told: the first that fails, else the first that warns. */
export function faultOf(findings: readonly Finding[]): Finding | undefined {
  return (
    findings.find(({ state }) => state === "FAIL") ?? findings.find(({ state }) => state === "WARN")
  );
}

/** Whether the zone is not delegated, so that nothing else has to explain why nobody finds it. */
export const breaksTheWay = (findings: readonly Finding[] | undefined): boolean =>
  findings?.some(({ state }) => state === "FAIL") === true;

export function judgeTrace({ findings, isFound }: TraceEvidence): Verdict {
  if (findings === undefined) {
    const remedy = ["dig +trace ZONE from a host that reaches the root's servers"];
    return skip("the system's resolver names no server of the root or of a zone above", remedy);
  }
  const way = findings.find(({ id }) => id === "way")?.evidence ?? [];
  const fault = faultOf(findings);
  if (fault === undefined) return pass("each zone leads to the next, and to discd", way);
  const { state, code, decision, remedy, evidence, id } = fault;
  const lines = [...way, ...evidence.filter((line) => !way.includes(line))];
  if (isFound && ofTheWay.has(id)) {
    const text = "the resolver finds the zone by a rule of its own, without a delegation";
    return pass(`${text}: others do not (${decision})`, lines);
  }
  return { state, code: code?.toUpperCase() ?? "DELEGATION", decision, remedy, evidence: lines };
}

/** Milliseconds for one question. */
const patience = 1200;

/** Once a run. */
export function traceFindings(scene: Scene): Promise<readonly Finding[] | undefined> {
  return scene.once("trace", async () => {
    const { zone, resolver } = scene.parts;
    if (zone === undefined) return undefined;
    const system = new Resolver(resolver.servers, {
      whole: patience,
      resend: patience / 2,
      inAll: 2 * patience,
    });
    const walk = await guidedWalk(zone, { resolver: system, patience });
    return walk && judgeWalk(walk);
  });
}
