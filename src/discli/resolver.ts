// Asks one DNS server one question: over UDP first, over TCP when the answer
// was truncated (RFC 1035 §4.2, RFC 7766 §5). Any server will do, discd or not.

import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { RRClass, RRType } from "../wire/codes.js";
import { FormatError } from "../wire/errors.js";
import { encodeFrame, FrameReader } from "../wire/frame.js";
import { decodeMessage, encodeMessage, type Message } from "../wire/message.js";
import { equalNames, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";

export interface Server {
  readonly address: string;
  readonly port: number;
}

/** The question could not be put, or no answer came back. */
export class ResolverError extends Error {
  override readonly name = "ResolverError";
}

/** A Discovery Proxy may take 6 s for a first answer (RFC 8766 §5.6): no client gives up sooner. */
const patience = 9000;

/** A lost datagram is sent again after this many milliseconds. */
const resend = 3000;

/** Reads `ADDR`, `ADDR:PORT` or `[ADDR]:PORT`. */
export function parseServer(text: string): Server | undefined {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  const plain = /^([^:]+)(?::(\d+))?$/.exec(text);
  const parts = bracketed ?? plain ?? [text, text];
  const port = Number(parts[2] ?? 53);
  return port >= 1 && port <= 65535 ? { address: parts[1] as string, port } : undefined;
}

/** The first name server of a resolv.conf text, else the loopback address. */
export function systemServer(file = "/etc/resolv.conf"): Server {
  try {
    const line = /^\s*nameserver\s+(\S+)/m.exec(readFileSync(file, "utf8"));
    if (line !== null) return { address: line[1] as string, port: 53 };
  } catch {
    // Without the file the resolver library asks this host, too (resolv.conf(5)).
  }
  return { address: "127.0.0.1", port: 53 };
}

/** The search domains of a resolv.conf text; the last `search` or `domain` line counts. */
export function systemSearchDomains(file = "/etc/resolv.conf"): string[] {
  try {
    const lines = [...readFileSync(file, "utf8").matchAll(/^\s*(?:search|domain)\s+(.+)$/gm)];
    return lines.at(-1)?.[1]?.trim().split(/\s+/) ?? [];
  } catch {
    return [];
  }
}

function encodeQuery(id: number, name: Name, type: number): Uint8Array {
  return encodeMessage({
    id,
    rd: true,
    questions: [{ name, type, class: RRClass.IN }],
    edns: { udpSize: 1232, version: 0, extendedRcode: 0, dnssecOk: false, options: [] },
  });
}

function isAnswerTo(message: Message, id: number, name: Name, type: number): boolean {
  const question = message.questions[0];
  if (message.id !== id || !message.isResponse) return false;
  if (question === undefined) return message.rcode !== 0;
  return question.type === type && equalNames(question.name, name);
}

function decodeAnswer(
  bytes: Uint8Array,
  id: number,
  name: Name,
  type: number,
): Message | undefined {
  try {
    const message = decodeMessage(bytes);
    return isAnswerTo(message, id, name, type) ? message : undefined;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function askUdp(server: Server, id: number, name: Name, type: number): Promise<Message> {
  const socket = createSocket(server.address.includes(":") ? "udp6" : "udp4");
  const query = encodeQuery(id, name, type);
  return new Promise<Message>((resolve, reject) => {
    const send = () => socket.send(query);
    let repeat: NodeJS.Timeout | undefined;
    const timeout = setTimeout(
      () => finish(new ResolverError(`no answer from ${server.address} port ${server.port}`)),
      patience,
    );
    function finish(outcome: Message | Error): void {
      clearInterval(repeat);
      clearTimeout(timeout);
      socket.close();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    }
    socket.on("error", (error) => {
      finish(new ResolverError(`${server.address} port ${server.port}: ${error.message}`));
    });
    socket.on("message", (bytes) => {
      const message = decodeAnswer(bytes, id, name, type);
      if (message !== undefined) finish(message);
    });
    // Connected, so that a closed port is reported and strangers are not heard. A name
    // has to be looked up first: without an address there is nothing to send to.
    socket.on("connect", () => {
      send();
      repeat = setInterval(send, resend);
    });
    socket.connect(server.port, server.address);
  });
}

function askTcp(server: Server, id: number, name: Name, type: number): Promise<Message> {
  return new Promise<Message>((resolve, reject) => {
    const socket = connect(server.port, server.address, () => {
      socket.write(encodeFrame(encodeQuery(id, name, type)));
    });
    const reader = new FrameReader();
    const fail = (reason: string) => {
      socket.destroy();
      reject(new ResolverError(`${server.address} port ${server.port} over TCP: ${reason}`));
    };
    socket.setTimeout(patience, () => fail("no answer"));
    socket.on("error", (error) => fail(error.message));
    socket.on("end", () => fail("closed without an answer"));
    socket.on("data", (bytes) => {
      reader.push(bytes);
      for (let frame = reader.take(); frame !== undefined; frame = reader.take()) {
        const message = decodeAnswer(frame, id, name, type);
        if (message === undefined) continue;
        socket.removeAllListeners("end");
        socket.destroy();
        resolve(message);
        return;
      }
    });
  });
}

/**
 * Puts one question to one server.
 *
 * @throws ResolverError when nothing usable came back
 */
export async function ask(server: Server, name: Name, type: number): Promise<Message> {
  const id = randomInt(0x10000);
  const message = await askUdp(server, id, name, type);
  return message.tc ? askTcp(server, id, name, type) : message;
}

/** The targets of the PTR records that answer, in the order they came. */
export function pointersIn(message: Message, name: Name): Name[] {
  const found: Name[] = [];
  for (const rr of message.answers) {
    if (rr.type === RRType.PTR && rr.rdata.kind === "ptr" && equalNames(rr.name, name)) {
      found.push(rr.rdata.target);
    }
  }
  return found;
}

/** Records of one name and type in all sections. */
export function recordsIn(message: Message, name: Name, type: number): RR[] {
  return [...message.answers, ...message.additionals].filter(
    (rr) => rr.type === type && equalNames(rr.name, name),
  );
}
