// One PUSH for each session and batch of changes (PUSH-25, PUSH-26). Sessions
// that hear the same are given the same bytes, so that the thousandth
// subscriber of a question costs next to nothing. Those that read too slowly are
// left out, and catch up later (PUSH-38).

import type { Counts } from "../counts.js";
import { type Difference, difference, type RRsAtName } from "./change.js";
import { encodePushes } from "./encode.js";
import type { Seat } from "./seat.js";
import type { Delta, Topic } from "./topic.js";

export class Batches {
  readonly #deltas = new Map<Seat, Delta[]>();
  /** By the serials of the former and the present topic. */
  readonly #moves = new Map<string, Difference | undefined>();

  /** Adds each to everybody who is subscribed to its topic. */
  addAll(deltas: readonly Delta[]): void {
    for (const delta of deltas) for (const seat of delta.topic.seats) this.#add(seat, delta);
  }

  /** The session was told `before` by one topic, and is told by another from now on. */
  move(seat: Seat, before: RRsAtName, from: Topic, to: Topic): void {
    if (before !== from.told) {
      this.catchUp(seat, to, before);
      return;
    }
    const key = `${from.serial}-${to.serial}`;
    if (!this.#moves.has(key)) this.#moves.set(key, difference(before, to.told));
    const moved = this.#moves.get(key);
    if (moved !== undefined) this.#add(seat, { ...moved, topic: to, from: from.serial, before });
  }

  /** A reader that was slow is told all at once what it lacks. */
  catchUp(seat: Seat, topic: Topic, before: RRsAtName): void {
    const missed = difference(before, topic.told);
    if (missed !== undefined) this.#add(seat, { ...missed, topic, from: apart, before });
  }

  /** The messages for each session. */
  *encode(counts: Counts): Generator<readonly [Seat, readonly Uint8Array[]]> {
    const shared = new Map<string, readonly Uint8Array[]>();
    const skipped = () => counts.add("records-dropped", "push-too-large");
    for (const [seat, deltas] of this.#deltas) {
      if (seat.isBlocked) {
        for (const { topic, before } of deltas) seat.fallBehind(topic, before);
        continue;
      }
      const key = isShared(deltas) && seat.isPlain(deltas) ? deltas.map(keyOf).join() : undefined;
      const known = key === undefined ? undefined : shared.get(key);
      const messages = known ?? encodePushes(seat.changes(deltas), skipped);
      if (key !== undefined) shared.set(key, messages);
      yield [seat, messages];
    }
  }

  #add(seat: Seat, delta: Delta): void {
    const deltas = this.#deltas.get(seat);
    if (deltas === undefined) this.#deltas.set(seat, [delta]);
    else deltas.push(delta);
  }
}

/** In the place of a serial: nobody else hears the same. */
const apart = -1;

const isShared = (deltas: readonly Delta[]) => deltas.every(({ from }) => from !== apart);

const keyOf = ({ topic, from }: Delta): string => `${topic.serial}-${from}`;
