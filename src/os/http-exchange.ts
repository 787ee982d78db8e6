// One HTTP request from its fields to the last byte of its answer. What is
// answered is api/'s; here are the bounds of bodies and pipelines, and the fields
// that every answer has.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { eventsType } from "../api/events.js";
import {
  type Answer,
  type Door,
  type Fields,
  failure,
  jsonType,
  type Request,
} from "../api/exchange.js";
import type { Counts } from "../counts.js";
import type { HttpFollowers } from "./http-followers.js";
import { bodyBytesMax, fieldsMax, pipelinedMax } from "./http-limits.js";
import type { HttpTurns } from "./http-turns.js";

/** What answers requests; see api/answer.ts. `refusal` is a word to count by. */
export type Answering = (request: Request) => Answered | Promise<Answered>;

interface Answered {
  readonly answer: Answer;
  readonly refusal?: string;
}

export interface ExchangeParts {
  readonly answering: Answering;
  readonly turns: HttpTurns;
  readonly followers: HttpFollowers;
  readonly counts: Counts;
  readonly crash: (error: unknown) => never;
}

/** No page of another origin gets anything from us, and nothing is kept by anybody. */
const commonFields: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** An answer to what is not even a request, as bytes; the connection ends with it. */
export function lastWords(status: string, error: string): string {
  const body = `${JSON.stringify({ error })}\n`;
  const fields = {
    ...commonFields,
    connection: "close",
    "content-type": jsonType,
    "content-length": String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join("")}\r\n${body}`;
}

/** Field names by what api/ calls them. */
const fieldNames: readonly (readonly [keyof Fields, string])[] = [
  ["host", "host"],
  ["origin", "origin"],
  ["authorization", "authorization"],
  ["fetchSite", "sec-fetch-site"],
  ["fetchMode", "sec-fetch-mode"],
  ["ifNoneMatch", "if-none-match"],
];

export class HttpExchanges {
  readonly #parts: ExchangeParts;
  /** What begins the requests of a connection whose answers have not left, the first one's too. */
  readonly #waiting = new WeakMap<Socket, (() => void)[]>();

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  /** Whether a connection has a request whose answer has not left. */
  isBusy(socket: Socket): boolean {
    return (this.#waiting.get(socket)?.length ?? 0) > 0;
  }

  /**
   * Those that were sent ahead begin when it is their turn: an answer without a connection of its
   * own would not hear of that one's end.
   */
  begin(incoming: IncomingMessage, response: ServerResponse, door: Door): void {
    const { socket } = incoming;
    const waiting = this.#waiting.get(socket) ?? [];
    this.#waiting.set(socket, waiting);
    // A client that vanishes is no fault of ours.
    response.on("error", () => {});
    incoming.on("error", () => {});
    const begin = () => {
      if (socket.destroyed) return;
      response.once("close", () => {
        waiting.shift();
        waiting[0]?.();
      });
      this.#readBody(incoming, response, () => this.#answer(incoming, response, door));
    };
    waiting.push(begin);
    if (waiting.length > pipelinedMax) {
      this.#parts.counts.add("limits", "http-pipelined");
      socket.destroy();
    } else if (waiting.length === 1) begin();
  }

  /** Nothing here is worth waiting for a body, nor for anything else that is expected. */
  refuseExpectation(response: ServerResponse): void {
    this.#parts.counts.add("drops", "http-body");
    response.setHeader("connection", "close");
    this.#send(response, failure(417, "nothing is expected here", "send it at once"), false);
  }

  /** A body is read, since it is in the way of the next request, and means nothing. */
  #readBody(incoming: IncomingMessage, response: ServerResponse, then: () => void): void {
    const announced = Number(incoming.headers["content-length"] ?? 0);
    if (announced > bodyBytesMax) {
      this.#refuseBody(response);
      return;
    }
    let size = 0;
    incoming.on("data", (bytes: Buffer) => {
      size += bytes.length;
      if (size > bodyBytesMax) this.#refuseBody(response);
    });
    incoming.once("end", () => {
      if (size <= bodyBytesMax) then();
    });
  }

  #refuseBody(response: ServerResponse): void {
    if (response.headersSent) return;
    this.#parts.counts.add("drops", "http-body");
    // What is still coming is not waited for.
    response.setHeader("connection", "close");
    this.#send(response, failure(413, `a body may have ${bodyBytesMax} bytes`), false);
  }

  #answer(incoming: IncomingMessage, response: ServerResponse, door: Door): void {
    if (incoming.rawHeaders.length / 2 >= fieldsMax) {
      this.#parts.counts.add("drops", "http-fields");
      this.#send(response, failure(431, `a request may have ${fieldsMax} fields`), false);
      return;
    }
    const request: Request = {
      method: incoming.method ?? "",
      target: incoming.url ?? "",
      fields: fieldsOf(incoming.rawHeaders),
      door,
    };
    try {
      const answered = this.#parts.answering(request);
      if (!(answered instanceof Promise)) this.#give(request, response, answered);
      else {
        answered
          .then((one) => this.#give(request, response, one))
          .catch((error) => this.#parts.crash(error));
      }
    } catch (error) {
      this.#parts.crash(error);
    }
  }

  #give({ method }: Request, response: ServerResponse, { answer, refusal }: Answered): void {
    if (refusal !== undefined) this.#parts.counts.add("drops", `http-${refusal}`);
    // Whoever had to wait may have gone.
    if (!response.destroyed) this.#send(response, answer, method === "HEAD");
  }

  #send(response: ServerResponse, answer: Answer, isHead: boolean): void {
    const { turns, followers } = this.#parts;
    if (answer.kind === "whole") {
      const { status, type, body, fields } = answer;
      this.#head(response, status, type, fields);
      const bytes = typeof body === "string" ? Buffer.from(body) : body;
      if (status !== 304) response.setHeader("content-length", bytes.length);
      response.end(isHead || status === 304 ? undefined : bytes);
      return;
    }
    if (answer.kind === "pieces") {
      this.#head(response, 200, answer.type);
      if (isHead) response.end();
      else turns.add(response, answer.pieces);
      return;
    }
    if (answer.kind === "reload") throw new Error("nobody has loaded anything");
    if (!isHead && !followers.hasRoomFor(answer.mayWrite)) {
      this.#parts.counts.add("limits", "http-followers");
      response.setHeader("connection", "close");
      const remedy = "close other pages of discweb, or try again";
      this.#send(
        response,
        failure(503, "too many follow events", remedy, { "retry-after": "5" }),
        false,
      );
      return;
    }
    this.#head(response, 200, eventsType);
    if (isHead) response.end();
    else followers.add(response, answer.following, answer.first);
  }

  #head(
    response: ServerResponse,
    status: number,
    type: string,
    fields: Readonly<Record<string, string>> = {},
  ): void {
    response.statusCode = status;
    const all = { ...commonFields, "content-type": type, ...fields };
    for (const [name, value] of Object.entries(all)) response.setHeader(name, value);
  }
}

/** From the raw list: what Node would throw away of a field that came twice has to be seen. */
function fieldsOf(raw: readonly string[]): Fields {
  const found = new Map<string, string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase();
    const before = found.get(name);
    const value = raw[at + 1] as string;
    found.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const pairs = fieldNames.flatMap(([key, name]) => {
    const value = found.get(name);
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(pairs);
}
