// A server's session and the client that it talks to, in virtual time. What the
// client says is hex without length prefix, or the id of an example. SUBSCRIBE
// is granted unless the test says otherwise. Times are seconds from the start.

import { expect } from "vitest";
import {
  type Answer,
  type Outcome,
  ServerSession,
  type ServerSessionOptions,
} from "../../src/dso/server-session.js";
import { type Instant, instant, seconds } from "../../src/time.js";
import { hex, toHex } from "../wire/captures.js";
import { type ExampleId, example, exampleIds } from "./examples.js";

/** The start; not zero, so that a forgotten `now` shows. */
const origin = 5_000_000;

export const at = (second: number): Instant => instant(origin + second * 1000);

export const granted = { inactivity: seconds(30), keepalive: seconds(3600) };

export function bytesOf(text: string): Uint8Array {
  return exampleIds.includes(text as ExampleId) ? example(text as ExampleId) : hex(text);
}

/** Hex with the header apart, as in the specification. */
export function spaced(message: Uint8Array): string {
  const digits = toHex(message);
  return `${digits.slice(0, 8)} ${digits.slice(8, 24)} ${digits.slice(24)}`.trim();
}

export class Stage {
  readonly session: ServerSession;
  now: Instant = at(0);
  /** How SUBSCRIBE is answered; undefined: not at once. */
  answer: Answer | undefined = { rcode: 0 };
  /** The reason of the reset, and when it happened. */
  reset: { readonly reason: string; readonly at: number } | undefined;

  constructor(options: Partial<ServerSessionOptions> = {}) {
    this.session = new ServerSession(at(0), { isSecure: true, granted, ...options });
  }

  /** Lets time pass, doing all that falls due on the way. */
  run(until: number): this {
    for (;;) {
      const next = this.session.nextDeadline();
      if (next === undefined || next > at(until)) break;
      this.now = next;
      this.#note(this.session.expire(this.now));
    }
    this.now = at(until);
    return this;
  }

  /** The client says something. */
  says(text: string): Outcome {
    return this.receives(bytesOf(text));
  }

  receives(bytes: Uint8Array): Outcome {
    const outcome = this.session.receive(this.now, bytes);
    this.#note(outcome);
    if (outcome.kind === "request" && this.answer !== undefined) {
      this.session.respond(this.now, outcome.request, this.answer);
    }
    return outcome;
  }

  /** What the server has said since the last call. */
  heard(): string[] {
    return this.session.takeMessages().map(toHex);
  }

  #note(outcome: Outcome): void {
    if (outcome.kind !== "abort") return;
    expect(this.reset).toBe(undefined);
    this.reset = { reason: outcome.reason, at: (this.now - origin) / 1000 };
  }
}

export const answerTo = (...ids: readonly ExampleId[]): string[] =>
  ids.map((id) => toHex(example(id)));
