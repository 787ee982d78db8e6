// Long answers in portions, one a turn of the event loop for all connections
// together: whatever a client fetches, a UDP query is answered between two of them.

import type { ServerResponse } from "node:http";

interface Job {
  readonly response: ServerResponse;
  readonly pieces: Iterator<string>;
}

export class HttpTurns {
  readonly #crash: (error: unknown) => never;
  #jobs: Job[] = [];
  #isRunning = false;

  /** @param crash  called with what was thrown while a piece was made; does not return */
  constructor(crash: (error: unknown) => never) {
    this.#crash = crash;
  }

  /** Sends the pieces as fast as they are read, and then ends the response. */
  add(response: ServerResponse, pieces: Iterator<string>): void {
    this.#jobs.push({ response, pieces });
    this.#run();
  }

  #run(): void {
    if (this.#isRunning || this.#jobs.length === 0) return;
    this.#isRunning = true;
    setImmediate(() => {
      this.#isRunning = false;
      const job = this.#jobs.shift();
      if (job !== undefined) this.#portion(job);
      this.#run();
    });
  }

  #portion(job: Job): void {
    const { response, pieces } = job;
    if (response.destroyed || response.writableEnded) {
      pieces.return?.();
      return;
    }
    let next: IteratorResult<string>;
    try {
      next = pieces.next();
    } catch (error) {
      this.#crash(error);
    }
    if (next.done === true) response.end();
    else if (response.write(next.value)) this.#jobs.push(job);
    else this.#wait(job);
  }

  /** Until the client has read. */
  #wait(job: Job): void {
    const { response, pieces } = job;
    const again = () => {
      response.removeListener("close", gone);
      this.add(response, pieces);
    };
    const gone = () => {
      response.removeListener("drain", again);
      pieces.return?.();
    };
    response.once("drain", again);
    response.once("close", gone);
  }
}
