// What became of reading the configuration again: for whoever waits for it, and for
// everybody who asks later, until it goes well.

import type { Summary } from "../api/shapes.js";
import type { ReloadOutcome } from "../api/state.js";

type Waiting = (outcome: ReloadOutcome) => void;

const stays = "the configuration was refused, and the one before stays in force";

export class Reloads {
  #waiting: Waiting[] = [];
  #last: Summary["reload"] = null;
  /** Of the last load that somebody asked for, and of the last that followed the interfaces. */
  #asked: readonly string[] = [];
  #followed: readonly string[] = [];

  /** Of the last one that somebody asked for; null: none so far. */
  get last(): Summary["reload"] {
    return this.#last;
  }

  /** Why what is wanted is not in force, a sentence each. */
  get refusals(): readonly string[] {
    return [...new Set([...this.#asked, ...this.#followed])].map((line) => `${stays}: ${line}`);
  }

  /** Fulfilled with what becomes of the next load that begins. */
  next(): Promise<ReloadOutcome> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** A load begins that somebody asked for. @returns who waits for this one */
  begin(): readonly Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  end(outcome: ReloadOutcome, isAsked: boolean, waiting: readonly Waiting[]): void {
    const refused = outcome.kind === "refused" ? outcome.errors : [];
    // A file that was refused stays refused, whatever the interfaces do to the one in force.
    if (isAsked) {
      this.#asked = refused;
      this.#followed = [];
      const problems = outcome.kind === "refused" ? outcome.problems : outcome.warnings;
      const isTaken = outcome.kind === "taken";
      this.#last = { at: new Date().toISOString(), isTaken, problems };
    } else this.#followed = refused;
    for (const resolve of waiting) resolve(outcome);
  }
}
