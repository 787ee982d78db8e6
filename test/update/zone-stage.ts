// One publisher and one scripted primary in virtual time, with bytes between
// them. Services are offered as an inventory would offer them; times are seconds
// from the start.

import { expect } from "vitest";
import { Counts } from "../../src/counts.js";
import type { Log } from "../../src/log.js";
import { seededRandom } from "../../src/random.js";
import { UpdateTally } from "../../src/tally.js";
import { type Instant, instant } from "../../src/time.js";
import type { Offer } from "../../src/update/offer.js";
import { Publisher } from "../../src/update/publisher.js";
import type { PublisherSettings } from "../../src/update/settings.js";
import { encodeFrame, FrameReader } from "../../src/wire/frame.js";
import { parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import type { TsigKey } from "../../src/wire/tsig.js";
import { epoch, Primary, secret } from "./primary.js";

export const zone = "link1.discd.test";

/** A printer as an inventory offers it. */
export function printer(
  instance: string,
  {
    host = instance.toLowerCase(),
    address = "192.0.2.5",
    port = 631,
    source = "eth0",
    deviceTtlSeconds = 4500,
  } = {},
): Offer {
  const lines = [
    `${instance}._ipp._tcp.${zone} 120 SRV 0 0 ${port} ${host}.${zone}`,
    `${host}.${zone} 120 A ${address}`,
    `${instance}._ipp._tcp.${zone} 120 TXT "paper=A4"`,
    `_ipp._tcp.${zone} 120 PTR ${instance}._ipp._tcp.${zone}`,
    `_services._dns-sd._udp.${zone} 120 PTR _ipp._tcp.${zone}`,
  ];
  const rrs = lines.map(parseRR).map((rr) => ({
    rr,
    isShared: rr.type === 12,
    deviceTtlSeconds,
  }));
  const title = parseName(`${instance}._ipp._tcp.local`);
  return { key: `${source} ${title.key}`, source, title, rrs };
}

export const gone = (offer: Offer): Offer => ({ ...offer, rrs: [] });

/** The offer's records as the primary lists them. */
export const linesOf = (...offers: readonly Offer[]): string[] =>
  [
    ...new Set(offers.flatMap(({ rrs }) => rrs.map(({ rr }) => formatRR(rr).replace(" IN ", " ")))),
  ].sort();

export class ZoneStage {
  primary: Primary;
  readonly proxies: StageProxy[] = [];
  readonly key: TsigKey = {
    name: parseName("discd-link1.example"),
    algorithm: "hmac-sha256",
    secret,
  };
  now = 0;
  /** Seconds from a request to its answer. */
  latency = 0.01;
  readonly #planned: { readonly at: number; readonly act: () => void }[] = [];

  constructor(primary = new Primary(zone)) {
    this.primary = primary;
  }

  proxy(settings: Partial<PublisherSettings> = {}, seed = 1): StageProxy {
    const proxy = new StageProxy(this, settings, seed);
    this.proxies.push(proxy);
    return proxy;
  }

  plan(delay: number, act: () => void): void {
    this.#planned.push({ at: this.now + delay, act });
    this.#planned.sort((a, b) => a.at - b.at);
  }

  /** Lets time pass up to a second from the start. */
  at(second: number): this {
    for (let rounds = 0; ; rounds++) {
      if (rounds > 200_000) expect.fail(`does not come to rest at ${this.now}`);
      const planned = this.#planned[0]?.at ?? Number.POSITIVE_INFINITY;
      const due = Math.min(...this.proxies.map((proxy) => proxy.due()));
      const next = Math.min(planned, due);
      if (next > second) break;
      this.now = Math.max(this.now, next);
      if (planned <= due) this.#planned.shift()?.act();
      else for (const proxy of this.proxies) if (proxy.due() <= this.now) proxy.expire();
    }
    this.now = second;
    return this;
  }
}

/** A publisher with its stream to the primary; the stream can be cut. */
export class StageProxy {
  readonly counts = new Counts();
  readonly logged: string[] = [];
  readonly publisher: Publisher;
  readonly #stage: ZoneStage;
  #connection = 0;
  #isDead = false;
  /** The primary cannot be reached. */
  isCut = false;
  connections = 0;

  constructor(stage: ZoneStage, settings: Partial<PublisherSettings>, seed: number) {
    this.#stage = stage;
    const log: Log = {
      event: (_, name, fields) => this.logged.push(`${name} ${JSON.stringify(fields ?? {})}`),
    };
    this.publisher = new Publisher(
      {
        zone: parseName(zone),
        key: stage.key,
        clock: {
          secondsAt: (now: Instant) => epoch + (now - 1_000_000) / 1000,
          isTrusted: () => true,
        },
        lifetime: "timeout",
        timeoutType: 65280,
        recordsMax: 20_000,
        tally: new UpdateTally(),
        ...settings,
      },
      seededRandom(seed),
      this.counts,
      log,
    );
  }

  get now(): Instant {
    return instant(1_000_000 + Math.round(this.#stage.now * 1000));
  }

  start(own: readonly RR[] = []): this {
    this.publisher.restore(own);
    this.publisher.start(this.now);
    this.drain();
    return this;
  }

  offer(...offers: readonly Offer[]): this {
    for (const offer of offers) this.publisher.offer(this.now, offer);
    this.drain();
    return this;
  }

  /** Nothing more is heard of it; what it remembers of its own comes back. */
  kill(): readonly RR[] {
    this.#isDead = true;
    return [...this.publisher.own()];
  }

  due(): number {
    const next = this.#isDead ? undefined : this.publisher.nextDeadline();
    return next === undefined ? Number.POSITIVE_INFINITY : (next - 1_000_000) / 1000;
  }

  expire(): void {
    this.publisher.expire(this.now);
    this.drain();
  }

  drain(): void {
    for (const effect of this.publisher.takeEffects()) {
      if (effect.kind === "close") this.#connection += 1;
      else if (effect.kind === "open") this.#open();
      else this.#write(effect.bytes);
    }
  }

  #open(): void {
    this.#connection += 1;
    const connection = this.#connection;
    this.connections += 1;
    this.#stage.plan(this.#stage.latency, () => {
      if (this.#isDead || connection !== this.#connection) return;
      if (this.isCut) this.publisher.closed(this.now, "connection refused");
      else this.publisher.opened(this.now);
      this.drain();
    });
  }

  #write(bytes: Uint8Array): void {
    const connection = this.#connection;
    const frames = new FrameReader();
    frames.push(bytes);
    const request = frames.take() ?? expect.fail("length and message leave in one piece");
    expect(frames.size).toBe(0);
    const answers = this.isCut ? [] : this.#stage.primary.answer(this.#stage.now, request);
    this.#stage.plan(this.#stage.latency, () => {
      if (this.#isDead || connection !== this.#connection) return;
      if (answers === undefined) this.publisher.closed(this.now, "connection reset");
      for (const answer of answers ?? []) this.publisher.received(this.now, encodeFrame(answer));
      this.drain();
    });
  }
}
