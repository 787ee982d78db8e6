// DNS servers on loopback that answer as a test says: over UDP, over TCP, not at
// all, or with something that is no answer.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import type { Server } from "../../src/os/resolv-conf.js";
import { encodeFrame, FrameReader } from "../../src/wire/frame.js";
import { decodeMessage, encodeMessage, type Message } from "../../src/wire/message.js";
import { parseRRs } from "../../src/wire/text.js";

/** Bytes to send, one answer after the other; none: silence. */
export type Behave = (query: Message) => readonly Uint8Array[];

export interface Behaviour {
  readonly udp?: Behave;
  readonly tcp?: Behave | "close" | "reset";
}

export interface Running extends Server {
  /** Queries as they came, with the transport. */
  readonly heard: { readonly transport: "udp" | "tcp"; readonly query: Message }[];
  close(): Promise<void>;
}

/** An answer to a query, records as zone-file lines. */
export function answer(
  query: Message,
  records: string,
  more: Parameters<typeof encodeMessage>[0] = {},
): Uint8Array {
  const { id, questions } = query;
  return encodeMessage({ id, questions, isResponse: true, answers: parseRRs(records), ...more });
}

/** Starts a server; both transports have the same port. */
export async function serve(
  { udp = () => [], tcp }: Behaviour,
  host = "127.0.0.1",
): Promise<Running> {
  const heard: Running["heard"] = [];
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.bind(0, host);
  await once(socket, "listening");
  const { port } = socket.address();
  socket.on("message", (bytes, from) => {
    const query = decodeMessage(bytes);
    heard.push({ transport: "udp", query });
    for (const one of udp(query)) socket.send(one, from.port, from.address);
  });
  const server = createServer((stream) => {
    const frames = new FrameReader();
    stream.on("error", () => {});
    stream.on("data", (bytes) => {
      frames.push(bytes);
      for (let frame = frames.take(); frame !== undefined; frame = frames.take()) {
        const query = decodeMessage(frame);
        heard.push({ transport: "tcp", query });
        if (tcp === "close") stream.end();
        else if (tcp === "reset") stream.resetAndDestroy();
        // Cut anywhere, as networks do.
        else
          for (const one of tcp?.(query) ?? [])
            halves(encodeFrame(one)).map((part) => stream.write(part));
      }
    });
  });
  if (tcp !== undefined) {
    server.listen(port, host);
    try {
      await once(server, "listening");
    } catch (error) {
      // Free for UDP does not mean free for TCP.
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      socket.close();
      return serve({ udp, tcp }, host);
    }
  }
  const close = async () => {
    socket.close();
    if (tcp !== undefined) server.close();
  };
  return { address: host, port, heard, close };
}

const halves = (bytes: Uint8Array) => [bytes.subarray(0, 1), bytes.subarray(1)];
