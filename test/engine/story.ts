// Stories: the real engine in virtual time, on links that carry scripted
// devices, with clients over UDP and TCP. Records are zone-file text, time is
// explicit, nothing sleeps.
//
//   const w = new World();
//   const link = w.link("eth0");
//   link.device("prnt.local. 120 A 203.0.113.7", { delay: ms(50) });
//   const asked = w.ask("prnt.bldg-1.example.com A");
//   w.run(seconds(1));
//   expect(asked.answers).toEqual(["prnt.bldg-1.example.com. 10 IN A 203.0.113.7"]);
//   expect(link.questions()).toContain("prnt.local. A");

import { type AddressList, type Prefix, parsePrefix } from "../../src/address.js";
import { Counts } from "../../src/counts.js";
import type { EngineConfig, LinkConfig } from "../../src/engine/config.js";
import { Engine } from "../../src/engine/engine.js";
import type { Effect, Input } from "../../src/engine/io.js";
import { defaultLimits, type Limits } from "../../src/limits.js";
import type { Log } from "../../src/log.js";
import type { ProxyOptions, ServedLink } from "../../src/proxy/options.js";
import { seededRandom } from "../../src/random.js";
import { after, type Duration, elapsed, type Instant, instant } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";
import { storyMac } from "./mac.js";
import {
  Asked,
  type AskOptions,
  queryBytes,
  type StreamOpening,
  TcpClient,
} from "./story-clients.js";
import { type LinkSetting, type Sent, StoryLink } from "./story-link.js";

/** 203.0.113.0/24 and 2001:db8:1234:5678::/64, where the devices live unless told otherwise. */
export const linkPrefixes: readonly Prefix[] = ["203.0.113.0/24", "2001:db8:1234:5678::/64"].map(
  (text) => parsePrefix(text) as Prefix,
);

export const anyone: AddressList = ["0.0.0.0/0", "::/0"].map((text) => ({
  refuse: false,
  prefix: parsePrefix(text) as Prefix,
}));

/** `10.0.0.0/8`, `!10.9.0.0/16`: an address list as discd.lua writes it, without the words. */
export function addressList(...texts: readonly string[]): AddressList {
  return texts.map((text) => ({
    refuse: text.startsWith("!"),
    prefix: parsePrefix(text.replace("!", "")) as Prefix,
  }));
}

/** That of RFC 9018 Appendix A.1. */
const cookieSecret = Buffer.from("e5e973e5a6b2a43f48e7dc849e37bfcf", "hex");

export interface WorldSetting {
  readonly seed?: number;
  readonly proxy?: Partial<ProxyOptions>;
  readonly limits?: Partial<Limits>;
  readonly logQueries?: EngineConfig["logQueries"];
  readonly takesPush?: boolean;
  readonly takesLlq?: boolean;
  readonly cookies?: EngineConfig["cookies"];
}

interface Planned {
  readonly at: Instant;
  readonly act: () => void;
}

export class World {
  readonly counts = new Counts();
  /** Log lines as `level name {fields}`. */
  readonly logged: string[] = [];
  readonly links = new Map<string, StoryLink>();
  /** Everything the engine wanted done, in order. */
  readonly effects: Effect[] = [];
  readonly began: Instant = instant(1000);
  now: Instant = this.began;
  #setting: WorldSetting;
  #engine: Engine | undefined;
  #planned: Planned[] = [];
  readonly #asked: Asked[] = [];
  readonly #clients = new Map<number, TcpClient>();
  #serial = 0;

  constructor(setting: WorldSetting = {}) {
    this.#setting = setting;
  }

  /** A link that is up. Zones by default: `Building 1.example.com`, `bldg-1.example.com`. */
  link(id: string, setting: LinkSetting = {}): StoryLink {
    const link = new StoryLink(this, id, setting);
    this.links.set(id, link);
    if (this.#engine !== undefined) this.reconfigure();
    if (!setting.isDown) link.up();
    return link;
  }

  /** Takes a link out of the configuration. */
  unlink(id: string): void {
    this.links.delete(id);
    this.reconfigure();
  }

  /** Sends the engine its configuration again, with these settings changed. */
  reconfigure(setting: WorldSetting = {}): void {
    this.#setting = { ...this.#setting, ...setting };
    this.input({ kind: "reconfigure", config: this.config() });
  }

  config(): EngineConfig {
    const { proxy, limits, logQueries, takesPush = true, takesLlq = true } = this.#setting;
    const links = [...this.links.values()].map((link): LinkConfig => link.config());
    const served = links.flatMap((link): ServedLink[] => (link.served ? [link.served] : []));
    return {
      links,
      limits: { ...defaultLimits, ...limits },
      logQueries: logQueries ?? "none",
      cookies: this.#setting.cookies ?? { secret: cookieSecret },
      takesPush,
      takesLlq,
      proxy: {
        hostname: parseName("px.example.net"),
        contact: parseName("hostmaster.example.net"),
        nameservers: [],
        links: served,
        records: [],
        zones: [],
        browseFor: [],
        realms: [],
        allow: anyone,
        refuse: "answer",
        rotate: false,
        ...proxy,
      },
    };
  }

  get engine(): Engine {
    if (this.#engine === undefined) {
      const log: Log = {
        event: (level, name, fields) =>
          void this.logged.push(`${level} ${name} ${JSON.stringify(fields ?? {})}`),
      };
      const random = seededRandom(this.#setting.seed ?? 1);
      this.#engine = new Engine(this.config(), random, storyMac, log, this.counts);
    }
    return this.#engine;
  }

  /** The process is killed; the next input meets a new one. */
  kill(): void {
    this.#engine = undefined;
  }

  /** Hands one input to the engine and carries its effects out. */
  input(input: Input): readonly Effect[] {
    const effects = this.engine.handle(this.now, input);
    this.effects.push(...effects);
    for (const effect of effects) this.#carryOut(effect);
    return effects;
  }

  /** Lets time pass; what is planned and what is due happens in its order. */
  run(span: Duration): void {
    this.runUntil(after(this.now, span));
  }

  runUntil(end: Instant): void {
    for (;;) {
      const planned = this.#planned[0];
      const due = this.engine.nextDeadline();
      const next = Math.min(planned?.at ?? end, due ?? end) as Instant;
      if (next > end || (planned === undefined && due === undefined)) break;
      if (next >= end && (planned?.at ?? end) >= end && (due ?? end) > end) break;
      this.now = Math.max(this.now, next) as Instant;
      if (planned !== undefined && planned.at <= this.now) {
        this.#planned.shift();
        planned.act();
      } else if (due !== undefined && due <= this.now) {
        this.input({ kind: "deadline" });
      } else break;
    }
    this.now = end;
  }

  /** Plans something for later. */
  plan(span: Duration, act: () => void): void {
    const at = after(this.now, span);
    const index = this.#planned.findLastIndex((other) => other.at <= at);
    this.#planned.splice(index + 1, 0, { at, act });
  }

  /** Seconds since the story began. */
  get seconds(): number {
    return elapsed(this.began, this.now) / 1000;
  }

  /** A query over UDP, as in `prnt.bldg-1.example.com A`. Its answer comes with time. */
  ask(text: string, options: AskOptions = {}): Asked {
    this.#serial += 1;
    const id = options.id ?? this.#serial & 0xffff;
    const bytes = options.bytes ?? queryBytes(text, { ...options, id });
    const peer = {
      address: options.client ?? "192.0.2.1",
      port: options.port ?? 10_000 + (this.#serial % 50_000),
    };
    const asked = new Asked(bytes, peer, this.now);
    this.#asked.push(asked);
    this.input({ kind: "datagram", listener: "192.0.2.53", source: peer, bytes });
    return asked;
  }

  /** Raw bytes in a datagram. */
  askBytes(bytes: Uint8Array, options: AskOptions = {}): Asked {
    return this.ask("", { ...options, bytes });
  }

  connect(client = "192.0.2.1", opening: StreamOpening = {}): TcpClient {
    this.#serial += 1;
    const stream = this.#serial;
    const tcp = new TcpClient(this, stream, { address: client, port: 10_000 + stream });
    this.#clients.set(stream, tcp);
    tcp.open(opening);
    return tcp;
  }

  /** A connection over TLS, to the listener for Push unless told otherwise. */
  connectTls(client = "192.0.2.1", opening: StreamOpening = {}): TcpClient {
    return this.connect(client, { transport: "tls", takesPush: true, ...opening });
  }

  /** What was sent on all links since this was last called. */
  sent(): Sent[] {
    return [...this.links.values()]
      .flatMap((link) => link.sent())
      .sort((a, b) => a.seconds - b.seconds);
  }

  /** Questions put to the links since `sent` was last called: `prnt.local. A`. */
  questions(): string[] {
    return this.sent().flatMap((sent) => sent.questions);
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "multicast":
        this.links.get(effect.link)?.carry(effect);
        break;
      case "datagram": {
        const isWaiting = (asked: Asked) =>
          asked.peer.address === effect.to.address && asked.peer.port === effect.to.port;
        const asked = this.#asked.filter(isWaiting).findLast((one) => !one.isOver(effect.bytes));
        asked?.receive(this.now, Uint8Array.from(effect.bytes));
        break;
      }
      default:
        if ("stream" in effect) this.#clients.get(effect.stream)?.carry(effect);
    }
  }
}
