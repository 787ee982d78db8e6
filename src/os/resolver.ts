// One question to a DNS server, as a stub resolver puts it: over UDP with EDNS,
// again when nothing comes back, over TCP when the answer was truncated
// (RFC 1035 §4.2, RFC 6891, RFC 7766 §5), and to the next server when one fails.
// What the daemon asks all its life goes through system-resolver.ts.

import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { Rcode, RRClass } from "../wire/codes.js";
import { FormatError } from "../wire/errors.js";
import { encodeFrame, FrameReader } from "../wire/frame.js";
import { decodeMessage, encodeMessage, type Message } from "../wire/message.js";
import { equalNames, type Name } from "../wire/name.js";
import { causeOf } from "./connection-faults.js";
import { placeOf, type Server } from "./resolv-conf.js";

/** The question could not be put, or no answer came back. */
export class ResolverError extends Error {
  override readonly name = "ResolverError";
}

/** Milliseconds. */
export interface Patience {
  /** From the question to giving up, over each transport. */
  readonly whole: number;
  /** A lost datagram is sent again after this. */
  readonly resend: number;
  /** For all servers and transports together, shared out evenly; absent: no such bound. */
  readonly inAll?: number;
}

/** A Discovery Proxy may take 6 s for a first answer (RFC 8766 §5.6): no client gives up sooner. */
const usual: Patience = { whole: 9000, resend: 3000 };

/** What other servers may know better, as resolver libraries see it. */
const evasive = new Set<number>([Rcode.SERVFAIL, Rcode.NOTIMP, Rcode.REFUSED]);

const udpSize = 1232;

export interface Question {
  readonly name: Name;
  readonly type: number;
  /** Absent: yes. */
  readonly isRecursive?: boolean;
}

export interface Answer {
  readonly message: Message;
  readonly server: Server;
}

/** Asks some servers, in their order. */
export class Resolver {
  readonly #servers: readonly Server[];
  readonly #patience: Patience;

  /** @param servers at least one */
  constructor(servers: readonly Server[], patience = usual) {
    this.#servers = servers;
    this.#patience = patience;
  }

  /** Whom it asks. */
  get addresses(): readonly string[] {
    return this.#servers.map(({ address }) => address);
  }

  /**
   * Puts one question.
   *
   * @param isRecursive  false: what the servers know themselves, a referral for instance
   * @throws ResolverError when no server gave a usable answer
   */
  async ask(name: Name, type: number, isRecursive = true): Promise<Answer> {
    const failures: string[] = [];
    let evasion: Answer | undefined;
    const start = performance.now();
    for (const [index, server] of this.#servers.entries()) {
      const patience = this.#shareOf(index, performance.now() - start);
      try {
        const message = await askOne(server, { name, type, isRecursive }, patience);
        if (!evasive.has(message.rcode)) return { message, server };
        evasion ??= { message, server };
      } catch (error) {
        if (!(error instanceof ResolverError)) throw error;
        failures.push(error.message);
      }
    }
    if (evasion !== undefined) return evasion;
    throw new ResolverError(failures.join("; "));
  }

  /** What the server at `index` may take when so much time is gone. */
  #shareOf(index: number, gone: number): Patience {
    const { whole, resend, inAll } = this.#patience;
    if (inAll === undefined) return this.#patience;
    const share = Math.max((inAll - gone) / (this.#servers.length - index), 1);
    return { whole: Math.min(whole, share), resend: Math.min(resend, share / 2), inAll: share };
  }
}

async function askOne(server: Server, question: Question, patience: Patience): Promise<Message> {
  const start = performance.now();
  const message = await askUdp(server, new Exchange(question), patience);
  if (!message.tc) return message;
  const { whole, inAll } = patience;
  const left = inAll === undefined ? whole : inAll - (performance.now() - start);
  return askTcp(server, new Exchange(question), Math.max(Math.min(whole, left), 1));
}

/** One query and how its answer is known. */
class Exchange {
  readonly query: Uint8Array;
  readonly #id = randomInt(0x10000);
  readonly #question: Question;
  /** What was wrong with the last answer that could not be read. */
  #fault = "";

  constructor(question: Question) {
    this.#question = question;
    const { name, type, isRecursive = true } = question;
    this.query = encodeMessage({
      id: this.#id,
      rd: isRecursive,
      questions: [{ name, type, class: RRClass.IN }],
      edns: { udpSize, version: 0, extendedRcode: 0, dnssecOk: false, options: [] },
    });
  }

  /** The answer, if these bytes are it. */
  decode(bytes: Uint8Array): Message | undefined {
    try {
      const message = decodeMessage(bytes);
      return this.#isAnswer(message) ? message : undefined;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#fault = `; what came cannot be read (${error.message})`;
      return undefined;
    }
  }

  /** Why there is none. */
  silence({ whole }: Pick<Patience, "whole">): string {
    return `no answer within ${Math.ceil(whole / 100) / 10} s${this.#fault}`;
  }

  #isAnswer(message: Message): boolean {
    const { name, type } = this.#question;
    const question = message.questions[0];
    if (message.id !== this.#id || !message.isResponse) return false;
    // Whoever does not understand a query may not repeat it either.
    if (question === undefined) return message.rcode !== Rcode.NOERROR;
    const isSame = question.type === type && question.class === RRClass.IN;
    return isSame && equalNames(question.name, name);
  }
}

function askUdp(server: Server, exchange: Exchange, patience: Patience): Promise<Message> {
  const socket = createSocket(server.address.includes(":") ? "udp6" : "udp4");
  return new Promise<Message>((resolve, reject) => {
    const send = () => socket.send(exchange.query);
    const repeat = setInterval(send, patience.resend);
    const end = setTimeout(() => fail(exchange.silence(patience)), patience.whole);
    const finish = (): void => {
      clearInterval(repeat);
      clearTimeout(end);
      socket.close();
    };
    const fail = (reason: string): void => {
      finish();
      reject(new ResolverError(`${placeOf(server)}: ${reason}`));
    };
    socket.once("error", (error) => fail(causeOf(error)));
    socket.on("message", (bytes) => {
      const message = exchange.decode(bytes);
      if (message === undefined) return;
      finish();
      resolve(message);
    });
    // Connected, so that a closed port is reported and strangers are not heard.
    socket.on("connect", send);
    socket.connect(server.port, server.address);
  });
}

function askTcp(server: Server, exchange: Exchange, whole: number): Promise<Message> {
  return new Promise<Message>((resolve, reject) => {
    const socket = connect(server.port, server.address, () => {
      socket.write(encodeFrame(exchange.query));
    });
    const reader = new FrameReader();
    const end = setTimeout(() => fail(exchange.silence({ whole })), whole);
    const finish = (): void => {
      clearTimeout(end);
      socket.destroy();
    };
    const fail = (reason: string): void => {
      finish();
      const where = `${placeOf(server)} over TCP, since the answer is too long for UDP`;
      reject(new ResolverError(`${where}: ${reason}`));
    };
    socket.on("error", (error) => fail(causeOf(error)));
    socket.on("end", () => fail("the connection was closed without an answer"));
    socket.on("data", (bytes) => {
      reader.push(bytes);
      for (let frame = reader.take(); frame !== undefined; frame = reader.take()) {
        const message = exchange.decode(frame);
        if (message === undefined) continue;
        finish();
        resolve(message);
        return;
      }
    });
  });
}
