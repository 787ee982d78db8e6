// Choices of a simulated world, all from one seeded generator.

import { below, type Random } from "../../src/random.js";
import { type Duration, ms } from "../../src/time.js";

export class Chance {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** True with the given probability, 0 to 1. */
  is(probability: number): boolean {
    return probability > 0 && this.random.uint32() < probability * 2 ** 32;
  }

  below(bound: number): number {
    return below(this.random, bound);
  }

  span(low: number, high: number): Duration {
    return ms(low + below(this.random, high - low + 1));
  }

  /** An exponential gap with this mean: happenings that know nothing of each other. */
  gap(mean: number): Duration {
    return ms(Math.ceil(-Math.log(1 - this.random.uint32() / 2 ** 32) * mean));
  }

  oneOf<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error("nothing to choose from");
    return list[below(this.random, list.length)] as T;
  }

  /** Some of a list, in its order. */
  someOf<T>(list: readonly T[], probability: number): T[] {
    return list.filter(() => this.is(probability));
  }
}
