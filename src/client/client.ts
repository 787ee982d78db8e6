// Questions followed side by side: one session with each server of Push for all
// of them, and what stands for another name followed to that name (PUSH-13).
// Data in, effects and outputs out; the edge has the sockets and the resolver.

import type { Random } from "../random.js";
import { earliest, type Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { Avoided } from "./avoided.js";
import { Follow, type Surroundings } from "./follow.js";
import { type ClientEffect, type ClientInput, type ClientOutput, Outbox } from "./io.js";
import { aliasesMax } from "./limits.js";
import type { SearchOptions } from "./search.js";
import { Sessions } from "./sessions.js";

/** A question, and the name its own name stands for at the moment. */
interface Followed {
  readonly follow: Follow;
  /** What was asked by the user. */
  readonly asked: Question;
  /** Names that stand for the next, this one's included. */
  readonly depth: number;
  alias: { readonly target: Name; readonly followed: Followed } | undefined;
}

export class Client {
  readonly #around: Surroundings;
  readonly #followed = new Set<Followed>();
  readonly #outbox = new Outbox();
  readonly #sessions: Sessions;
  #outputs: ClientOutput[] = [];

  constructor(random: Random, options: Omit<SearchOptions, "random">) {
    const avoided = new Avoided();
    this.#sessions = new Sessions(this.#outbox, avoided);
    this.#around = { outbox: this.#outbox, sessions: this.#sessions, avoided, random, options };
  }

  /** Follows a question until the end; outputs name it. */
  follow(now: Instant, question: Question): void {
    this.#start(now, question, question, 0);
    this.#settle(now);
  }

  handle(now: Instant, input: ClientInput): void {
    switch (input.kind) {
      case "answered":
        this.#awaiting(input.query)?.answered(now, input.message, input.from);
        break;
      case "unanswered":
        this.#awaiting(input.query)?.unanswered(now, input.reason);
        break;
      case "connected":
        this.#ownerOf(input.channel)?.connected(now);
        this.#sessions.connected(now, input.channel, input.covers);
        break;
      case "bytes":
        this.#ownerOf(input.channel)?.bytes(now, input.bytes);
        this.#sessions.bytes(now, input.channel, input.bytes);
        break;
      case "closed":
        this.#ownerOf(input.channel)?.lost(now);
        this.#sessions.lost(now, input.channel);
        break;
      case "failed":
        this.#ownerOf(input.channel)?.lost(now, input.reason);
        this.#sessions.lost(now, input.channel, input.reason);
        break;
      case "deadline":
        this.#sessions.expire(now);
        for (const { follow } of this.#followed) follow.expire(now);
    }
    this.#settle(now);
  }

  nextDeadline(): Instant | undefined {
    let next = this.#sessions.nextDeadline();
    for (const { follow } of this.#followed) next = earliest(next, follow.nextDeadline());
    return next;
  }

  /** Takes leave of all servers. */
  end(now: Instant): void {
    for (const { follow } of this.#followed) follow.end(now);
    this.#sessions.end();
    this.#followed.clear();
  }

  takeEffects(): readonly ClientEffect[] {
    return this.#outbox.takeEffects();
  }

  takeOutputs(): readonly ClientOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  #awaiting(query: number): Follow | undefined {
    for (const { follow } of this.#followed) if (follow.awaits(query)) return follow;
    return undefined;
  }

  #ownerOf(channel: number): Follow | undefined {
    for (const { follow } of this.#followed) if (follow.owns(channel)) return follow;
    return undefined;
  }

  #start(now: Instant, question: Question, asked: Question, depth: number): Followed {
    const follow = new Follow(now, question, this.#around);
    const followed: Followed = { follow, asked, depth, alias: undefined };
    this.#followed.add(followed);
    return followed;
  }

  /** What one input has led to, until nothing follows from it any more. */
  #settle(now: Instant): void {
    // What is followed because of this joins the set, and has its turn.
    for (const followed of this.#followed) {
      followed.follow.readTicket(now);
      this.#collect(now, followed);
    }
  }

  #collect(now: Instant, followed: Followed): void {
    for (const output of followed.follow.takeOutputs()) {
      this.#outputs.push({ ...output, question: followed.asked });
      if (output.kind === "added") this.#alias(now, followed, output.rr);
      else if (output.kind === "removed") this.#unalias(now, followed, output.rr);
    }
  }

  /** A CNAME comes in place of what was asked for, whose records are at its target. */
  #alias(now: Instant, followed: Followed, { type, rdata }: RR): void {
    const { question } = followed.follow;
    const isWanted = question.type === RRType.CNAME || question.type === RRType.ANY;
    if (type !== RRType.CNAME || rdata.kind !== "cname" || isWanted) return;
    if (followed.alias !== undefined || followed.depth >= aliasesMax) return;
    const { target } = rdata;
    const next = this.#start(
      now,
      { ...question, name: target },
      followed.asked,
      followed.depth + 1,
    );
    followed.alias = { target, followed: next };
  }

  #unalias(now: Instant, followed: Followed, { rdata }: RR): void {
    const { alias } = followed;
    if (alias === undefined || rdata.kind !== "cname" || rdata.target.key !== alias.target.key) {
      return;
    }
    followed.alias = undefined;
    alias.followed.follow.end(now);
    this.#collect(now, alias.followed);
    this.#followed.delete(alias.followed);
  }
}
