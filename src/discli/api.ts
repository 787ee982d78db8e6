// Asks a running discd over HTTP (docs/api.md). What comes back is believed only
// as far as it has the shape that the manual promises, and is bounded in size and time.

import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { mismatch, type Of, type Shape } from "../api/shape.js";
import { bodyShapes, type EventName, errorShape, eventShapes } from "../api/shapes.js";
import { type ApiPlace, findApiPlace, unreachable } from "./api-place.js";
import { Failure, type Request } from "./command.js";
import { harmless } from "./harmless.js";
import type { apiOptions } from "./options.js";
import { checkPins, trustOf } from "./trust.js";

/** Bytes of an answer: a link of 100,000 records takes some 50 MB. */
export const answerMax = 64 * 1024 * 1024;
/** Characters of one event: a packet of 9,000 bytes takes some 100,000. */
export const eventMax = 1024 * 1024;
/** Characters of what is wrong with an answer, which quotes from it. */
const faultMax = 200;
/** Milliseconds for a connection and a whole answer, unless --timeout says otherwise. */
const patience = 30_000;

export type Path = keyof typeof bodyShapes;
export type Body<P extends Path> = Of<(typeof bodyShapes)[P]>;
export type Query = Readonly<Record<string, string | undefined>>;

/** An answer as it came. */
export interface Reply {
  readonly status: number;
  readonly text: string;
}

type Asking = Request<typeof apiOptions>;

export class Api {
  readonly place: ApiPlace;
  readonly #trust: { readonly ca: string | undefined; readonly pins: readonly string[] };
  readonly #token: string | undefined;
  readonly #patience: number;

  /** @throws UsageError, Failure */
  constructor({ api, timeout, options }: Pick<Asking, "api" | "timeout" | "options">) {
    this.place = findApiPlace(api);
    checkPins(options.pin);
    this.#trust = { ca: options.ca, pins: options.pin };
    this.#token = process.env.DISCD_TOKEN || undefined;
    this.#patience = timeout ?? patience;
  }

  /**
   * The answer of a path, checked.
   *
   * @throws Failure when there is none, or it is an error
   */
  async get<P extends Path>(path: P, query: Query = {}): Promise<Body<P>> {
    return this.checked(path, await this.ask("GET", path, query));
  }

  /** What an answer says. @throws Failure when it is an error */
  checked<P extends Path>(path: P, reply: Reply): Body<P> {
    if (reply.status !== 200) throw this.refusal(reply);
    return this.read(path, reply);
  }

  /** The whole answer, whatever its status. @throws Failure */
  async ask(method: "GET" | "POST", path: string, query: Query = {}): Promise<Reply> {
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(), this.#patience);
    try {
      const response = await this.#send(method, path, query, end.signal);
      let size = 0;
      const parts: Buffer[] = [];
      for await (const part of response as AsyncIterable<Buffer>) {
        size += part.length;
        if (size > answerMax) throw this.odd(`its answer is longer than ${answerMax} bytes`);
        parts.push(part);
      }
      // Without a length, a body ends where the connection does, by whomever.
      end.signal.throwIfAborted();
      if (!response.complete) throw this.odd("its answer breaks off");
      return { status: response.statusCode ?? 0, text: Buffer.concat(parts).toString("utf8") };
    } catch (error) {
      throw this.#told(error, end.signal);
    } finally {
      clearTimeout(timer);
      end.abort();
    }
  }

  /** What follows on a path of events, until it ends or `signal` does. @throws Failure */
  async *follow(path: string, query: Query, signal: AbortSignal): AsyncGenerator<ApiEventRead> {
    const opening = new AbortController();
    const timer = setTimeout(() => opening.abort(), this.#patience);
    const both = AbortSignal.any([opening.signal, signal]);
    try {
      const response = await this.#send("GET", path, query, both);
      clearTimeout(timer);
      if (response.statusCode !== 200) throw await this.#refused(response);
      yield* this.#events(response);
      throw new Failure(`${this.place.text}: discd ended the stream; it may have been stopped`);
    } catch (error) {
      if (signal.aborted) return;
      throw this.#told(error, opening.signal);
    } finally {
      clearTimeout(timer);
      opening.abort();
    }
  }

  /** The body of an answer by the shape of its path. @throws Failure */
  read<P extends Path>(path: P, { text }: Reply): Body<P> {
    const value = this.#json(text);
    const fault = mismatchOfNewer(bodyShapes[path], value);
    if (fault === undefined) return value as Body<P>;
    throw this.odd(`its ${path} is not as this discli knows it (${fault})`);
  }

  /** What an answer of 400 and above means, and what to try next. */
  refusal({ status, text }: Reply): Failure {
    const { error, remedy } = this.#errorOf(text);
    if (status === 401) return new Failure(this.#tokenText(error));
    const more = [error, remedy].filter((one) => one !== undefined).join("; ");
    if (more === "") return this.odd(`it answers ${status}`);
    return new Failure(`${this.place.text}: ${more}`);
  }

  #tokenText(error: string | undefined): string {
    const why = error === undefined ? "" : ` (${error})`;
    return this.#token === undefined
      ? `${this.place.text} wants the token of discd.lua${why}: DISCD_TOKEN=… discli …`
      : `${this.place.text} does not take the token in DISCD_TOKEN${why}; \`http.token\` has it`;
  }

  #errorOf(text: string): { error?: string; remedy?: string } {
    try {
      const value: unknown = JSON.parse(text);
      if (mismatchOfNewer(errorShape, value) !== undefined) return {};
      const { error, remedy } = value as { error: string; remedy?: string };
      const told = { error: harmless(error) };
      return remedy === undefined ? told : { ...told, remedy: harmless(remedy) };
    } catch {
      return {};
    }
  }

  async #refused(response: IncomingMessage): Promise<Failure> {
    let text = "";
    for await (const part of response as AsyncIterable<Buffer>) {
      text += part.toString("latin1");
      if (text.length > eventMax) break;
    }
    return this.refusal({ status: response.statusCode ?? 0, text });
  }

  #json(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw this.odd("its answer is no JSON");
    }
  }

  /** What answers is not, or not this, discd. */
  odd(what: string): Failure {
    const remedy = "is that discd, and of this version? `--api` says where to ask";
    return new Failure(`${this.place.text}: ${what}; ${remedy}`);
  }

  #told(error: unknown, timer: AbortSignal): unknown {
    const { code, message } = error as NodeJS.ErrnoException;
    if (timer.aborted) {
      const seconds = this.#patience / 1000;
      const remedy = "`--timeout SECONDS` waits longer; the log of discd may say more";
      return new Failure(`${this.place.text}: no answer within ${seconds} s; ${remedy}`);
    }
    if (error instanceof Failure) return error;
    if (code?.startsWith("HPE_")) return this.odd("what answers does not speak HTTP");
    if (code === undefined && message !== "aborted") return error;
    return unreachable(this.place, error as NodeJS.ErrnoException);
  }

  async #send(
    method: string,
    path: string,
    query: Query,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const socket = await this.#connect(signal);
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const text = new URLSearchParams(given as [string, string][]).toString();
    return new Promise((resolve, reject) => {
      const sent = httpRequest({
        createConnection: () => socket,
        method,
        path: text === "" ? path : `${path}?${text}`,
        signal,
        headers: {
          host: this.place.host,
          accept: "application/json, text/event-stream, text/plain",
          connection: "close",
          ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        },
      });
      sent.on("response", resolve);
      sent.on("error", reject);
      sent.end();
    });
  }

  async #connect(signal: AbortSignal): Promise<Socket> {
    const { socketPath, hostname, port, isTls } = this.place;
    const raw = await new Promise<Socket>((resolve, reject) => {
      const where = socketPath === undefined ? { host: hostname, port } : { path: socketPath };
      const socket = connect({ ...where, signal } as Parameters<typeof connect>[0] & object);
      socket.once("connect", () => resolve(socket));
      socket.once("error", reject);
    });
    return isTls ? this.#secure(raw) : raw;
  }

  /** Nothing is sent, least of all the token, before the certificate was judged. */
  async #secure(raw: Socket): Promise<Socket> {
    const { secureContext, startTls } = await import("../os/client-tls.js");
    const trust = trustOf(this.#trust.ca, this.#trust.pins);
    const { hostname } = this.place;
    return new Promise((resolve, reject) => {
      const failed = (reason: string): void => {
        raw.destroy();
        const remedy = reason.startsWith("no TLS") ? "; without `http.tls` it is http://" : "";
        reject(new Failure(`${this.place.text}: ${reason}${remedy}`));
      };
      const ears = {
        failed,
        judged: (verdict: { kind: string; reason?: string }) => {
          if (verdict.kind === "trusted") resolve(socket);
          else failed(verdict.reason ?? "it is not trusted");
        },
      };
      const socket = startTls(raw, hostname, secureContext(trust), trust, ears, "http/1.1");
    });
  }

  async *#events(response: IncomingMessage): AsyncGenerator<ApiEventRead> {
    response.setEncoding("utf8");
    let rest = "";
    for await (const part of response as AsyncIterable<string>) {
      rest += part;
      const blocks = rest.split("\n\n");
      rest = blocks.pop() ?? "";
      if (rest.length > eventMax) throw this.odd(`an event is longer than ${eventMax} characters`);
      for (const block of blocks) {
        const event = this.#event(block);
        if (event !== undefined) yield event;
      }
    }
  }

  #event(block: string): ApiEventRead | undefined {
    const fields = block.split("\n").map((line) => /^(\w+): ?(.*)$/s.exec(line));
    const name = fields.find((field) => field?.[1] === "event")?.[2] as EventName | undefined;
    const told = fields.find((field) => field?.[1] === "data")?.[2];
    // What a newer discd tells besides is none of ours.
    if (name === undefined || told === undefined || !Object.hasOwn(eventShapes, name)) {
      return undefined;
    }
    const value = this.#json(told);
    const fault = mismatchOfNewer(eventShapes[name], value);
    if (fault !== undefined) throw this.odd(`an event is not as this discli knows it (${fault})`);
    return { name, value: value as object };
  }
}

/** An event, of the shape that its name has. */
export interface ApiEventRead {
  readonly name: EventName;
  readonly value: object;
}

/** Keys may be added within /v1: those that are not known here are passed over. */
function mismatchOfNewer(shape: Shape, value: unknown): string | undefined {
  return mismatch(shape, value, "$", { takesMore: true })?.slice(0, faultMax);
}
