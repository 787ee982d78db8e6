// Lists of services that nobody here has asked for yet: heard in announcements,
// or asked for by other hosts (RFC 6763 §7.1). No list on a link tells of
// subtypes, nor of the types of devices that answer no question for types, so
// whoever wants them all has to heed what goes by. What another host asks for is
// asked for by us as well: its answers may have gone to that host alone.

import { Deadlines } from "../deadlines.js";
import { after, earliest, type Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import { foldLabel, type Name } from "../wire/name.js";
import type { QuestionTable } from "./question-table.js";
import { inquiriesMax, inquiryMemory, inquirySpan, topBit } from "./timing.js";
import type { LinkQuestion, WatchId } from "./watch.js";

/** Whether PTRs at a name list services: `_ipp._tcp.local`, `_universal._sub._ipp._tcp.local`. */
export function isServiceList(name: Name): boolean {
  const { labels } = name;
  const base = labels.length - 3;
  if (base !== 0 && (base !== 2 || foldLabel(labels[1] as string) !== "_sub")) return false;
  const [type = "", protocol = "", top = ""] = labels.slice(base).map(foldLabel);
  const isProtocol = protocol === "_tcp" || protocol === "_udp";
  return top === "local" && isProtocol && type.length > 1 && type.startsWith("_");
}

export class Heeding {
  readonly #table: QuestionTable;
  #heeders = 0;
  /** Names that were looked into not long ago; and the watches of those that still are. */
  readonly #remembered = new Deadlines<string>();
  readonly #running = new Deadlines<WatchId>();

  constructor(table: QuestionTable) {
    this.#table = table;
  }

  /** One more, or one less, wants to hear of lists that nobody has asked for. */
  heed(by: 1 | -1): void {
    this.#heeders += by;
    this.#table.takesLists = this.#heeders > 0;
  }

  /** Which questions of another host are to be looked into. */
  select(now: Instant, questions: readonly Question[]): readonly LinkQuestion[] {
    if (this.#heeders === 0) return [];
    const selected: LinkQuestion[] = [];
    for (const { name, type, class: rawClass } of questions) {
      if (type !== RRType.PTR || (rawClass & ~topBit) !== 1 || !isServiceList(name)) continue;
      if (this.#remembered.find(name.key) !== undefined || this.#table.isActive(name, type))
        continue;
      if (this.#remembered.size >= inquiriesMax) break;
      this.#remembered.set(name.key, after(now, inquiryMemory));
      selected.push({ name, type });
    }
    return selected;
  }

  begin(now: Instant, watch: WatchId): void {
    this.#running.set(watch, after(now, inquirySpan));
  }

  /** @returns watches that have lasted long enough */
  expire(now: Instant): readonly WatchId[] {
    while (this.#remembered.takeDue(now) !== undefined);
    const ended: WatchId[] = [];
    for (;;) {
      const watch = this.#running.takeDue(now);
      if (watch === undefined) return ended;
      ended.push(watch);
    }
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#running.next(), this.#remembered.next());
  }
}
