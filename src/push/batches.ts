// One PUSH for each session and batch of changes (PUSH-25, PUSH-26). Sessions
// that hear the same are given the same bytes, so that the thousandth
// subscriber of a question costs next to nothing.

import type { Counts } from "../counts.js";
import { type Difference, difference } from "./change.js";
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

  /** The session was told by one topic and is told by another from now on. */
  move(seat: Seat, from: Topic, to: Topic): void {
    const key = `${from.serial}-${to.serial}`;
    if (!this.#moves.has(key)) this.#moves.set(key, difference(from.told, to.told));
    const moved = this.#moves.get(key);
    if (moved !== undefined) this.#add(seat, { ...moved, topic: to, from: from.serial });
  }

  /** The messages for each session. */
  *encode(counts: Counts): Generator<readonly [Seat, readonly Uint8Array[]]> {
    const shared = new Map<string, readonly Uint8Array[]>();
    const skipped = () => counts.add("records-dropped", "push-too-large");
    for (const [seat, deltas] of this.#deltas) {
      const key = seat.isPlain(deltas) ? deltas.map(keyOf).join() : undefined;
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

const keyOf = ({ topic, from }: Delta): string => `${topic.serial}-${from}`;
