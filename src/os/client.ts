// Runs a client (client/client.ts): sockets, TLS, the one timer. Queries go to
// the resolver that is handed in. After `end` nothing of it is left open.

import { createSocket, type Socket as Datagrams } from "node:dgram";
import { connect, type Socket } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import { Client } from "../client/client.js";
import type { ClientEffect, ClientInput, ClientOutput, Covers } from "../client/io.js";
import type { Message, Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import { secureContext, startTls, type Trust } from "./client-tls.js";
import { now, timeoutUntil } from "./clock.js";
import { causeOf } from "./connection-faults.js";
import { systemRandom } from "./random.js";

/** A server that does not close its end within this is left. */
const closePatience = 1000;

export interface ClientDriverOptions {
  /** Puts one question; rejects with a reason for people. */
  ask(name: Name, type: number): Promise<{ readonly message: Message; readonly from: string }>;
  /** Addresses of whoever `ask` asks: they may take Push themselves. */
  readonly resolvers: readonly string[];
  readonly trust: Trust;
  readonly takesPush: boolean;
  readonly takesLlq: boolean;
  tell(output: ClientOutput): void;
}

interface Channel {
  send(bytes: Uint8Array): void;
  close(): void;
  abort(): void;
}

export class ClientDriver {
  readonly #options: ClientDriverOptions;
  readonly #client: Client;
  readonly #secure: SecureContext;
  readonly #channels = new Map<number, Channel>();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  #closed: () => void = () => {};

  /** @throws Error when the authorities to be trusted cannot be read */
  constructor(options: ClientDriverOptions) {
    const { resolvers, takesPush, takesLlq } = options;
    this.#options = options;
    this.#secure = secureContext(options.trust);
    this.#client = new Client(systemRandom(), { resolvers, takesPush, takesLlq });
  }

  follow(question: Question): void {
    this.#client.follow(now(), question);
    this.#drain();
  }

  /** Takes leave of the servers. @returns when all is closed */
  end(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#client.end(now());
    this.#drain();
    if (this.#channels.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#closed = resolve;
    });
  }

  #input(input: ClientInput): void {
    if (this.#isOver) return;
    this.#client.handle(now(), input);
    this.#drain();
  }

  #drain(): void {
    for (const effect of this.#client.takeEffects()) this.#do(effect);
    for (const output of this.#client.takeOutputs()) this.#options.tell(output);
    clearTimeout(this.#timer);
    const next = this.#isOver ? undefined : this.#client.nextDeadline();
    if (next === undefined || !Number.isFinite(next)) return;
    this.#timer = setTimeout(() => this.#input({ kind: "deadline" }), timeoutUntil(now(), next));
  }

  #do(effect: ClientEffect): void {
    switch (effect.kind) {
      case "query":
        this.#ask(effect);
        return;
      case "connect":
        if (effect.transport === "udp") this.#openUdp(effect);
        else this.#openStream(effect);
        return;
      case "send":
        this.#channels.get(effect.channel)?.send(effect.bytes);
        return;
      case "close":
        this.#channels.get(effect.channel)?.close();
        return;
      case "abort":
        this.#channels.get(effect.channel)?.abort();
    }
  }

  #ask({ query, name, type }: ClientEffect & { kind: "query" }): void {
    this.#options.ask(name, type).then(
      ({ message, from }) => this.#input({ kind: "answered", query, message, from }),
      (error: Error) => this.#input({ kind: "unanswered", query, reason: error.message }),
    );
  }

  #openUdp({ channel, address, port }: ClientEffect & { kind: "connect" }): void {
    const socket: Datagrams = createSocket(address.includes(":") ? "udp6" : "udp4");
    const end = () => {
      if (this.#gone(channel)) socket.close();
    };
    this.#channels.set(channel, { send: (bytes) => socket.send(bytes), close: end, abort: end });
    socket.on("error", (error) => {
      end();
      this.#input({ kind: "failed", channel, reason: causeOf(error) });
    });
    socket.on("message", (bytes) => this.#input({ kind: "bytes", channel, bytes }));
    socket.on("connect", () => this.#input({ kind: "connected", channel, covers: [] }));
    // Connected, so that a closed port is reported and strangers are not heard.
    socket.connect(port, address);
  }

  #openStream({ channel, transport, address, port, identity }: ConnectEffect): void {
    const raw = connect({ host: address, port });
    // What bytes go through; over TLS only once the certificate was judged.
    let talking: Socket | TLSSocket | undefined;
    const failed = (reason: string) => {
      if (!this.#gone(channel)) return;
      raw.destroy();
      this.#input({ kind: "failed", channel, reason });
    };
    const opened = (socket: Socket | TLSSocket, covers: Covers) => {
      talking = socket;
      socket.on("data", (bytes: Buffer) => this.#input({ kind: "bytes", channel, bytes }));
      this.#input({ kind: "connected", channel, covers });
    };
    raw.on("error", (error) => failed(causeOf(error)));
    const closed = () => {
      if (this.#gone(channel)) this.#input({ kind: "closed", channel });
    };
    raw.on("close", closed);
    raw.on("connect", () => {
      if (transport === "tcp") {
        opened(raw, []);
        return;
      }
      const socket = startTls(raw, identity, this.#secure, this.#options.trust, {
        failed,
        judged: (verdict) => {
          if (verdict.kind === "trusted") opened(socket, verdict.covers);
          else failed(verdict.reason);
        },
      });
      socket.on("close", closed);
    });
    this.#channels.set(channel, {
      send: (bytes) => void talking?.write(bytes),
      close: () => {
        if (talking === undefined) raw.destroy();
        else talking.end();
        // Whoever does not close his end in time is not waited for.
        setTimeout(() => raw.destroy(), closePatience).unref();
      },
      // A reset, which only the socket underneath can send.
      abort: () => void raw.resetAndDestroy(),
    });
  }

  /** @returns false when it was gone before */
  #gone(channel: number): boolean {
    const isNew = this.#channels.delete(channel);
    if (isNew && this.#isOver && this.#channels.size === 0) this.#closed();
    return isNew;
  }
}

type ConnectEffect = ClientEffect & { readonly kind: "connect" };
