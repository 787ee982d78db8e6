// All topics under one configuration, found by what is subscribed to and by the
// names that they looked at on their link.

import type { Change } from "../mdns/link.js";
import type { ClientClass } from "../proxy/client.js";
import type { Zone } from "../proxy/zones.js";
import type { Instant } from "../time.js";
import { RRClass } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { Seat } from "./seat.js";
import { type Delta, type Ground, Topic } from "./topic.js";

export class Topics {
  readonly #ground: Ground;
  readonly #topics = new Map<string, Topic>();
  readonly #keys = new Map<Topic, string>();
  /** By link, then by the key of a name. */
  readonly #lookingAt = new Map<string, Map<string, Set<Topic>>>();

  /** Records and names looked at so far. */
  judged = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  get size(): number {
    return this.#topics.size;
  }

  /**
   * Subscribes to a question; its spelling is kept, since answers repeat it (Q-15).
   *
   * @returns undefined when the link takes no more questions, or is not used
   */
  join(
    now: Instant,
    seat: Seat,
    question: Question,
    zone: Zone,
    client: ClientClass,
  ): Topic | undefined {
    const { name, type } = question;
    const key = `${type} ${client.id} ${name.labels.map((one) => `${one.length}:${one}`).join("")}`;
    const known = this.#topics.get(key);
    if (known !== undefined) return known.join(now, seat) ? known : undefined;
    const asked = { name, type, class: RRClass.IN };
    const topic = new Topic(asked, zone, client, this.#ground);
    if (!topic.join(now, seat)) return undefined;
    this.#topics.set(key, topic);
    this.#keys.set(topic, key);
    this.#look(now, topic);
    return topic;
  }

  leave(now: Instant, seat: Seat, topic: Topic): void {
    topic.leave(now, seat);
    const key = this.#keys.get(topic);
    if (!topic.isUnused || key === undefined) return;
    this.#topics.delete(key);
    this.#keys.delete(topic);
    this.#index(topic, topic.lookedUp, []);
  }

  /** What follows from the changes of a link. */
  changed(now: Instant, link: string, changes: readonly Change[]): readonly Delta[] {
    const byName = this.#lookingAt.get(link);
    if (byName === undefined) return [];
    const touched = new Set<Topic>();
    for (const change of changes) {
      const { key } = change.kind === "deny" ? change.name : change.rr.name;
      for (const topic of byName.get(key) ?? []) touched.add(topic);
    }
    return this.#lookAll(now, touched);
  }

  /** Looks at everything that is watched on a link. */
  lookAtLink(now: Instant, link: string): readonly Delta[] {
    const touched = [...this.#topics.values()].filter((topic) => topic.link === link);
    return this.#lookAll(now, touched);
  }

  #lookAll(now: Instant, topics: Iterable<Topic>): readonly Delta[] {
    const deltas: Delta[] = [];
    for (const topic of topics) {
      const delta = this.#look(now, topic);
      if (delta !== undefined) deltas.push(delta);
    }
    return deltas;
  }

  #look(now: Instant, topic: Topic): Delta | undefined {
    const before = topic.lookedUp;
    const delta = topic.look(now);
    this.judged += topic.told.size + topic.lookedUp.length;
    this.#index(topic, before, topic.lookedUp);
    return delta;
  }

  #index(topic: Topic, before: readonly Name[], names: readonly Name[]): void {
    if (topic.link === undefined) return;
    let byName = this.#lookingAt.get(topic.link);
    if (byName === undefined) {
      byName = new Map();
      this.#lookingAt.set(topic.link, byName);
    }
    const kept = new Set(names.map(({ key }) => key));
    for (const { key } of before) {
      const topics = byName.get(key);
      if (kept.has(key) || topics === undefined) continue;
      topics.delete(topic);
      if (topics.size === 0) byName.delete(key);
    }
    for (const key of kept) {
      const topics = byName.get(key);
      if (topics === undefined) byName.set(key, new Set([topic]));
      else topics.add(topic);
    }
    if (byName.size === 0) this.#lookingAt.delete(topic.link);
  }
}
