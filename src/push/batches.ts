// One PUSH for each session and batch of changes (PUSH-25, PUSH-26). Sessions
// that hear the same are given the same bytes, so that the thousandth
// subscriber of a question costs next to nothing. Those that read too slowly are
// left out, and catch up later (PUSH-38); so does whoever has too much to hear at
// once, a portion at a time.

import type { Counts } from "../counts.js";
import { difference, type RRsAtName } from "./change.js";
import { encodePushes } from "./encode.js";
import type { Seat } from "./seat.js";
import type { Delta, Topic } from "./topic.js";

/** What some sessions are to hear: all that gather the same deltas in the same order share one. */
class News {
  readonly deltas: readonly Delta[];
  /** Once encoded, for those who subscribed to nothing else at these names. */
  messages: readonly Uint8Array[] | undefined;
  /** Records that come. */
  readonly adds: number;
  readonly #longer = new Map<Delta, News>();

  constructor(deltas: readonly Delta[]) {
    this.deltas = deltas;
    this.adds = deltas.reduce((sum, { came }) => sum + came.size, 0);
  }

  /** The same and one delta more. */
  and(delta: Delta): News {
    const known = this.#longer.get(delta);
    if (known !== undefined) return known;
    const longer = new News([...this.deltas, delta]);
    this.#longer.set(delta, longer);
    return longer;
  }
}

export class Batches {
  readonly #addsMax: number;
  readonly #none = new News([]);
  readonly #news = new Map<Seat, News>();
  /** By the former and the present topic. */
  readonly #moves = new Map<Topic, Map<Topic, Delta | undefined>>();

  /** @param addsMax  records that one session is told of at once */
  constructor(addsMax: number) {
    this.#addsMax = addsMax;
  }

  /** Adds each to everybody who is subscribed to its topic. */
  addAll(deltas: readonly Delta[]): void {
    for (const delta of deltas) for (const seat of delta.topic.seats) this.#add(seat, delta);
  }

  /** The session was told `before` by one topic, and is told by another from now on. */
  move(seat: Seat, before: RRsAtName, from: Topic, to: Topic): void {
    if (before === from.told) this.#add(seat, this.#moved(from, to));
    else this.#add(seat, deltaOf(to, before));
  }

  /** The messages for each session; none for one that has to catch up instead. */
  *encode(counts: Counts): Generator<readonly [Seat, readonly Uint8Array[]]> {
    const skipped = () => counts.add("records-dropped", "push-too-large");
    for (const [seat, news] of this.#news) {
      const { deltas } = news;
      if (seat.isBlocked || seat.isBehind || news.adds > this.#addsMax) {
        for (const { topic, before } of deltas) seat.fallBehind(topic, before);
        yield [seat, []];
      } else if (seat.isPlain(deltas)) {
        news.messages ??= encodePushes(seat.changes(deltas), skipped);
        yield [seat, news.messages];
      } else {
        yield [seat, encodePushes(seat.changes(deltas), skipped)];
      }
    }
  }

  #moved(from: Topic, to: Topic): Delta | undefined {
    const moves = this.#moves.get(from) ?? new Map<Topic, Delta | undefined>();
    this.#moves.set(from, moves);
    if (!moves.has(to)) moves.set(to, deltaOf(to, from.told));
    return moves.get(to);
  }

  #add(seat: Seat, delta: Delta | undefined): void {
    if (delta === undefined) return;
    this.#news.set(seat, (this.#news.get(seat) ?? this.#none).and(delta));
  }
}

/** Undefined when nothing is different. */
function deltaOf(topic: Topic, before: RRsAtName): Delta | undefined {
  const missed = difference(before, topic.told);
  return missed === undefined ? undefined : { ...missed, topic, before };
}
