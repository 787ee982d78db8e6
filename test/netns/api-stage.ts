// What the tests of the HTTP API share: curl in a node, answers checked against the
// shapes of the manual, and readers of event streams.

import { expect } from "vitest";
import { mismatch, type Shape } from "../../src/api/shape.js";
import { bodyShapes, eventShapes } from "../../src/api/shapes.js";
import { Child } from "./children.js";
import type { Daemon } from "./daemon.js";
import type { Lab } from "./lab.js";

export interface Got {
  /** 0: no answer. */
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it looks for
  readonly body: any;
  readonly text: string;
}

export const local = "http://127.0.0.1:8053";

/** One request by curl in a node; `words` as curl takes them. */
export function curl(lab: Lab, node: string, words: string): Got {
  const quiet = "curl -s -g -m 20 --noproxy '*' -w '\\n%{http_code}'";
  const lines = lab.run(node, `${quiet} ${words} || true`).trimEnd().split("\n");
  const status = Number(lines.pop());
  const text = lines.join("\n");
  try {
    return { status, text, body: JSON.parse(text) };
  } catch {
    return { status, text, body: undefined };
  }
}

/** Over the Unix socket, which may read and write. */
export const ask = (lab: Lab, daemon: Daemon, path: string, words = ""): Got =>
  curl(lab, "px", `--unix-socket ${daemon.socket} ${words} 'http://localhost${path}'`);

/** The body of a path, which has the shape that the manual gives it. */
export function read<T = Record<string, never>>(lab: Lab, daemon: Daemon, path: string): T {
  const { status, body, text } = ask(lab, daemon, path);
  expect([path, status, status === 200 ? "" : text]).toEqual([path, 200, ""]);
  const shape = bodyShapes[path.replace(/\?.*/, "") as keyof typeof bodyShapes] as Shape;
  expect([path, mismatch(shape, body)]).toEqual([path, undefined]);
  return body as T;
}

export interface Event {
  readonly name: keyof typeof eventShapes;
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it looks for
  readonly value: any;
}

/** A reader of server-sent events, each of which has its shape. */
export class EventReader {
  readonly #child: Child;

  /**
   * @param path  with the query
   * @param base  where it is followed; default: the Unix socket, by which one may write
   */
  constructor(lab: Lab, daemon: Daemon, path: string, base?: string) {
    const socket = ["--unix-socket", daemon.socket, `http://localhost${path}`];
    const words = ["curl", "-sNg", ...(base === undefined ? socket : [`${base}${path}`])];
    this.#child = lab.keep(new Child([...lab.enter("px"), ...words]));
  }

  get events(): readonly Event[] {
    const lines = this.#child.stdoutLines;
    return lines.flatMap((line, at) => {
      const name = /^event: (.*)$/.exec(line)?.[1] as Event["name"] | undefined;
      const data = lines[at + 1];
      if (name === undefined || data === undefined) return [];
      const value = JSON.parse(data.replace(/^data: /, ""));
      expect([name, mismatch(eventShapes[name] as Shape, value)]).toEqual([name, undefined]);
      return [{ name, value }];
    });
  }

  /** Whether the stream has begun. */
  get hasBegun(): boolean {
    return this.#child.stdoutLines.length > 0;
  }

  get hasEnded(): boolean {
    return this.#child.exit !== undefined;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }
}
