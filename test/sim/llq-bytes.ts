// The bytes of LLQs (RFC 8764 §3.2, §5 to §7), written and read here from the
// RFC, without the server's own code for them.

import type { Question } from "../../src/wire/message.js";
import { decodeMessage, encodeMessage, type Message } from "../../src/wire/message.js";
import { demand } from "./violation.js";

export const Llq = { setup: 1, refresh: 2, event: 3 } as const;

const optionCode = 1;

export interface LlqFields {
  readonly opcode: number;
  readonly error: number;
  /** 16 hex digits. */
  readonly id: string;
  readonly leaseSeconds: number;
}

export const noId = "0".repeat(16);

/** In the TTL of a record that is gone. */
export const goneTtl = 0xffff_ffff;

function optionBytes({ opcode, error, id, leaseSeconds }: LlqFields): Uint8Array {
  const bytes = Buffer.alloc(18);
  bytes.writeUInt16BE(1, 0);
  bytes.writeUInt16BE(opcode, 2);
  bytes.writeUInt16BE(error, 4);
  bytes.write(id, 6, "hex");
  bytes.writeUInt32BE(leaseSeconds, 14);
  return bytes;
}

export interface LlqSaying {
  readonly messageId: number;
  readonly question: Question;
  readonly fields: LlqFields;
  /** An acknowledgement is a response. */
  readonly isResponse?: boolean;
  readonly udpSize?: number;
}

export function llqBytes({ messageId, question, fields, isResponse, udpSize }: LlqSaying) {
  return encodeMessage({
    id: messageId,
    rd: true,
    isResponse: isResponse ?? false,
    questions: [question],
    edns: {
      udpSize: udpSize ?? 0,
      version: 0,
      extendedRcode: 0,
      dnssecOk: false,
      options: [{ code: optionCode, bytes: optionBytes(fields) }],
    },
  });
}

export interface HeardLlq {
  readonly message: Message;
  readonly fields: LlqFields;
}

/** @returns undefined for a message without the option */
export function readLlq(bytes: Uint8Array): HeardLlq | undefined {
  const message = decodeMessage(bytes);
  const options = message.edns?.options.filter(({ code }) => code === optionCode) ?? [];
  const [option, ...more] = options;
  if (option === undefined) return undefined;
  demand(more.length === 0, () => "two LLQ options for one question");
  demand(option.bytes.length === 18, () => `an LLQ option of ${option.bytes.length} bytes`);
  const value = Buffer.from(option.bytes);
  demand(value.readUInt16BE(0) === 1, () => "LLQ version");
  const fields = {
    opcode: value.readUInt16BE(2),
    error: value.readUInt16BE(4),
    id: value.toString("hex", 6, 14),
    leaseSeconds: value.readUInt32BE(14),
  };
  return { message, fields };
}
