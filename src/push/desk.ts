// Where subscriptions are taken and given up (RFC 8765 §6.2, §6.4): what is
// refused and why, the limits, and the move to a new configuration, under which
// every topic begins anew. RECONFIRM (§6.5) is passed on in reconfirm.ts.

import type { Outcome, Request } from "../dso/server-session.js";
import type { Zone } from "../proxy/zones.js";
import type { Instant } from "../time.js";
import { DsoType, Rcode, RRClass, rcodeName } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import type { Batches } from "./batches.js";
import { adds, noRRs } from "./change.js";
import { encodePushes } from "./encode.js";
import { reconfirm } from "./reconfirm.js";
import { readReconfirm, readSubscribe, readUnsubscribe, refusal } from "./requests.js";
import type { Seat, Subscription } from "./seat.js";
import type { Ground, Topic } from "./topic.js";
import { Topics } from "./topics.js";

export interface DeskOptions {
  readonly ground: Ground;
  /** False: Push is switched off, and whoever subscribes is refused. */
  readonly isOn: boolean;
  /** Subscriptions, in all and in one session. */
  readonly subscriptionsMax: number;
  readonly perSessionMax: number;
  /** Records that one session is told of at once. */
  readonly addsMax: number;
}

/** What a question is subscribed to: no topic for a class that no record here has. */
interface Place {
  readonly topic: Topic | undefined;
}

export class Desk {
  readonly topics: Topics;
  readonly #options: DeskOptions;
  #size = 0;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.topics = new Topics(options.ground);
  }

  /** Subscriptions, all sessions together. */
  get size(): number {
    return this.#size;
  }

  /** @returns false for a subscription that the session has already (PUSH-09) */
  subscribe(now: Instant, seat: Seat, request: Request): boolean {
    const { session } = seat;
    const question = readSubscribe(request.message, request.tlv);
    if (question === undefined) return this.#refuse(now, seat, request, Rcode.FORMERR);
    if (seat.findByQuestion(question) !== undefined) return false;
    const place = this.#find(now, seat, question, true);
    if (typeof place === "number") return this.#refuse(now, seat, request, place);
    const { topic } = place;
    this.#add(seat, { id: request.id, question, since: now, topic });
    session.respond(now, request, { rcode: Rcode.NOERROR });
    if (topic === undefined) return true;
    if (topic.told.size > this.#options.addsMax) seat.fallBehind(topic, noRRs);
    else for (const message of this.#encode(topic)) session.send(now, message);
    return true;
  }

  /** UNSUBSCRIBE or RECONFIRM: never answered, whatever is wrong with it. */
  oneWay(now: Instant, seat: Seat, { message, tlv }: Extract<Outcome, { kind: "one-way" }>): void {
    const { counts } = this.#options.ground;
    if (tlv.type === DsoType.RECONFIRM) {
      const rr = readReconfirm(message, tlv);
      const isPassed = rr !== undefined && reconfirm(now, this.#options.ground, seat, rr);
      counts.add("push-reconfirms", isPassed ? "passed" : "ignored");
      return;
    }
    const named = readUnsubscribe(message, tlv);
    const subscription =
      typeof named === "number" ? seat.findById(named) : named && seat.findByQuestion(named);
    if (subscription === undefined) counts.add("drops", "push-unsubscribe");
    else this.#end(now, seat, subscription);
  }

  /** Gives up all that a session subscribed to. */
  clear(now: Instant, seat: Seat): void {
    for (const subscription of seat.subscriptions) this.#end(now, seat, subscription);
  }

  /** Takes the subscriptions of a session over from the desk of the former configuration. */
  moveIn(now: Instant, seat: Seat, before: Desk, batches: Batches): void {
    for (const subscription of seat.subscriptions) {
      const { question, topic: former } = subscription;
      const place = this.#find(now, seat, question, false);
      if (typeof place === "number") {
        before.#end(now, seat, subscription, place);
        continue;
      }
      const { topic } = place;
      const told = former === undefined ? noRRs : seat.toldBy(former);
      seat.move(subscription, topic);
      this.#size += 1;
      before.#size -= 1;
      if (former === undefined || topic === undefined) continue;
      batches.move(seat, told, former, topic);
      // Only now, so that what both ask the link for is asked on.
      before.topics.leave(now, seat, former);
    }
  }

  #refuse(now: Instant, { session }: Seat, request: Request, rcode: number): true {
    this.#options.ground.counts.add("push-refused", rcodeName(rcode));
    session.respond(now, request, refusal(rcode));
    return true;
  }

  #add(seat: Seat, subscription: Subscription): void {
    seat.add(subscription);
    this.#size += 1;
  }

  /** @param rcode  why we end it; absent when the client did, or is gone */
  #end(now: Instant, seat: Seat, subscription: Subscription, rcode?: number): void {
    const { id, topic } = subscription;
    seat.remove(subscription);
    this.#size -= 1;
    if (topic !== undefined) this.topics.leave(now, seat, topic);
    if (rcode === undefined) seat.session.ended(now, id);
    else seat.session.cancel(now, id, refusal(rcode));
  }

  #hasRoom(seat: Seat): boolean {
    const { subscriptionsMax, perSessionMax, ground } = this.#options;
    if (this.#size < subscriptionsMax && seat.size < perSessionMax) return true;
    ground.counts.add("limits", "subscriptions");
    return false;
  }

  /** @param isNew  whether it counts as one more */
  #find(now: Instant, seat: Seat, question: Question, isNew: boolean): Place | number {
    const zone = this.#zoneOf(seat, question);
    if (typeof zone === "number") return zone;
    if (isNew && !this.#hasRoom(seat)) return Rcode.SERVFAIL;
    const { class: rrClass } = question;
    const isHeld = rrClass === RRClass.IN || rrClass === RRClass.ANY;
    if (!isHeld || seat.client === undefined) return { topic: undefined };
    const topic = this.topics.join(now, seat, question, zone, seat.client);
    return topic === undefined ? Rcode.SERVFAIL : { topic };
  }

  /** The zone of a question, or why this client is not told about it. */
  #zoneOf({ client, isOffered }: Seat, { name }: Question): Zone | number {
    if (!this.#options.isOn || !isOffered || !client?.isAllowed) return Rcode.REFUSED;
    const zone = this.#options.ground.tables.zones.find(name);
    if (zone === undefined) return Rcode.NOTAUTH;
    return client.allows(zone) ? zone : Rcode.REFUSED;
  }

  /** Everything that is known at present (PUSH-18). */
  #encode(topic: Topic): readonly Uint8Array[] {
    const { counts } = this.#options.ground;
    return encodePushes(adds(topic.told), () => counts.add("records-dropped", "push-too-large"));
  }
}
