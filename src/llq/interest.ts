// What an LLQ makes its link ask (RFC 8766 §5.6): standing questions for as long
// as it lives, and one more where a CNAME leads to a name nobody asks for.

import type { Link, LinkQuestion } from "../mdns/link.js";
import { linkQuestions } from "../proxy/visible.js";
import { after, type Instant, instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Llq, Watched } from "./llq.js";
import type { Look } from "./look.js";

/** Ends of CNAME chains watched for one LLQ; the link changes them, hardly a client's peer. */
const aliasesMax = 4;

/** @returns undefined when the link takes no more questions; then none of these is watched */
export function watchAll(
  now: Instant,
  link: Link,
  questions: readonly LinkQuestion[],
  client: string,
): readonly Watched[] | undefined {
  const watches: Watched[] = [];
  for (const question of questions) {
    const watch = link.watch(now, question, { kind: "standing", client });
    if (watch === undefined) {
      release(now, link, watches);
      return undefined;
    }
    watches.push({ question, watch });
  }
  return watches;
}

export function release(now: Instant, link: Link, watches: readonly Watched[]): void {
  for (const { watch } of watches) link.unwatch(now, watch);
}

/** Watches the end of a CNAME chain, and lets go when there are no CNAMEs any more. */
export function followAliases(now: Instant, link: Link, llq: Llq, look: Look): void {
  const { unresolved } = look;
  if (unresolved !== undefined) {
    if (llq.aliasWatches.some(({ question }) => isSame(question, unresolved))) return;
    const taken = watchAll(now, link, [unresolved], llq.client);
    if (taken === undefined) return;
    const kept = llq.aliasWatches.slice(1 - aliasesMax);
    release(now, link, llq.aliasWatches.slice(0, llq.aliasWatches.length - kept.length));
    llq.aliasWatches = [...kept, ...taken];
  } else if (
    llq.aliasWatches.length > 0 &&
    !look.visible.some(({ rr }) => rr.type === RRType.CNAME)
  ) {
    release(now, link, llq.aliasWatches);
    llq.aliasWatches = [];
  }
}

/**
 * Watches anew after the configuration has changed what is to be asked.
 *
 * @returns false when the link takes no more questions
 */
export function rewatch(now: Instant, link: Link, llq: Llq): boolean {
  const questions = linkQuestions(llq.zone, llq.question);
  const before = llq.watches;
  const isKept =
    questions.length === before.length &&
    questions.every((question, at) => isSame(question, (before[at] as Watched).question));
  if (isKept) return true;
  const taken = watchAll(now, link, questions, llq.client);
  if (taken === undefined) return false;
  release(now, link, before);
  llq.watches = taken;
  return true;
}

/** Six seconds from the start of the series, which somebody else may have started (PRX-03). */
export function endOfWait(now: Instant, link: Link, { zone, watches }: Llq): Instant {
  const ends = watches.map(({ question }) =>
    after(link.startedAt(question) ?? now, zone.link.wait),
  );
  return instant(Math.max(now, ...ends));
}

function isSame(a: LinkQuestion, b: LinkQuestion): boolean {
  return a.type === b.type && a.name.key === b.name.key;
}
