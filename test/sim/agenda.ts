// What is going to happen in a simulated world, in order of time and, at one
// instant, in the order in which it was planned.

import { Deadlines } from "../../src/deadlines.js";
import type { Instant } from "../../src/time.js";

export type Happening = () => void;

export class Agenda {
  readonly #deadlines = new Deadlines<Happening>();

  plan(at: Instant, happening: Happening): void {
    // A closure of its own, so that one function can be planned twice.
    this.#deadlines.set(() => happening(), at);
  }

  next(): Instant | undefined {
    return this.#deadlines.next();
  }

  takeDue(now: Instant): Happening | undefined {
    return this.#deadlines.takeDue(now);
  }
}
