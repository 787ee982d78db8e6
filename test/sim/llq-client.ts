// A client of LLQs over UDP (RFC 8764 §5 to §7): it sets up, answers the
// challenge, keeps a copy, acknowledges, refreshes, and loses, doubles and delays
// what it sends and hears, acknowledges late or wrongly, and crashes. One port for
// each LLQ. What the server sends is held against the rules before it is lost.

import { after, type Instant, instant, ms, seconds } from "../../src/time.js";
import type { Question } from "../../src/wire/message.js";
import type { Faults } from "./air.js";
import { listener } from "./client.js";
import { Copy, keyOf } from "./copy.js";
import { type HeardLlq, Llq, type LlqFields, llqBytes, noId, readLlq } from "./llq-bytes.js";
import { apply, LlqModel } from "./llq-model.js";
import { demand } from "./violation.js";
import type { World } from "./world.js";
import { isAnsweredLocally } from "./zones.js";

/** When a set-up is tried again (RFC 8764 §5.2.1). */
const tries = [0, 2, 6].map(seconds);

/** An ID that has ended is not revived by late copies of its set-up for this long. */
const memory = seconds(60);

export interface LlqWish {
  readonly question: Question;
  readonly leaseSeconds: number;
  readonly udpSize: number;
  /** The road in both directions. */
  readonly road: Faults;
  /** Probability that an event is acknowledged late, wrongly, or not at all. */
  readonly sloth: number;
}

type Kind = "setup" | "response" | "refresh";

interface Sent {
  readonly kind: Kind;
  readonly leaseSeconds: number;
  readonly isForged: boolean;
  /** Copies that the engine has read and may answer. */
  copies: number;
}

export class LlqClient {
  readonly model: LlqModel;
  readonly copy = new Copy();
  /** What the client believes. */
  state: "setting-up" | "responding" | "live" | "over" = "setting-up";
  isCrashed = false;
  readonly #world: World;
  readonly #wish: LlqWish;
  readonly #source: { readonly address: string; readonly port: number };
  readonly #sent = new Map<number, Sent>();
  readonly #seen = new Set<string>();
  #issued: LlqFields | undefined;
  #grantedAt: Instant | undefined;
  #endedAt: Instant | undefined;
  #isRevived = false;

  constructor(world: World, address: string, port: number, wish: LlqWish) {
    this.#world = world;
    this.#wish = wish;
    this.#source = { address, port };
    const { question } = wish;
    const { exchanges, now, plan, checkers } = world;
    const setting = { question, isAcknowledged: true, lag: plan.timerLag };
    this.model = new LlqModel(exchanges, now, setting);
    checkers.copies.llqs.add(this.model);
    world.openMailbox(address, port, (bytes, isLost) => this.#leaves(bytes, isLost));
    this.#try("setup", () => this.state === "setting-up");
  }

  /** Asks for the lease anew; 0 ends it. */
  refresh(leaseSeconds: number): void {
    if (this.state !== "live" || this.isCrashed) return;
    if (leaseSeconds === 0) this.state = "over";
    this.#say("refresh", leaseSeconds);
  }

  /** Hears and says nothing any more. */
  crash(): void {
    this.isCrashed = true;
    this.state = "over";
  }

  /** Whether the client's own copy is what the server thinks that it holds. */
  check(): void {
    const { model, copy } = this;
    if (this.#isRevived) return;
    if (this.state !== "live" || model.state !== "live" || model.outstanding !== undefined) return;
    const same = copy.size === model.held.size;
    const isEqual = same && [...copy.all()].every((rr) => model.held.has(keyOf(rr)));
    demand(isEqual, () => "what the client holds is not what the server believes");
  }

  /** Sends until something comes of it. */
  #try(kind: Kind, isStillDue: () => boolean): void {
    for (const span of tries) {
      this.#world.later(span, () => {
        if (isStillDue() && !this.isCrashed) this.#say(kind, this.#wish.leaseSeconds);
      });
    }
  }

  /** @param isForged  with an LLQ-ID that was never issued: to be left without a reply (LLQ-13) */
  #say(kind: Kind, leaseSeconds: number, isForged = false): void {
    const { chance } = this.#world;
    const { question, udpSize } = this.#wish;
    const messageId = chance.below(65_536);
    if (this.#sent.has(messageId)) return;
    const sent: Sent = { kind, leaseSeconds, isForged, copies: 0 };
    this.#sent.set(messageId, sent);
    const id = kind === "setup" ? noId : isForged ? "7".repeat(16) : this.#issued?.id;
    const opcode = kind === "refresh" ? Llq.refresh : Llq.setup;
    const lease = kind === "response" ? this.#issued!.leaseSeconds : leaseSeconds;
    const fields = { opcode, error: 0, id: id ?? noId, leaseSeconds: lease };
    const bytes = llqBytes({ messageId, question, fields, udpSize });
    this.#pass(() => this.#arrives(messageId, sent, bytes));
  }

  /** A request reaches the engine. */
  #arrives(messageId: number, sent: Sent, bytes: Uint8Array): void {
    const world = this.#world;
    const { now, zones, switches, checkers, exchanges } = world;
    if (checkers.isStopped) return;
    const { question, udpSize } = this.#wish;
    const zone = zones.find(question.name);
    const { address, port } = this.#source;
    // A refresh is told that there is no such LLQ, wherever its zone has gone.
    const isTaken = switches.takesLlq && (zone !== undefined || sent.kind === "refresh");
    if (!isTaken) {
      const key = `${address}#${port}#${messageId}`;
      const sizeMax = Math.max(512, udpSize);
      exchanges.arrive(now, { key, question, recursionDesired: true, sizeMax });
    } else if (!sent.isForged) {
      sent.copies += 1;
      if (sent.kind === "response") this.#responseArrives();
    }
    world.enter({ kind: "datagram", listener, source: this.#source, bytes });
  }

  #responseArrives(): void {
    const { now, zones } = this.#world;
    const { name, type } = this.#wish.question;
    const zone = zones.find(name);
    if (zone === undefined || isAnsweredLocally(zone, name, type)) return;
    const { model } = this;
    model.expire(now);
    this.#noteEnd();
    // A late copy of what has ended is to be left alone.
    if (this.#endedAt === undefined) model.begin(now);
  }

  /** The engine sends something here. */
  #leaves(bytes: Uint8Array, isLost: boolean): boolean {
    const { now } = this.#world;
    const heard = readLlq(bytes);
    if (heard === undefined) return false;
    const { message, fields } = heard;
    const [question] = message.questions;
    const isEchoed = question?.name.key === this.#wish.question.name.key;
    demand(isEchoed && question.type === this.#wish.question.type, () => "another question");
    demand(bytes.length <= this.#sizeMax, () => `an LLQ message of ${bytes.length} bytes`);
    if (fields.opcode === Llq.event) this.model.event(now, bytes, heard);
    else this.#replyLeaves(heard);
    const kept = Uint8Array.from(bytes);
    if (!isLost) this.#pass(() => this.#hears(kept, heard));
    return true;
  }

  #replyLeaves(heard: HeardLlq): void {
    const { now, checkers } = this.#world;
    const { message, fields } = heard;
    const sent = this.#sent.get(message.id);
    demand(sent !== undefined && sent.copies > 0, () => "an LLQ reply nobody waits for");
    sent.copies -= 1;
    const { kind } = sent;
    demand(fields.opcode === (kind === "refresh" ? 2 : 1), () => `LLQ opcode ${fields.opcode}`);
    const { model } = this;
    if (fields.error !== 0) {
      const isFull = fields.error === 1 && checkers.isLimited(now);
      const isStatic = fields.error === 2 && this.#isStatic();
      const isGone = kind === "refresh" && fields.error === 4 && !model.isSurelyLive(now);
      demand(isFull || isStatic || isGone, () => `LLQ error ${fields.error} to ${kind}`);
      if (kind === "refresh") model.end();
      if (kind === "response" && model.state === "waiting") {
        model.refuse();
        // The lease that was granted is forgotten with it.
        this.#grantedAt = undefined;
      }
      return;
    }
    if (kind === "setup") {
      demand(message.answers.length === 0, () => "answers in a challenge");
      const known = this.#issued?.id ?? fields.id;
      const isSame = known === fields.id || this.#endedAt !== undefined;
      demand(isSame, () => "another LLQ-ID for a repeated request");
      // A repeated challenge is the first one again, with its lease.
      if (this.#grantedAt === undefined || this.#endedAt !== undefined) this.#grantedAt = now;
      // Asked for anew, the same ID may live again; the client knows nothing of it.
      if (this.#endedAt !== undefined) this.#isRevived = true;
      this.#endedAt = undefined;
    } else if (kind === "response") {
      if (model.state === "ended" && fields.leaseSeconds === 0) return;
      demand(model.state !== "ended", () => "the answers of an LLQ that has ended");
      const grantedAt = this.#grantedAt ?? now;
      model.answers(heard, instant(grantedAt + this.#issued!.leaseSeconds * 1000));
    } else {
      demand(model.state === "live", () => "an LLQ that has ended is refreshed");
      model.refreshed(now, fields.leaseSeconds);
      this.#noteEnd();
    }
  }

  /** Something has come through to the client. */
  #hears(bytes: Uint8Array, heard: HeardLlq): void {
    if (this.isCrashed) return;
    const { fields, message } = heard;
    if (fields.opcode === Llq.event) {
      this.#hearsEvent(bytes, heard);
      return;
    }
    const sent = this.#sent.get(message.id);
    if (fields.error !== 0) {
      if (this.state !== "live" || sent?.kind === "refresh") this.state = "over";
      return;
    }
    if (sent?.kind === "setup" && this.state === "setting-up") {
      this.#issued = fields;
      this.state = "responding";
      if (this.#world.chance.is(this.#wish.sloth)) this.#say("response", 0, true);
      this.#try("response", () => this.state === "responding");
    } else if (sent?.kind === "response" && this.state === "responding") {
      this.state = "live";
      apply(this.copy, message.answers);
      this.#planRefresh();
    }
  }

  #hearsEvent(bytes: Uint8Array, heard: HeardLlq): void {
    // Before the first answers an event says nothing.
    if (this.state !== "live") return;
    const text = Buffer.from(bytes).toString("latin1");
    if (!this.#seen.has(text)) {
      this.#seen.add(text);
      apply(this.copy, heard.message.answers);
    }
    const { chance } = this.#world;
    const { sloth } = this.#wish;
    const { id } = heard.message;
    if (chance.is(sloth)) {
      chance.oneOf([
        () => {},
        () => this.#acknowledge((id + 1) & 0xffff, heard),
        () => this.#acknowledge(id, { ...heard, fields: { ...heard.fields, id: "1".repeat(16) } }),
        () => this.#acknowledge(id, heard, this.#source.port + 1),
        () => this.#world.later(chance.span(1000, 9000), () => this.#acknowledge(id, heard)),
      ])();
      return;
    }
    this.#acknowledge(id, heard);
  }

  #acknowledge(messageId: number, { fields }: HeardLlq, port = this.#source.port): void {
    if (this.isCrashed) return;
    const { question } = this.#wish;
    const bytes = llqBytes({ messageId, question, fields, isResponse: true });
    const { address } = this.#source;
    this.#pass(() => {
      const { checkers } = this.#world;
      if (checkers.isStopped) return;
      if (port === this.#source.port)
        this.model.acknowledged(this.#world.now, messageId, fields.id);
      this.#world.enter({ kind: "datagram", listener, source: { address, port }, bytes });
    });
  }

  /** RFC 8764 §7.1 says 80 %; clients in the field come at half the lease. */
  #planRefresh(): void {
    const { chance } = this.#world;
    const lease = this.#issued?.leaseSeconds ?? 0;
    const again = () => {
      this.refresh(this.#wish.leaseSeconds);
      if (this.state === "live") this.#world.later(ms(lease * chance.span(300, 800)), again);
    };
    if (chance.is(0.8)) this.#world.later(ms(lease * chance.span(300, 800)), again);
  }

  /** RFC 8764 §3.1: a size of 0 is none; ours is 1232 then, as in all answers over UDP. */
  get #sizeMax(): number {
    const { udpSize } = this.#wish;
    return udpSize === 0 ? 1232 : Math.max(512, Math.min(1232, udpSize));
  }

  #isStatic(): boolean {
    const { name, type } = this.#wish.question;
    const zone = this.#world.zones.find(name);
    return zone !== undefined && isAnsweredLocally(zone, name, type);
  }

  #noteEnd(): void {
    const { now } = this.#world;
    if (this.model.state === "ended") this.#endedAt ??= now;
    const isForgotten = this.#endedAt !== undefined && now > after(this.#endedAt, memory);
    if (isForgotten) this.#endedAt = undefined;
  }

  #pass(arrive: () => void): void {
    const { chance } = this.#world;
    const { loss, doubling, straying, jitter } = this.#wish.road;
    if (chance.is(loss)) return;
    for (let copy = chance.is(doubling) ? 2 : 1; copy > 0; copy--) {
      const late = chance.is(straying) ? 100 + chance.below(900) : 0;
      this.#world.later(ms(1 + chance.below(jitter + 1) + late), arrive);
    }
  }
}
