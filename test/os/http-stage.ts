// HTTP listeners on loopback with a state that no daemon was needed for, and a
// client that sends exactly the bytes it is given.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach } from "vitest";
import { parseAddress } from "../../src/address.js";
import type { ApiState } from "../../src/api/state.js";
import { Counts } from "../../src/counts.js";
import { silentLog } from "../../src/log.js";
import { HttpListeners, type HttpPlace, type HttpSettings } from "../../src/os/http.js";
import { tokenCheck } from "../../src/os/token.js";
import { answerFully, type FakeState, fakeState } from "../api/state.js";

const open: HttpListeners[] = [];

afterEach(() => {
  for (const listeners of open.splice(0)) listeners.close();
});

export const anyPort: HttpPlace = { kind: "tcp", address: parseAddress("127.0.0.1")!, port: 0 };

export interface Stage {
  readonly listeners: HttpListeners;
  readonly counts: Counts;
  readonly state: FakeState;
  readonly crashes: unknown[];
  readonly port: number;
}

export async function stageOf(
  over: Partial<ApiState> = {},
  settings: HttpSettings = { listen: [anyPort] },
  delay = 0,
): Promise<Stage> {
  const counts = new Counts();
  const state = fakeState(over);
  const crashes: unknown[] = [];
  const rights = {
    names: new Set(["px.example.net"]),
    hasToken: true,
    isToken: tokenCheck("s3cret"),
  };
  const page = { type: "text/html; charset=utf-8", body: Buffer.from("<p>"), tag: '"1"' };
  const api = { state, rights, pages: new Map([["/", page]]) };
  const listeners = new HttpListeners({
    answering: (request) =>
      delay === 0 ? answerFully(request, api) : sleep(delay).then(() => answerFully(request, api)),
    log: silentLog,
    counts,
    crash: (error) => {
      crashes.push(error);
      throw error;
    },
  });
  open.push(listeners);
  const faults = await listeners.follow(settings);
  if (faults.length > 0) throw new Error(faults.join("\n"));
  return { listeners, counts, state, crashes, port: listeners.open[0]?.port ?? 0 };
}

/** A connection that keeps what it hears. */
export class Wire {
  readonly socket: Socket;
  text = "";
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (some) => {
      this.text += some;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  static async open(port: number): Promise<Wire> {
    const socket = connect({ port, host: "127.0.0.1" });
    const wire = new Wire(socket);
    await once(socket, "connect");
    return wire;
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.text)?.[1] ?? 0);
  }

  /** Waits for what it hears to fit, or for its end. */
  async until(holds: (wire: Wire) => boolean, limit = 18_000): Promise<this> {
    const end = Date.now() + limit;
    while (!holds(this)) {
      if (Date.now() > end) throw new Error(`not within ${limit} ms; heard: ${this.text}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this;
  }
}

/** One request with these lines, sent as they are, and the whole response. */
export async function send(port: number, ...lines: string[]): Promise<Wire> {
  const wire = await Wire.open(port);
  const first = lines.length === 0 ? [] : [...lines, "Connection: close", "", ""];
  wire.socket.write(first.join("\r\n"));
  return wire.until((one) => one.isClosed);
}

export const host = "Host: 127.0.0.1";
