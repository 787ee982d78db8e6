// Chance as the cores see it: handed in, so that a run can be repeated from its
// seed. Production entropy is made in os/random.ts; the generator below is for
// simulations, stories and the demo link.

import type { Duration } from "./time.js";

export interface Random {
  /** A uniform integer in [0, 2^32). */
  uint32(): number;
}

/** A uniform integer in [0, bound); bound must be positive. */
export function below(random: Random, bound: number): number {
  return Math.floor((random.uint32() / 2 ** 32) * bound);
}

/** A uniform duration in [low, high], in whole milliseconds. */
export function between(random: Random, low: Duration, high: Duration): Duration {
  return (low + below(random, high - low + 1)) as Duration;
}

/** A repeatable generator (mulberry32). Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    uint32(): number {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = state;
      mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (mixed ^ (mixed >>> 14)) >>> 0;
    },
  };
}
