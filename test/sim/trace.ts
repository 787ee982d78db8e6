// The run as a digest, so that two runs can be compared, and the last packets as
// text, for whoever has to find out what went wrong.

import type { Effect, Input } from "../../src/engine/io.js";
import type { Instant } from "../../src/time.js";
import { RRClass, rcodeName, typeName } from "../../src/wire/codes.js";
import { decodePartial } from "../../src/wire/message.js";
import { displayName } from "../../src/wire/name.js";
import { formatRR } from "../../src/wire/text.js";
import { isDso } from "./dso-bytes.js";

const kept = 40;
const columns = 400;

export class Trace {
  steps = 0;
  #hash = 0x811c9dc5;
  readonly #last: (() => string)[] = [];

  input(now: Instant, input: Input): void {
    this.steps += 1;
    this.#add(now, input.kind, "bytes" in input ? input.bytes : undefined);
    if (input.kind === "deadline") return;
    this.#keep(() => `${time(now)} > ${about(input)}`);
  }

  effect(now: Instant, effect: Effect): void {
    this.#add(now, effect.kind, "bytes" in effect ? effect.bytes : undefined);
    this.#keep(() => `${time(now)} < ${about(effect)}`);
  }

  note(now: Instant, text: string): void {
    this.#keep(() => `${time(now)}   ${text}`);
  }

  get digest(): string {
    return `${this.steps.toString(16)}-${(this.#hash >>> 0).toString(16).padStart(8, "0")}`;
  }

  tail(): string {
    return this.#last.map((line) => `    ${line().slice(0, columns)}`).join("\n");
  }

  #add(now: Instant, kind: string, bytes: Uint8Array | undefined): void {
    let hash = Math.imul(this.#hash ^ now, 0x01000193);
    for (let at = 0; at < kind.length; at++) {
      hash = Math.imul(hash ^ kind.charCodeAt(at), 0x01000193);
    }
    if (bytes !== undefined) {
      for (let at = 0; at < bytes.length; at++) {
        hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
      }
    }
    this.#hash = hash;
  }

  #keep(line: () => string): void {
    this.#last.push(line);
    if (this.#last.length > kept) this.#last.shift();
  }
}

const time = (now: Instant) => (now / 1000).toFixed(3).padStart(9);

function about(said: Input | Effect): string {
  switch (said.kind) {
    case "multicast":
      return `${said.link} ${said.family} ${packet(said.bytes)}`;
    case "stream-bytes":
      return `stream ${said.stream} ${Buffer.from(said.bytes).toString("hex")}`;
    case "datagram":
      return `udp ${packet(said.bytes)}`;
    case "write":
      return `stream ${said.stream} ${packet(said.bytes.subarray(2))}`;
    default: {
      const where = "stream" in said ? ` ${said.stream}` : "link" in said ? ` ${said.link}` : "";
      return `${said.kind}${where}`;
    }
  }
}

function packet(bytes: Uint8Array): string {
  if (bytes.length < 12) return `${bytes.length} bytes`;
  if (isDso(bytes)) return `DSO ${Buffer.from(bytes).toString("hex")}`;
  const { message } = decodePartial(bytes);
  const parts = message.questions.map(({ name, type, class: qclass }) => {
    return `${displayName(name)} ${typeName(type)}${qclass === RRClass.IN ? "?" : `/${qclass}?`}`;
  });
  for (const list of [message.answers, message.authorities, message.additionals]) {
    if (list.length > 0) parts.push("|", ...list.map((rr) => `${formatRR(rr)};`));
  }
  for (const { code, bytes: value } of message.edns?.options ?? []) {
    parts.push(`option ${code} ${Buffer.from(value).toString("hex")}`);
  }
  const flags = `${message.isResponse ? "R" : "Q"}${message.tc ? " TC" : ""}`;
  return `${flags} ${message.isResponse ? rcodeName(message.rcode) : ""} ${parts.join(" ")}`;
}
