// How a session that is behind learns what it lacks: a portion at a time, so that
// a set of any size passes through a queue of bounded size, and the client's own
// pace decides when the next one follows (PUSH-38).

import { portionOf } from "./change.js";
import type { Seat } from "./seat.js";
import type { Delta } from "./topic.js";

/** Bytes of the write queue for each record told at once: most take less than half of that. */
const bytesPerAdd = 512;

/** Records that one session is told of at once. */
export const addsMaxOf = (writeQueue: number): number => Math.floor(writeQueue / bytesPerAdd);

/** The next portion for a session; what then is left stays to be caught up with. */
export function catchUp(seat: Seat, addsMax: number): readonly Delta[] {
  const deltas: Delta[] = [];
  let room = addsMax;
  for (const [topic, before] of seat.takeBehind()) {
    if (room === 0) {
      seat.fallBehind(topic, before);
      continue;
    }
    const portion = portionOf(before, topic.told, room);
    if (portion === undefined) continue;
    const { gone, came, after } = portion;
    room -= came.size;
    deltas.push({ gone, came, topic, before });
    if (after !== topic.told) seat.fallBehind(topic, after);
  }
  return deltas;
}
