// Many subscribers in one process, each over a TLS connection of its own. Sessions
// are resumed, so that opening them is cheap; what they hear is not looked into,
// only when it comes. Instants are those of the kernel's monotonic clock, which all
// processes share.

import { createInterface } from "node:readline";
import type { TLSSocket } from "node:tls";
import { DsoType, RRClass, RRType } from "../src/wire/codes.js";
import { encodeFrame } from "../src/wire/frame.js";
import { parseName } from "../src/wire/name.js";
import { Output } from "../src/wire/output.js";
import { encodeDso } from "../src/wire/tlv.js";
import { clock, tell } from "./roles.js";
import { connectTls } from "./tls-client.js";

/** Connections that are being made at the same time. */
const openingsMax = 40;

/** SUBSCRIBE to the PTR records of a name, with its length in front. */
function subscribeTo(name: string): Uint8Array {
  const output = new Output(0);
  for (const label of parseName(name).labels) {
    output.u8(label.length);
    for (const letter of label) output.u8(letter.charCodeAt(0));
  }
  output.u8(0);
  output.u16(RRType.PTR);
  output.u16(RRClass.IN);
  const tlv = { type: DsoType.SUBSCRIBE, bytes: output.finish() };
  return encodeFrame(encodeDso({ id: 1, isResponse: false, rcode: 0 }, [tlv]));
}

class Subscribers {
  readonly #server: string;
  readonly #port: number;
  readonly #addresses: readonly string[];
  readonly #sockets: TLSSocket[] = [];
  #session: Buffer | undefined;
  /** Those that have not heard anything since `arm`. */
  readonly #deaf = new Set<TLSSocket>();
  #heard: (at: number, bytes: number) => void = () => {};

  constructor(server: string, port: number, addresses: readonly string[]) {
    this.#server = server;
    this.#port = port;
    this.#addresses = addresses;
  }

  /** Opens some more, one first for the ticket; fulfilled when all are answered. */
  async open(count: number, name: string): Promise<void> {
    const subscribe = subscribeTo(name);
    let left = count;
    const some = async () => {
      while (left > 0) {
        left -= 1;
        await this.#openOne(subscribe);
      }
    };
    if (this.#session === undefined) {
      left -= 1;
      await this.#openOne(subscribe);
    }
    await Promise.all(Array.from({ length: openingsMax }, some));
  }

  /** Waits until each has heard something. */
  hear(): Promise<{ first: number; last: number; bytes: number }> {
    for (const socket of this.#sockets) this.#deaf.add(socket);
    return new Promise((resolve) => {
      let first = 0;
      this.#heard = (at, bytes) => {
        first ||= at;
        if (this.#deaf.size === 0) resolve({ first, last: at, bytes });
      };
    });
  }

  #openOne(subscribe: Uint8Array): Promise<void> {
    const socket = connectTls({
      host: this.#server,
      port: this.#port,
      from: this.#addresses[this.#sockets.length % this.#addresses.length],
      session: this.#session,
    });
    this.#sockets.push(socket);
    return new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("closed by the server")));
      socket.once("session", (session) => {
        this.#session ??= session;
      });
      socket.once("data", (bytes) => {
        if (((bytes[5] as number) & 0x0f) !== 0) reject(new Error("SUBSCRIBE was refused"));
        socket.on("data", (more) => {
          if (this.#deaf.delete(socket)) this.#heard(clock(), more.length);
        });
        resolve();
      });
      socket.write(subscribe);
    });
  }
}

/** Lines on standard input: `open COUNT NAME`; `hear`: tells when it listens, and what came. */
export function subscribers(server: string, port: number, addresses: readonly string[]): void {
  const all = new Subscribers(server, port, addresses);
  createInterface({ input: process.stdin }).on("line", async (line) => {
    const [verb, count, name = ""] = line.split(" ");
    if (verb === "open") {
      const began = clock();
      await all.open(Number(count), name);
      tell({ milliseconds: clock() - began });
    }
    if (verb === "hear") {
      const heard = all.hear();
      tell({ ready: true });
      tell(await heard);
    }
  });
  tell({ ready: true });
}
