// A client on one stream that subscribes, asks for LLQs and sends ordinary
// queries, reads when it likes, breaks the protocol now and then, and knows what
// has to come back. What it is told is held against the rules as it is written.

import { after, elapsed, type Instant, ms, seconds } from "../../src/time.js";
import { Rcode, RRType } from "../../src/wire/codes.js";
import { encodeMessage, headerBytes, type Question } from "../../src/wire/message.js";
import type { Name } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { Connection, type End, type Outgoing } from "./client.js";
import {
  dsoBytes,
  isDso,
  keepaliveBytes,
  reconfirmBytes,
  subscribeBytes,
  Tlv,
  unsubscribeBytes,
} from "./dso-bytes.js";
import { type HeardLlq, Llq, llqBytes, noId, readLlq } from "./llq-bytes.js";
import { LlqModel } from "./llq-model.js";
import { Session, type Wanted } from "./session.js";
import { demand } from "./violation.js";
import type { World } from "./world.js";
import { isAnsweredLocally } from "./zones.js";

/** How long a client may stay after Retry Delay (DSO-42). */
const leavingPatience = seconds(5);

/** What is granted to idle sessions, twice (DSO-30). */
const idlePatience = seconds(60);

/** A record that is doubted is asked for within this, whatever else the link is asked. */
const doubtSpan = seconds(40);

export interface SubscriberKind {
  readonly transport: "tcp" | "tls";
  /** It came in through the listener for Push. */
  readonly takesPush: boolean;
}

interface LlqRequest {
  readonly kind: "setup" | "refresh";
  readonly model: LlqModel;
  /** The ID that the LLQ had when it was sent. */
  readonly id: string;
  readonly leaseSeconds: number;
}

export class Subscriber {
  readonly connection: Connection;
  readonly session: Session;
  readonly llqs: LlqModel[] = [];
  readonly #world: World;
  readonly #kind: SubscriberKind;
  readonly #llqRequests = new Map<number, LlqRequest>();
  /** Messages that wait to be sent in one go; undefined: each goes alone. */
  #batch: Outgoing[] | undefined;

  constructor(world: World, address: string, kind: SubscriberKind) {
    this.#world = world;
    this.#kind = kind;
    this.session = new Session(world.now);
    this.connection = new Connection(world, address, {
      ...kind,
      take: (message) => this.#take(message),
      over: (end) => this.#over(end),
      blocked: (isBlocked) => this.blocked(isBlocked),
    });
    world.checkers.copies.sessions.add(this.session);
  }

  /** What the driver tells the engine of the client's reading, the rules have to know as well. */
  blocked(isBlocked: boolean): void {
    this.session.isBlocked = isBlocked;
    for (const llq of this.llqs) llq.isBlocked = isBlocked;
  }

  get isOpen(): boolean {
    return this.connection.isOpen && !this.connection.hasEnded;
  }

  /** Sends all that `act` says in pieces of this many bytes. */
  together(pieceSize: number, act: () => void): void {
    this.#batch = [];
    act();
    const batch = this.#batch;
    this.#batch = undefined;
    this.connection.send(batch, pieceSize);
  }

  keepalive(): void {
    const id = this.#freshId();
    this.#send(keepaliveBytes(id), () => {
      this.session.request(id, { kind: "keepalive", rcode: Rcode.NOERROR });
    });
  }

  subscribe(question: Question): void {
    const id = this.#freshId();
    this.#send(subscribeBytes(id, question), () => this.#subscribes(id, question));
  }

  unsubscribe(id: number): void {
    this.#send(unsubscribeBytes(id), () => {
      // Before the session, fatal but where a SUBSCRIBE went before (DSO-09, PUSH-32).
      if (this.session.isUnopened && !this.session.hasSubscribed) this.session.mustReset = true;
      else this.#ended(this.session.unsubscribes(id));
    });
  }

  /** Doubts a record that it was told. */
  reconfirm(rr: RR): void {
    this.#send(reconfirmBytes(rr), () => {
      const { zones, exchanges, checkers, now } = this.#world;
      const heard = zones.rrToLink(rr);
      if (heard === undefined) return;
      const { name, type } = heard.rr;
      const { link } = heard.zone;
      exchanges.doubt({ link, name, type }, after(now, doubtSpan));
      checkers.ledgers.get(link)?.dispute(now, name, type);
    });
  }

  ask(name: Name, type: number): void {
    const id = this.#freshId();
    const question = { name, type, class: 1 };
    this.#send(encodeMessage({ id, rd: true, questions: [question] }), () =>
      this.connection.owe(id, question),
    );
  }

  /** Sets an LLQ up; one that lives gets its reply once more. */
  setUpLlq(question: Question, leaseSeconds: number): void {
    const known = this.llqs.find(
      ({ question: other, state }) =>
        state !== "ended" && other.type === question.type && other.name.key === question.name.key,
    );
    if (known?.state === "waiting" || known?.state === "new") return;
    const { exchanges, now, plan } = this.#world;
    const setting = { question, isAcknowledged: false, lag: plan.timerLag };
    const model = known ?? new LlqModel(exchanges, now, setting);
    model.isBlocked = this.connection.isBlocked;
    if (known === undefined) {
      this.llqs.push(model);
      this.#world.checkers.copies.llqs.add(model);
    }
    this.#llq({ kind: "setup", model, id: noId, leaseSeconds });
  }

  /** @param leaseSeconds  0 ends it */
  refreshLlq(model: LlqModel, leaseSeconds: number): void {
    this.#llq({ kind: "refresh", model, id: model.id, leaseSeconds });
  }

  /** Something that no client may send: the server has to reset the connection. */
  blunder(): void {
    const { chance } = this.#world;
    const [wanted] = this.session.wanted.values();
    const twice = chance.is(0.4) ? wanted : undefined;
    if (twice !== undefined) {
      this.#repeat(twice);
      return;
    }
    const id = this.#freshId();
    const bytes = chance.oneOf([
      // A response, though the server asks nothing.
      dsoBytes(id, Tlv.keepalive, new Uint8Array(8), 0xb000),
      dsoBytes(id, Tlv.unsubscribe, new Uint8Array(2)),
      dsoBytes(0, Tlv.subscribe, new Uint8Array(7)),
      dsoBytes(0, Tlv.push, new Uint8Array(11)),
      dsoBytes(0, Tlv.keepalive, new Uint8Array(8)),
      dsoBytes(0, Tlv.retryDelay, new Uint8Array(4)),
      dsoBytes(0, 0xf800, new Uint8Array(0)),
      Uint8Array.of(0, 1, 2),
    ]);
    this.#send(bytes, () => {
      this.session.mustReset = true;
    });
  }

  /** The same question once more, or another one with the ID of one that lasts. */
  #repeat(wanted: Wanted): void {
    const { id: used, question: known } = wanted;
    const isSameId = this.#world.chance.is(0.5);
    const id = isSameId ? used : this.#freshId();
    const question = isSameId ? { ...known, type: RRType.HINFO } : known;
    this.#send(subscribeBytes(id, question), () => {
      // What would have been a repetition is a sound request by now.
      if (this.session.wanted.get(used) === wanted) this.session.mustReset = true;
      else this.#subscribes(id, question);
    });
  }

  #subscribes(id: number, question: Question): void {
    const { session } = this;
    const { now, zones, exchanges, switches } = this.#world;
    session.hasSubscribed = true;
    const same = session.findSame(question);
    if (same !== undefined) {
      // In one go with the first one, which may be refused, and then this one is as well.
      if (same.isAccepted) session.mustReset = true;
      else session.request(id, { kind: "subscribe", rcode: Rcode.SERVFAIL });
      session.mayReset = true;
      return;
    }
    const isOffered = this.#kind.takesPush && switches.takesPush;
    const isOurs = zones.find(question.name) !== undefined;
    const rcode = !isOffered ? Rcode.REFUSED : isOurs ? undefined : Rcode.NOTAUTH;
    session.request(id, { kind: "subscribe", rcode });
    if (rcode !== undefined) return;
    const isHeld = question.class === 1 || question.class === 255;
    const hold = isHeld ? exchanges.hold(now, question) : undefined;
    session.subscribes({ id, question, since: now, hold, isAccepted: false });
  }

  #llq(request: LlqRequest): void {
    const { kind, model, id, leaseSeconds } = request;
    const messageId = this.#freshId();
    const opcode = kind === "setup" ? Llq.setup : Llq.refresh;
    const { question } = model;
    const fields = { opcode, error: 0, id, leaseSeconds };
    this.#send(llqBytes({ messageId, question, fields }), () => {
      const { zones, switches, now } = this.#world;
      if (this.connection.isTooMuch) return;
      // A refresh is told that there is no such LLQ, wherever its zone has gone.
      const isOurs = zones.find(question.name) !== undefined || kind === "refresh";
      if (!switches.takesLlq || !isOurs) {
        this.connection.owe(messageId, question);
        return;
      }
      this.#llqRequests.set(messageId, request);
      if (kind === "setup") model.begin(now);
    });
  }

  #send(bytes: Uint8Array, arrives: () => void): void {
    const outgoing = {
      bytes,
      arrives: () => {
        // Bytes that cross with the end of the stream are read by nobody.
        if (!this.#world.isStreamOpen(this.connection.id)) return;
        if (this.session.mustReset) return;
        if (this.session.state === "leaving") {
          // What holds no header is fatal even then; all else is dropped (DSO-41).
          this.session.mayReset = bytes.length < headerBytes;
          return;
        }
        if (!isKeepalive(bytes)) this.session.activeAt = this.#world.now;
        arrives();
      },
    };
    if (this.#batch === undefined) this.connection.send([outgoing]);
    else this.#batch.push(outgoing);
  }

  #take(message: Uint8Array): boolean {
    const { now, checkers } = this.#world;
    if (isDso(message)) {
      const hadLimit = checkers.isLimited(now);
      const refused = (message[2]! & 0x80) !== 0 && (message[3]! & 0x0f) === Rcode.SERVFAIL;
      demand(!refused || hadLimit, () => "SERVFAIL without a limit");
      for (const wanted of this.session.read(now, message)) this.#ended(wanted);
      if (this.session.state === "leaving") this.#leave();
      return true;
    }
    demand(this.session.state !== "leaving", () => "an answer after Retry Delay");
    this.session.activeAt = now;
    const heard = readLlq(message);
    if (heard === undefined) return false;
    this.#takeLlq(message, heard);
    return true;
  }

  #takeLlq(bytes: Uint8Array, heard: HeardLlq): void {
    const { now, checkers } = this.#world;
    const { fields, message } = heard;
    if (fields.opcode === Llq.event) {
      const model = this.llqs.find(({ id, state }) => id === fields.id && state !== "ended");
      demand(model !== undefined, () => "an event of an LLQ that is not");
      model.event(now, bytes, heard);
      return;
    }
    const request = this.#llqRequests.get(message.id);
    demand(request !== undefined, () => `an LLQ reply nobody waits for, ID ${message.id}`);
    this.#llqRequests.delete(message.id);
    const { kind, model, leaseSeconds } = request;
    demand(fields.opcode === (kind === "setup" ? 1 : 2), () => `LLQ opcode ${fields.opcode}`);
    if (fields.error !== 0) {
      const isFull = fields.error === 1 && checkers.isLimited(now);
      const isOld = request.id !== model.id || !model.isSurelyLive(now);
      const isGone = kind === "refresh" && fields.error === 4 && isOld;
      const isStatic = kind === "setup" && fields.error === 2 && this.#isStatic(model);
      const isDue = isFull || isGone || isStatic;
      demand(isDue, () => `LLQ error ${fields.error} to ${kind}`);
      if (kind === "setup" || request.id === model.id) model.end();
      return;
    }
    if (kind === "refresh") {
      demand(model.state === "live", () => "an LLQ that has ended is refreshed");
      const isEnd = leaseSeconds === 0 && fields.leaseSeconds === 0;
      demand(isEnd || fields.leaseSeconds > 0, () => "a lease of 0");
      model.refreshed(now, fields.leaseSeconds);
    } else if (model.state !== "ended" && !model.isEnding) {
      const { llqLeaseMin, llqLeaseMax } = this.#world.plan.limits;
      const granted = Math.min(Math.max(leaseSeconds * 1000, llqLeaseMin), llqLeaseMax);
      model.answers(heard, after(model.since, ms(granted)));
      const left = Math.floor(elapsed(now, model.leaseEndsAt) / 1000);
      demand(
        fields.leaseSeconds === left,
        () => `a lease of ${fields.leaseSeconds} s, not ${left}`,
      );
    }
  }

  #isStatic({ question: { name, type } }: LlqModel): boolean {
    const zone = this.#world.zones.find(name);
    return zone !== undefined && isAnsweredLocally(zone, name, type);
  }

  /** The client was asked to go, and forgets everything. */
  #leave(): void {
    const { exchanges } = this.#world;
    exchanges.release((ask) => ask.key.startsWith(`${this.connection.id}~`));
    for (const llq of this.llqs) llq.end();
  }

  #ended(wanted: Wanted | undefined): void {
    if (wanted !== undefined) this.#world.exchanges.unhold(wanted.hold);
  }

  #over(end: End): void {
    const { now, checkers, exchanges } = this.#world;
    const { session } = this;
    if (end === "abort") this.#checkAbort(now);
    if (end === "close") {
      const isSession = session.state === "established" && !this.connection.hasEnded;
      demand(!isSession, () => "a session is closed gracefully");
    }
    for (const wanted of session.wanted.values()) exchanges.unhold(wanted.hold);
    for (const llq of this.llqs) {
      llq.end();
      checkers.copies.llqs.delete(llq);
    }
    checkers.copies.sessions.delete(session);
  }

  /** Nothing ends in a reset without a reason. */
  #checkAbort(now: Instant): void {
    const { session } = this;
    if (session.mustReset || session.mayReset) return;
    const { leavingSince, activeAt } = session;
    const isPatient = leavingSince !== undefined && elapsed(leavingSince, now) >= leavingPatience;
    const isIdle = session.wanted.size === 0 && elapsed(activeAt, now) >= idlePatience;
    demand(isPatient || isIdle, () => `reset without a reason, ${session.state}`);
  }

  #freshId(): number {
    return this.connection.takeId();
  }
}

const isKeepalive = (bytes: Uint8Array): boolean =>
  isDso(bytes) && bytes[12] === 0 && bytes[13] === Tlv.keepalive;
