// One question to one server, by one transport, and everything that came of it:
// the doctor judges servers, so that nothing is asked again elsewhere or hidden.

import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import { causeOf } from "../../os/connection-faults.js";
import { placeOf, type Server } from "../../os/resolv-conf.js";
import { EdnsOption, RRClass } from "../../wire/codes.js";
import { FormatError } from "../../wire/errors.js";
import { encodeFrame, FrameReader } from "../../wire/frame.js";
import { decodeMessage, encodeMessage, type Message } from "../../wire/message.js";
import { equalNames, type Name } from "../../wire/name.js";
import type { EdnsOptionBytes } from "../../wire/rdata/index.js";

export interface Wish {
  readonly server: Server;
  readonly name: Name;
  readonly type: number;
  /** Default: udp. */
  readonly transport?: "udp" | "tcp";
  /** Default: false, as a resolver asks. */
  readonly isRecursive?: boolean;
  /** CD of RFC 4035: the answer is wanted even if it does not validate. */
  readonly isUnchecked?: boolean;
  /** Stated in EDNS; default 1232. */
  readonly udpSize?: number;
  /** The query is padded to this many bytes (RFC 7830). */
  readonly queryBytes?: number;
  /** A client cookie goes along (RFC 7873), and a question for the server's NSID (RFC 5001). */
  readonly isCurious?: boolean;
  /** Milliseconds to the end; default 1,500. */
  readonly patience?: number;
  /** Milliseconds after which a datagram is sent again; default: a third of patience. */
  readonly resend?: number;
}

export type Probed =
  | {
      readonly kind: "answer";
      readonly message: Message;
      /** Bytes of it, and milliseconds to it. */
      readonly bytes: number;
      readonly ms: number;
      /** Times that the query left. */
      readonly sent: number;
    }
  | { readonly kind: "silent"; readonly ms: number }
  /** `code` is the system's: ECONNREFUSED for a closed port. */
  | { readonly kind: "failed"; readonly code: string; readonly reason: string };

const usualPatience = 1500;
const optionHeaderBytes = 4;

function encode(wish: Wish, id: number): Uint8Array {
  const { name, type, udpSize = 1232, isRecursive = false, isUnchecked = false } = wish;
  const options: EdnsOptionBytes[] = [];
  if (wish.isCurious === true) {
    const cookie = new Uint8Array(8).map(() => randomInt(256));
    options.push({ code: EdnsOption.NSID, bytes: new Uint8Array() });
    options.push({ code: EdnsOption.COOKIE, bytes: cookie });
  }
  const encoded = (all: readonly EdnsOptionBytes[]) =>
    encodeMessage({
      id,
      rd: isRecursive,
      cd: isUnchecked,
      questions: [{ name, type, class: RRClass.IN }],
      edns: { udpSize, version: 0, extendedRcode: 0, dnssecOk: false, options: all },
    });
  const plain = encoded(options);
  const room = (wish.queryBytes ?? 0) - plain.length - optionHeaderBytes;
  if (room < 0) return plain;
  return encoded([...options, { code: EdnsOption.PADDING, bytes: new Uint8Array(room) }]);
}

/** The answer, if these bytes are it. */
function answerIn(bytes: Uint8Array, wish: Wish, id: number): Message | undefined {
  let message: Message;
  try {
    message = decodeMessage(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
  if (message.id !== id || !message.isResponse) return undefined;
  const [question] = message.questions;
  // Whoever does not understand a query may not repeat it either.
  if (question === undefined) return message.rcode === 0 ? undefined : message;
  return question.type === wish.type && equalNames(question.name, wish.name) ? message : undefined;
}

const failure = (error: NodeJS.ErrnoException): Probed => {
  return { kind: "failed", code: error.code ?? "", reason: causeOf(error) };
};

/** Puts one question; never throws. */
export function probe(wish: Wish): Promise<Probed> {
  return wish.transport === "tcp" ? probeTcp(wish) : probeUdp(wish);
}

function probeUdp(wish: Wish): Promise<Probed> {
  const { server, patience = usualPatience, resend = patience / 3 } = wish;
  const id = randomInt(0x10000);
  const query = encode(wish, id);
  const socket = createSocket(server.address.includes(":") ? "udp6" : "udp4");
  return new Promise((resolve) => {
    const start = performance.now();
    let sent = 0;
    const send = () => {
      sent += 1;
      // The kernel may have learned by now that the path is narrower: it will fragment then.
      socket.send(query, (error) => {
        if (error !== null && (error as NodeJS.ErrnoException).code !== "EMSGSIZE") {
          finish(failure(error));
        }
      });
    };
    let isOver = false;
    const finish = (probed: Probed) => {
      if (isOver) return;
      isOver = true;
      clearInterval(repeat);
      clearTimeout(end);
      socket.close();
      resolve(probed);
    };
    const repeat = setInterval(send, resend);
    const end = setTimeout(() => finish({ kind: "silent", ms: patience }), patience);
    socket.on("error", (error) => {
      if ((error as NodeJS.ErrnoException).code !== "EMSGSIZE") finish(failure(error));
    });
    socket.on("message", (bytes) => {
      const message = answerIn(bytes, wish, id);
      if (message === undefined) return;
      const ms = performance.now() - start;
      finish({ kind: "answer", message, bytes: bytes.length, ms, sent });
    });
    socket.on("connect", send);
    socket.connect(server.port, server.address);
  });
}

function probeTcp(wish: Wish): Promise<Probed> {
  const { server, patience = usualPatience } = wish;
  const id = randomInt(0x10000);
  return new Promise((resolve) => {
    const start = performance.now();
    const socket = connect(server.port, server.address, () => {
      socket.write(encodeFrame(encode(wish, id)));
    });
    const reader = new FrameReader();
    const finish = (probed: Probed) => {
      clearTimeout(end);
      socket.destroy();
      resolve(probed);
    };
    const end = setTimeout(() => finish({ kind: "silent", ms: patience }), patience);
    socket.on("error", (error) => finish(failure(error)));
    socket.on("end", () => {
      finish({
        kind: "failed",
        code: "END",
        reason: "the connection was closed without an answer",
      });
    });
    socket.on("data", (bytes) => {
      reader.push(bytes);
      for (let frame = reader.take(); frame !== undefined; frame = reader.take()) {
        const message = answerIn(frame, wish, id);
        if (message === undefined) continue;
        const ms = performance.now() - start;
        finish({ kind: "answer", message, bytes: frame.length, ms, sent: 1 });
      }
    });
  });
}

/** What became of opening a connection. */
export type Connected = "open" | "refused" | "silent" | { readonly reason: string };

export function tryConnection(server: Server, patience = usualPatience): Promise<Connected> {
  return new Promise((resolve) => {
    const finish = (outcome: Connected, socket: Socket) => {
      clearTimeout(end);
      socket.destroy();
      resolve(outcome);
    };
    const socket = connect(server.port, server.address, () => finish("open", socket));
    const end = setTimeout(() => finish("silent", socket), patience);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      const isRefused = error.code === "ECONNREFUSED" || error.code === "ECONNRESET";
      finish(isRefused ? "refused" : { reason: causeOf(error) }, socket);
    });
  });
}

export const serverText = (server: Server): string =>
  server.port === 53 ? server.address : placeOf(server);
