// A client of LLQs over UDP that does what a test says and nothing by itself: no
// repetition, no acknowledgement, no refresh.

import { setTimeout as sleep } from "node:timers/promises";
import type { Agent, Arrival, RemoteSocket } from "./agent.js";
import { until } from "./children.js";
import type { TypeName } from "./packet.js";
import { llq, llqOptionsOf } from "./session-bytes.js";
import { type Seen, typeText, unpack } from "./unpack.js";

export interface LlqMessage {
  readonly at: number;
  /** Where it came from. */
  readonly from: string;
  readonly seen: Seen;
}

export interface Live {
  /** Sixteen hexadecimal digits. */
  readonly id: string;
  readonly lease: number;
  /** ACK + Answers. */
  readonly ack: Seen;
}

const isEvent = ({ seen }: LlqMessage): boolean => llqOptionsOf(seen)[0]?.opcode === 3;

export class LlqPeer {
  readonly socket: RemoteSocket;
  readonly #server: string;
  readonly #port: number;
  #nextId = 0x5000;
  /** Whether events are acknowledged as they come. */
  isAcknowledging = false;

  private constructor(socket: RemoteSocket, server: string, port: number) {
    this.socket = socket;
    this.#server = server;
    this.#port = port;
    socket.on("data", (arrival: Arrival) => {
      if (this.isAcknowledging && isEvent(messageOf(arrival))) this.acknowledge(arrival.bytes);
    });
  }

  static async open(
    agent: Agent,
    server: string,
    how: { port?: number; local?: string } = {},
  ): Promise<LlqPeer> {
    const address = how.local === undefined ? {} : { address: how.local };
    const socket = await agent.udp({ family: 4, ...address });
    return new LlqPeer(socket, server, how.port ?? 5352);
  }

  get messages(): LlqMessage[] {
    return this.socket.arrivals.map(messageOf);
  }

  get events(): LlqMessage[] {
    return this.messages.filter(isEvent);
  }

  /** The changes of all events so far: `+ name TYPE words` or `- …`. */
  get changes(): string[] {
    return this.events.flatMap(({ seen }) =>
      seen.answers.map(({ name, type, ttl, data }) => {
        const sign = ttl === 0xffffffff ? "-" : "+";
        return `${sign} ${name} ${typeText(type)} ${data}`;
      }),
    );
  }

  send(bytes: Uint8Array): void {
    this.socket.send(bytes, this.#server, this.#port);
  }

  /** Sends and waits for the next datagram. */
  async exchange(bytes: Uint8Array, limit = 8000): Promise<Seen> {
    const before = this.socket.arrivals.length;
    this.send(bytes);
    const arrival = await until("a datagram", () => this.socket.arrivals[before], limit, 5);
    return unpack(arrival.bytes);
  }

  /** Sends; gives what comes within that time. */
  async silence(bytes: Uint8Array, time = 700): Promise<Seen[]> {
    const before = this.socket.arrivals.length;
    this.send(bytes);
    await sleep(time);
    return this.socket.arrivals.slice(before).map(({ bytes: one }) => unpack(one));
  }

  /** The four messages of a set-up. */
  async begin(name: string, type: TypeName, lease = 7200): Promise<Live> {
    const id = this.#nextId++;
    const questions = [{ name, type }];
    const challenge = await this.exchange(llq(id, questions, [{ opcode: 1, lease }]));
    const [option] = llqOptionsOf(challenge);
    if (option === undefined || option.error !== 0) throw new Error(`no challenge: ${option}`);
    const confirm = llq(id, questions, [{ opcode: 1, id: option.id, lease: option.lease }]);
    const ack = await this.exchange(confirm);
    return { id: option.id, lease: option.lease, ack };
  }

  refresh(name: string, type: TypeName, id: string, lease: number): Promise<Seen> {
    return this.exchange(llq(this.#nextId++, [{ name, type }], [{ opcode: 2, id, lease }]));
  }

  /** The acknowledgement of an event (RFC 8764 §6.3). */
  acknowledge(event: Buffer): void {
    const bytes = Buffer.from(event);
    // QR alone, and no answers: the question and the OPT as they came.
    const seen = unpack(bytes);
    const [option] = llqOptionsOf(seen);
    const questions = seen.questions.map(({ name, type }) => ({ name, type }));
    this.send(llq(seen.id, questions, [{ opcode: 3, id: option!.id, lease: 0 }], 0x8000));
  }

  /** Waits for a change, as in `changes`. */
  async change(text: string, limit = 9000): Promise<void> {
    await until(`the change ${text}`, () => this.changes.includes(text), limit, 10).catch(
      (error) => {
        throw new Error(`${error}; there are ${this.changes.join(", ")}`);
      },
    );
  }
}

function messageOf(arrival: Arrival): LlqMessage {
  const from = `${arrival.address} ${arrival.port}`;
  return { at: arrival.at, from, seen: unpack(arrival.bytes) };
}
