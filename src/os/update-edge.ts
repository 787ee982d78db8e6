// What update mode asks of the system: lookups, dials, state files. The driver
// hands effects in and takes inputs out; nothing here decides anything but that
// no message leaves for a primary while something is not in its state file.

import type { Counts } from "../counts.js";
import type { Effect, Input, Lookup } from "../engine/io.js";
import type { Log } from "../log.js";
import { after, type Duration, type Instant, seconds } from "../time.js";
import { Dials } from "./dialling.js";
import type { JournalFiles } from "./journal-files.js";
import { ResolverError } from "./resolver.js";
import type { SystemResolver } from "./system-resolver.js";

export type UpdateEffect = Extract<
  Effect,
  {
    readonly kind: "look-up" | "dial" | "dial-write" | "dial-close" | "remember" | "snapshot";
  }
>;

export interface UpdateEdgeParts {
  readonly resolver: Pick<SystemResolver, "ask">;
  readonly journals: Pick<JournalFiles, "remember" | "replace" | "isSafe">;
  readonly log: Log;
  readonly counts: Counts;
  readonly now: () => Instant;
  readonly dispatch: (input: Input) => void;
  /** A dial has left the system. */
  readonly left: () => void;
}

/** A resolver that stays silent is said again after this. */
const silenceQuiet: Duration = seconds(600);

export class UpdateEdge {
  readonly #parts: UpdateEdgeParts;
  readonly #dials: Dials;
  #silenceToldAt: Instant | undefined;
  #isOver = false;

  constructor(parts: UpdateEdgeParts) {
    this.#parts = parts;
    this.#dials = new Dials({
      opened: (dial) => this.#input({ kind: "dial-opened", dial }),
      received: (dial, bytes) => this.#input({ kind: "dial-bytes", dial, bytes }),
      closed: (dial, reason) => this.#input({ kind: "dial-closed", dial, reason }),
      left: parts.left,
    });
  }

  /** Dials that are open, on their way or not yet closed. */
  get dials(): number {
    return this.#dials.size;
  }

  perform(effect: UpdateEffect): void {
    const { journals } = this.#parts;
    switch (effect.kind) {
      case "look-up":
        this.#lookUp(effect.question);
        break;
      case "dial":
        this.#dials.open(effect.dial, effect.endpoint, effect.tls);
        break;
      case "dial-write":
        if (journals.isSafe()) this.#dials.write(effect.dial, effect.bytes);
        else this.#dials.fail(effect.dial, "the state file cannot be written");
        break;
      case "dial-close":
        this.#dials.close(effect.dial);
        break;
      case "remember":
        journals.remember(effect.zone, effect.notes);
        break;
      case "snapshot":
        journals.replace(effect.zone, effect.own);
        break;
    }
  }

  /** Leaves nothing behind, and says nothing more. */
  end(): void {
    this.#isOver = true;
    this.#dials.abortAll();
  }

  #input(input: Input): void {
    if (!this.#isOver) this.#parts.dispatch(input);
  }

  #lookUp(question: Lookup): void {
    this.#parts.resolver
      .ask(question.name, question.type, question.at?.address, question.at?.port)
      .then(({ rcode, answers, authorities }) => {
        this.#silenceToldAt = undefined;
        this.#input({ kind: "looked-up", question, answer: { rcode, answers, authorities } });
      })
      .catch((error) => {
        // What is thrown while the engine looks at an answer has been told by the driver.
        if (!(error instanceof ResolverError)) throw error;
        this.#tellSilence(error.message);
        this.#input({ kind: "looked-up", question, answer: undefined });
      });
  }

  #tellSilence(reason: string): void {
    const { now, log, counts } = this.#parts;
    counts.add("lookups", "failed");
    const at = now();
    const told = this.#silenceToldAt;
    if (told !== undefined && at < after(told, silenceQuiet)) return;
    this.#silenceToldAt = at;
    const remedy = "see /etc/resolv.conf, or name the server in update.server by its address";
    log.event("warn", "resolver-silent", { reason, remedy });
  }
}
