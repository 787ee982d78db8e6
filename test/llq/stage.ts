// One real link and the LLQ server on it in virtual time. The link `net1` has
// the zone lab.example.com of the specification's examples; devices speak in
// zone-file text; messages of clients are bytes, written by hand or built here.

import { createHmac } from "node:crypto";
import { expect } from "vitest";
import { Counts } from "../../src/counts.js";
import { defaultLimits } from "../../src/limits.js";
import type { Asker, Reply } from "../../src/llq/asker.js";
import type { LlqLimits } from "../../src/llq/lease.js";
import { decodeOption, encodeOption, type LlqOption } from "../../src/llq/option.js";
import { LlqServer, type Taken } from "../../src/llq/server.js";
import type { Mac } from "../../src/llq/setup.js";
import { Link, type OutDatagram } from "../../src/mdns/link.js";
import type { ProxyOptions, ServedLink } from "../../src/proxy/options.js";
import { type Random, seededRandom } from "../../src/random.js";
import { elapsed, type Instant, instant } from "../../src/time.js";
import { decodeMessage, encodeMessage, type Message } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import { formatRR } from "../../src/wire/text.js";
import { options, prefixes, printer, question, rrs } from "../mdns/stage.js";
import { linkOf, optionsOf } from "../proxy/floor.js";

export const apex = "lab.example.com";
export const browse = `_ipp._tcp.${apex}. PTR`;
export const listener = "192.0.2.53";

export const lobby = "_ipp._tcp.local. 4500 PTR Lobby._ipp._tcp.local.";
export const foyer = "_ipp._tcp.local. 4500 PTR Foyer._ipp._tcp.local.";

/** Announcements of printers with names of some length. */
export const instances = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => {
    const label = `Printer-${from + n}-with-a-name-of-some-length`;
    return `_ipp._tcp.local. 4500 PTR ${label}._ipp._tcp.local.`;
  });

/** The start; not zero, so that a forgotten `now` shows, and on a minute. */
const origin = 60_000_000;

export const udp = (address = "192.0.2.1", port = 50_000): Asker => ({
  transport: "udp",
  listener,
  peer: { address, port },
});

export const tcp = (stream = 1): Asker => ({
  transport: "tcp",
  stream,
  peer: { address: "192.0.2.1", port: 50_001 },
});

export const tls = (stream = 1): Asker => ({
  transport: "tls",
  stream,
  peer: { address: "192.0.2.1", port: 50_002 },
});

/** Spaces count for nothing. */
export const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export const hmac: Mac = (bytes) => createHmac("sha256", "secret").update(bytes).digest();

export interface Came {
  /** Seconds from the start. */
  readonly at: number;
  readonly reply: Reply;
  readonly message: Message;
  readonly options: readonly LlqOption[];
  /** Records of the answer section as text. */
  readonly answers: readonly string[];
}

export interface Setting {
  readonly limits?: Partial<LlqLimits>;
  readonly served?: Partial<ServedLink>;
  readonly proxy?: Partial<ProxyOptions>;
  readonly mac?: Mac;
  readonly random?: Random;
  readonly questionsMax?: number;
}

function optionsWith({ limits, served, proxy }: Setting) {
  const zone = parseName(apex);
  const link = linkOf({ service: zone, host: zone, reverse: [], ...served });
  return {
    isOn: true,
    proxy: optionsOf({ links: [link], ...proxy }),
    limits: { ...defaultLimits, ...limits },
  };
}

export class Stage {
  readonly counts = new Counts();
  readonly link: Link;
  readonly server: LlqServer;
  #came: Came[] = [];
  readonly sent: OutDatagram[] = [];
  now: Instant = instant(origin);
  isDeaf = false;

  constructor(setting: Setting = {}) {
    const questionsMax = setting.questionsMax ?? 1000;
    this.link = new Link({ ...options, questionsMax }, seededRandom(7), this.counts);
    this.link.up(this.now, { prefixes, mtu: 1500 });
    const findLink = (id: string) => (id === "net1" && !this.isDeaf ? this.link : undefined);
    const random = setting.random ?? seededRandom(3);
    const mac = setting.mac ?? hmac;
    this.server = new LlqServer(optionsWith(setting), findLink, random, mac, this.counts);
    this.settle();
  }

  configure(setting: Setting): void {
    this.server.configure(this.now, optionsWith(setting));
    this.settle();
  }

  get seconds(): number {
    return elapsed(instant(origin), this.now) / 1000;
  }

  /** When the next thing falls due, in seconds from the start. */
  nextSecond(): number {
    const link = this.link.nextDeadline() ?? Number.POSITIVE_INFINITY;
    const server = this.server.nextDeadline() ?? Number.POSITIVE_INFINITY;
    return Math.max(this.seconds, Math.ceil(Math.min(link, server) - origin) / 1000);
  }

  /** Goes on to a second from the start, doing all that falls due on the way. */
  run(until: number): this {
    const end = origin + Math.round(until * 1000);
    for (let rounds = 0; ; rounds++) {
      const link = this.link.nextDeadline() ?? Number.POSITIVE_INFINITY;
      const server = this.server.nextDeadline() ?? Number.POSITIVE_INFINITY;
      const next = Math.min(link, server);
      if (next > end) break;
      if (rounds > 50_000) expect.fail(`does not come to rest at ${next}`);
      this.now = instant(Math.max(this.now, next));
      if (link <= this.now) this.link.expire(this.now);
      if (server <= this.now) this.server.expire(this.now);
      this.settle();
    }
    this.now = instant(end);
    return this;
  }

  settle(): void {
    for (;;) {
      this.sent.push(...this.link.takeDatagrams());
      const changes = this.link.takeChanges();
      if (changes.length > 0) this.server.linkChanged(this.now, "net1", changes);
      const replies = this.server.takeReplies();
      for (const reply of replies) {
        const message = decodeMessage(reply.bytes);
        const all = message.edns?.options.filter(({ code }) => code === 1) ?? [];
        const found = all.map((option) => decodeOption(option.bytes));
        this.#came.push({
          at: this.seconds,
          reply,
          message,
          options: found.map((option) => option ?? expect.fail("a malformed option")),
          answers: message.answers.map(formatRR),
        });
      }
      if (changes.length === 0 && replies.length === 0) return;
    }
  }

  /** A device answers or announces; a leading `!` is the cache-flush bit. */
  hear(...lines: readonly string[]): void {
    const message = { isResponse: true, aa: true, answers: rrs(lines) };
    const bytes = encodeMessage(message, { compression: "mdns" });
    const datagram = { family: "ipv4", source: printer, isMulticast: true, bytes } as const;
    this.link.receive(this.now, datagram);
    this.settle();
  }

  /** Hands a client's message in. */
  say(bytes: Uint8Array, asker: Asker = udp()): Taken {
    const taken = this.server.receive(this.now, asker, bytes);
    this.settle();
    return taken;
  }

  /** What came since the last call. */
  take(): readonly Came[] {
    return this.#came.splice(0);
  }

  /** Events only, since the last call. */
  takeEvents(): readonly Came[] {
    return this.take().filter(({ reply }) => reply.isEvent);
  }

  takeOne(): Came {
    const [one, ...more] = this.take();
    expect(more.length).toBe(0);
    return one ?? expect.fail("nothing came");
  }

  /** Sets an LLQ up over UDP. @returns its option as challenged */
  setUp(line = browse, asker: Asker = udp(), lease = 7200): LlqOption {
    expect(this.say(request(line, { leaseSeconds: lease }), asker)).toBe("answered");
    const challenge = this.take().at(-1)?.options[0] ?? expect.fail("no challenge");
    expect(challenge.error).toBe(0);
    this.say(request(line, challenge), asker);
    return challenge;
  }

  acknowledge(came: Came, asker: Asker = udp()): void {
    this.say(acknowledgement(came), asker);
  }

  refresh(option: LlqOption, leaseSeconds = 3600, asker: Asker = udp(), line = browse): LlqOption {
    const before = this.take();
    this.say(request(line, { ...option, opcode: 2, leaseSeconds }, 0x4c02), asker);
    const [granted] = this.takeOne().options as [LlqOption];
    this.#came.push(...before);
    return granted;
  }

  /** Packets of a question, as `name type`, that left on the link so far. */
  asked(line: string): number {
    const { name, type } = question(line);
    return this.sent.filter(({ bytes }) =>
      decodeMessage(bytes).questions.some(
        (each) => each.name.key === name.key && each.type === type,
      ),
    ).length;
  }
}

const wish: LlqOption = { version: 1, opcode: 1, error: 0, id: 0n, leaseSeconds: 7200 };

/** A Setup Request; with more given, another request. One option for each question. */
export function request(
  lines: string | readonly string[],
  option: Partial<LlqOption> | readonly Partial<LlqOption>[] = {},
  id = 0x4c01,
): Uint8Array {
  const questions = [lines].flat().map((line) => question(line));
  const list = [option].flat() as readonly Partial<LlqOption>[];
  const all = list.length === 1 ? questions.map(() => list[0]) : list;
  return encodeMessage({
    id,
    rd: true,
    questions,
    edns: {
      udpSize: 0,
      version: 0,
      extendedRcode: 0,
      dnssecOk: false,
      options: all.map((each) => encodeOption({ ...wish, ...each })),
    },
  });
}

export function acknowledgement({ message }: Came): Uint8Array {
  const { id, edns } = message;
  return encodeMessage({ id, isResponse: true, ...(edns === undefined ? {} : { edns }) });
}

/** Of the answers of a message: `+ target` or `- target` of its PTRs, in order. */
export function told({ message }: Came): string[] {
  return message.answers.map((rr) => {
    const sign = rr.ttlSeconds === 0xffff_ffff ? "-" : "+";
    const label = rr.rdata.kind === "ptr" ? rr.rdata.target.labels[0] : formatRR(rr);
    return `${sign} ${label}`;
  });
}
