// One stream with its session and what is subscribed to there. A session may
// subscribe to several types of one name; what it holds at a name is the union
// of them, and one change is told once (PUSH-25).

import { clientKey, parseAddress } from "../address.js";
import type { ServerSession } from "../dso/server-session.js";
import type { ClientClass } from "../proxy/client.js";
import type { Tables } from "../proxy/tables.js";
import type { Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import type { RR } from "../wire/rr.js";
import { adds, type PushChange, type RRsAtName, removals } from "./change.js";
import type { Delta, Topic } from "./topic.js";

export interface Subscription {
  /** The message ID of its SUBSCRIBE. */
  readonly id: number;
  readonly question: Question;
  readonly since: Instant;
  /** Undefined for a class that no record here has. */
  topic: Topic | undefined;
}

/** Two subscriptions are the same when these are equal (PUSH-09). */
const keyOf = ({ name, type, class: rrClass }: Question) => `${type} ${rrClass} ${name.key}`;

export class Seat {
  readonly stream: number;
  readonly session: ServerSession;
  /** Push is offered here: on a listener for it, which is always under TLS (PUSH-01). */
  readonly isOffered: boolean;
  /** The client's, as the kernel spells it. */
  readonly address: string;
  /** What counts as one client in limits. */
  readonly clientKey: string;
  /** Undefined for an address that is none. */
  client: ClientClass | undefined;
  readonly #byId = new Map<number, Subscription>();
  readonly #byQuestion = new Map<string, Subscription>();
  /** By the key of a name. */
  readonly #topicsAt = new Map<string, Topic[]>();
  /**
   * Topics that the client does not know the latest of, with what it was told last. While it
   * does not read, changes are not queued but caught up with, and opposite ones vanish (PUSH-38);
   * large sets are told a portion at a time.
   */
  readonly #behind = new Map<Topic, RRsAtName>();
  /** The stream takes nothing at present. */
  isBlocked = false;

  constructor(
    stream: number,
    session: ServerSession,
    isOffered: boolean,
    address: string,
    tables: Tables,
  ) {
    this.stream = stream;
    this.session = session;
    this.isOffered = isOffered;
    this.address = address;
    const parsed = parseAddress(address);
    this.clientKey = parsed === undefined ? "" : clientKey(parsed);
    this.classify(tables);
  }

  /** Reads the rights of the client anew. */
  classify(tables: Tables): void {
    const parsed = parseAddress(this.address);
    this.client = parsed === undefined ? undefined : tables.clients.classify(parsed);
  }

  get size(): number {
    return this.#byId.size;
  }

  get subscriptions(): readonly Subscription[] {
    return [...this.#byId.values()];
  }

  findById(id: number): Subscription | undefined {
    return this.#byId.get(id);
  }

  findByQuestion(question: Question): Subscription | undefined {
    return this.#byQuestion.get(keyOf(question));
  }

  add(subscription: Subscription): void {
    this.#byId.set(subscription.id, subscription);
    this.#byQuestion.set(keyOf(subscription.question), subscription);
    if (subscription.topic !== undefined) this.#sit(subscription.topic);
  }

  remove(subscription: Subscription): void {
    this.#byId.delete(subscription.id);
    this.#byQuestion.delete(keyOf(subscription.question));
    if (subscription.topic !== undefined) this.#rise(subscription.topic);
  }

  /** Puts off what a topic has to say; only what it said last is remembered. */
  fallBehind(topic: Topic, told: RRsAtName): void {
    if (!this.#behind.has(topic)) this.#behind.set(topic, told);
  }

  /** Whether there is something to catch up with: news of any topic wait for their turn then. */
  get isBehind(): boolean {
    return this.#behind.size > 0;
  }

  /** What this client was told last by a topic. */
  toldBy(topic: Topic): RRsAtName {
    return this.#behind.get(topic) ?? topic.told;
  }

  /** The topics to be caught up with, and what was told last; drains it. */
  takeBehind(): readonly (readonly [Topic, RRsAtName])[] {
    const behind = [...this.#behind];
    this.#behind.clear();
    return behind;
  }

  /** Moves a subscription to the topic that it has under a new configuration. */
  move(subscription: Subscription, topic: Topic | undefined): void {
    if (subscription.topic !== undefined) this.#rise(subscription.topic);
    subscription.topic = topic;
    if (topic !== undefined) this.#sit(topic);
  }

  /** Whether nothing else is subscribed to at any of these names: then others hear the same. */
  isPlain(deltas: readonly Delta[]): boolean {
    return deltas.every(({ topic }) => this.#at(topic).length === 1);
  }

  /** What this client has to be told, all names together, removals first. */
  changes(deltas: readonly Delta[]): readonly PushChange[] {
    const byName = new Map<string, Delta[]>();
    for (const delta of deltas) {
      const { key } = delta.topic.question.name;
      const same = byName.get(key);
      if (same === undefined) byName.set(key, [delta]);
      else same.push(delta);
    }
    const gone: PushChange[] = [];
    const came: PushChange[] = [];
    for (const [first, ...others] of byName.values()) {
      if (first === undefined) continue;
      const topics = this.#at(first.topic);
      const held = merged(topics.map(({ told }) => told));
      const lost = merged([first, ...others].map((delta) => delta.gone));
      for (const identity of held.keys()) lost.delete(identity);
      const isAny = topics.every(({ question }) => question.type === RRType.ANY);
      const { name } = first.topic.question;
      gone.push(...removals({ name, held, isAny }, lost));
      came.push(...adds(this.#news([first, ...others], topics)));
    }
    return [...gone, ...came];
  }

  /**
   * What came, less what the client has from another subscription already: one that was made
   * while it did not read, or a larger one of which it was told a portion (PUSH-25).
   */
  #news(deltas: readonly Delta[], topics: readonly Topic[]): RRsAtName {
    const came = merged(deltas.map((delta) => delta.came));
    for (const topic of topics) {
      const told = deltas.find((delta) => delta.topic === topic)?.before ?? this.toldBy(topic);
      for (const [identity, rr] of came) {
        if (told.get(identity)?.ttlSeconds === rr.ttlSeconds) came.delete(identity);
      }
    }
    return came;
  }

  #at(topic: Topic): readonly Topic[] {
    return this.#topicsAt.get(topic.question.name.key) ?? [];
  }

  #sit(topic: Topic): void {
    const { key } = topic.question.name;
    this.#topicsAt.set(key, [...(this.#topicsAt.get(key) ?? []), topic]);
  }

  #rise(topic: Topic): void {
    const { key } = topic.question.name;
    const topics = [...(this.#topicsAt.get(key) ?? [])];
    const index = topics.indexOf(topic);
    if (index >= 0) topics.splice(index, 1);
    if (!topics.includes(topic)) this.#behind.delete(topic);
    if (topics.length === 0) this.#topicsAt.delete(key);
    else this.#topicsAt.set(key, topics);
  }
}

function merged(maps: readonly RRsAtName[]): Map<string, RR> {
  const all = new Map<string, RR>();
  for (const map of maps) for (const [identity, rr] of map) all.set(identity, rr);
  return all;
}
