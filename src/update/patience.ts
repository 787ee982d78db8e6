// How long a publisher waits after failures (UP-63): 1, 2, 4 … 300 s, a fifth
// more or less, and back to the start after a success. That a zone can be read
// says nothing of whether it can be changed, so the two are not mixed up.

import { between, type Random } from "../random.js";
import type { Duration } from "../time.js";
import { retryFirst, retryMax } from "./limits.js";

export class Patience<Kind extends string> {
  readonly #random: Random;
  #failures = 0;
  #kind: Kind | undefined;
  #trouble: string | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Why nothing is done at the moment. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** @returns how long to wait, and whether the reason is another one than before */
  failed(kind: Kind, reason: string): { readonly span: Duration; readonly isNews: boolean } {
    const usual = Math.min(retryFirst * 2 ** Math.min(this.#failures, 20), retryMax);
    const span = between(this.#random, (usual * 0.8) as Duration, (usual * 1.2) as Duration);
    const isNews = this.#trouble !== reason;
    this.#failures += 1;
    this.#kind = kind;
    this.#trouble = reason;
    return { span, isNews };
  }

  /** @param isDecisive  it proves that all is well again, whatever has failed before */
  succeeded(kind: Kind, isDecisive: boolean): void {
    if (isDecisive || this.#kind === kind) this.forget();
  }

  /** What has failed before says nothing any more. */
  forget(): void {
    this.#failures = 0;
    this.#trouble = undefined;
  }
}
