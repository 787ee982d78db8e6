// A scripted device on a link: sends exactly the packets a test names, from port
// 5353 or wherever the test wants, and answers questions by the test's own rules.

import { EventEmitter } from "node:events";
import type { Agent, Arrival, RemoteSocket } from "./agent.js";
import { plainName, type Rec, response, type TypeName, typeNumber } from "./packet.js";
import { type Seen, type SeenQuestion, unpack } from "./unpack.js";

const groups = { 4: "224.0.0.251", 6: "ff02::fb" } as const;

export interface Heard extends Arrival {
  readonly family: 4 | 6;
  readonly message: Seen;
}

export interface Manner {
  /** Milliseconds between question and answer. */
  readonly delay?: number;
  /** Families it hears and answers on; default IPv4 only. */
  readonly families?: readonly (4 | 6)[];
  /** Answers that many questions and is silent afterwards. */
  readonly times?: number;
  /** Changes a packet before it leaves. */
  readonly send?: (answers: readonly Rec[], question: SeenQuestion) => Buffer;
}

/** Emits `query` with each `Heard` query and `response` with each `Heard` response. */
export class Device extends EventEmitter {
  readonly #agent: Agent;
  readonly #link: string;
  readonly #sockets = new Map<4 | 6, RemoteSocket>();
  readonly heard: Heard[] = [];

  private constructor(agent: Agent, link: string) {
    super();
    this.setMaxListeners(0);
    this.#agent = agent;
    this.#link = link;
  }

  static async open(
    agent: Agent,
    link: string,
    families: readonly (4 | 6)[] = [4, 6],
  ): Promise<Device> {
    const device = new Device(agent, link);
    for (const family of families) {
      const socket = await device.socket({ family, port: 5353, join: true });
      device.#sockets.set(family, socket);
      socket.on("data", (arrival: Arrival) => device.#take(family, arrival));
    }
    return device;
  }

  /** A further socket on the link: another port, source address or IP TTL. */
  socket(how: {
    family?: 4 | 6;
    port?: number;
    address?: string;
    ttl?: number;
    join?: boolean;
  }): Promise<RemoteSocket> {
    const family = how.family ?? 4;
    const group = how.join === true ? groups[family] : "";
    return this.#agent.udp({ ...how, family, group, link: this.#link });
  }

  #take(family: 4 | 6, arrival: Arrival): void {
    let message: Seen;
    try {
      message = unpack(arrival.bytes);
    } catch {
      return;
    }
    const heard = { ...arrival, family, message };
    this.heard.push(heard);
    this.emit(message.isResponse ? "response" : "query", heard);
  }

  /** Multicasts bytes from port 5353. */
  say(bytes: Uint8Array, family: 4 | 6 = 4): void {
    this.#sockets.get(family)!.send(bytes, groups[family], 5353);
  }

  /** Multicasts a response with these records. */
  announce(records: readonly Rec[], family: 4 | 6 = 4): void {
    this.say(response(records), family);
  }

  /** Sends bytes from port 5353 to one address. */
  sayTo(bytes: Uint8Array, to: string, port = 5353): void {
    this.#sockets.get(to.includes(":") ? 6 : 4)!.send(bytes, to, port);
  }

  /**
   * Answers each question for one of `names` (with the type given, any when
   * undefined) with `records`. Gives the questions it has been asked.
   */
  answers(
    name: string,
    type: TypeName | undefined,
    records: readonly Rec[],
    manner: Manner = {},
  ): { asked: Heard[]; end: () => void } {
    const plain = plainName(name).toLowerCase();
    const families = manner.families ?? [4];
    const asked: Heard[] = [];
    const onQuery = (heard: Heard) => {
      const question = heard.message.questions.find(
        (candidate) =>
          candidate.name.toLowerCase() === plain &&
          (type === undefined || candidate.type === typeNumber(type)),
      );
      if (question === undefined || !families.includes(heard.family)) return;
      asked.push(heard);
      if (asked.length > (manner.times ?? Number.POSITIVE_INFINITY)) return;
      const bytes = manner.send?.(records, question) ?? response(records);
      setTimeout(() => this.say(bytes, heard.family), manner.delay ?? 0);
    };
    this.on("query", onQuery);
    return { asked, end: () => this.off("query", onQuery) };
  }
}
