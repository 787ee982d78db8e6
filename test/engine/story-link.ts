// A link of a story: what its devices say, what the engine sends on it, and how
// it is configured. Devices answer from zone-file text; those that need more of
// RFC 6762 than that are the simulation's.

import { type Endpoint, type Family, type Prefix, parseAddress } from "../../src/address.js";
import type { LinkConfig } from "../../src/engine/config.js";
import type { Effect } from "../../src/engine/io.js";
import { defaultLimits } from "../../src/limits.js";
import type { LinkOptions } from "../../src/mdns/link.js";
import type { ServedLink } from "../../src/proxy/options.js";
import { type Duration, ms, seconds } from "../../src/time.js";
import { RRType, typeName } from "../../src/wire/codes.js";
import { decodeMessage, encodeMessage, type Message } from "../../src/wire/message.js";
import { equalNames, formatName, parseName } from "../../src/wire/name.js";
import { equalRRs, type RR } from "../../src/wire/rr.js";
import { parseRRs } from "../../src/wire/text.js";
import { anyone, linkPrefixes, type World } from "./story.js";

export interface LinkSetting {
  /** Zone names as text; `service` alone has no host-name zone. */
  readonly service?: string;
  readonly host?: string;
  readonly reverse?: readonly Prefix[];
  readonly served?: Partial<ServedLink> | false;
  readonly mdns?: Partial<LinkOptions>;
  readonly warm?: readonly string[] | true;
  readonly isDown?: boolean;
}

/** One packet of the engine. */
export interface Sent {
  readonly seconds: number;
  readonly link: string;
  readonly family: Family;
  readonly message: Message;
  /** `prnt.local. A` */
  readonly questions: readonly string[];
}

export interface SaySetting {
  readonly family?: Family;
  /** Address and port it comes from. */
  readonly from?: string;
  readonly port?: number;
  /** Records that go to the additional section. */
  readonly additional?: string;
  /** Whether the cache-flush bit is set; by default it is, except on PTRs. */
  readonly isUnique?: boolean;
  readonly isMulticast?: boolean;
  /** Header fields and sections that are to differ. */
  readonly message?: Partial<Message>;
}

export interface DeviceSetting extends SaySetting {
  /** From the question to the answer. */
  readonly delay?: Duration;
  /** Sent along with every answer. */
  readonly additional?: string;
}

const flushBit = 0x8000;

/** Types of which many devices share one set. */
const sharedTypes: readonly number[] = [RRType.PTR];

export class StoryLink {
  readonly id: string;
  readonly #world: World;
  #setting: LinkSetting;
  #sent: Sent[] = [];
  readonly #devices: ((sent: Sent) => void)[] = [];

  constructor(world: World, id: string, setting: LinkSetting) {
    this.#world = world;
    this.id = id;
    this.#setting = setting;
  }

  /** Changes the setting; `world.reconfigure()` tells the engine. */
  set(setting: LinkSetting): void {
    this.#setting = { ...this.#setting, ...setting };
  }

  up(prefixes: readonly Prefix[] = linkPrefixes): void {
    this.#world.input({ kind: "link-up", link: this.id, prefixes, mtu: 1500 });
  }

  down(): void {
    this.#world.input({ kind: "link-down", link: this.id });
  }

  config(): LinkConfig {
    const { service = "Building 1.example.com", host, reverse, served, mdns, warm } = this.#setting;
    const mdnsOptions: LinkOptions = {
      families: ["ipv4", "ipv6"],
      packetsPerSecond: 20,
      cacheRecordsMax: defaultLimits.cacheRecords,
      questionsMax: defaultLimits.questions,
      announce: { b: [], db: [], lb: [] },
      ...mdns,
    };
    const base = { id: this.id, mdns: mdnsOptions, warm: warm ?? [] };
    if (served === false) return base;
    const isDefault = this.#setting.service === undefined;
    const hostZone = host ?? (isDefault ? "bldg-1.example.com" : service);
    return {
      ...base,
      served: {
        link: this.id,
        service: parseName(service),
        host: parseName(hostZone),
        aliases: [],
        reverse: reverse ?? linkPrefixes,
        allow: anyone,
        services: { default: "allow", allow: [], deny: [] },
        translate: [],
        wait: seconds(6),
        gather: ms(200),
        ttlSeconds: 10,
        suppress: true,
        networks: linkPrefixes,
        ...served,
      },
    };
  }

  /** A response packet of some device, with these records as its answers. */
  says(records: string, setting: SaySetting = {}): void {
    const answers = parseRRs(records).map((rr) => flagged(rr, setting.isUnique));
    const additionals = parseRRs(setting.additional ?? "").map((rr) => flagged(rr, undefined));
    const message = { isResponse: true, aa: true, answers, additionals, ...setting.message };
    this.hears(encodeMessage(message, { compression: "mdns" }), setting);
  }

  /** A query packet of some other host: `prnt.local A`, one to a line. */
  asks(questions: string, setting: SaySetting = {}): void {
    const list = questions.split("\n").map((text) => {
      const border = text.trim().lastIndexOf(" ");
      const type = RRType[text.trim().slice(border + 1) as keyof typeof RRType];
      return { name: parseName(text.trim().slice(0, border)), type, class: 1 };
    });
    const message = { questions: list, ...setting.message };
    this.hears(encodeMessage(message, { compression: "mdns" }), setting);
  }

  /** Any bytes that arrive on the link. */
  hears(bytes: Uint8Array, setting: SaySetting = {}): void {
    const family = setting.family ?? "ipv4";
    const { isMulticast = true } = setting;
    const source = this.#source(family, setting);
    this.#world.input({ kind: "multicast", link: this.id, family, source, isMulticast, bytes });
  }

  /** A device that answers questions for these records, over the family of its setting. */
  device(records: string, setting: DeviceSetting = {}): void {
    const rrs = parseRRs(records);
    const family = setting.family ?? "ipv4";
    this.#devices.push((sent) => {
      if (sent.family !== family || sent.message.isResponse) return;
      const answers = rrs.filter((rr) => isAsked(sent.message, rr));
      if (answers.length === 0) return;
      this.#world.plan(setting.delay ?? ms(20), () => {
        const flags = answers.map((rr) => flagged(rr, setting.isUnique));
        this.says("", { ...setting, message: { answers: flags, ...setting.message } });
      });
    });
  }

  /** Somebody who hears every packet of the engine. */
  listener(hear: (sent: Sent) => void): void {
    this.#devices.push(hear);
  }

  /** An effect of the engine on this link. */
  carry(effect: Extract<Effect, { kind: "multicast" }>): void {
    const message = decodeMessage(effect.bytes);
    const sent: Sent = {
      seconds: this.#world.seconds,
      link: this.id,
      family: effect.family,
      message,
      questions: message.questions.map(({ name, type }) => `${formatName(name)} ${typeName(type)}`),
    };
    this.#sent.push(sent);
    for (const device of this.#devices) device(sent);
  }

  /** What the engine sent on this link since this was last called. */
  sent(): Sent[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** The questions among it, of one family. */
  questions(family: Family = "ipv4"): string[] {
    return this.sent()
      .filter((sent) => sent.family === family && !sent.message.isResponse)
      .flatMap((sent) => sent.questions);
  }

  #source(family: Family, setting: SaySetting): Endpoint {
    const text = setting.from ?? (family === "ipv4" ? "203.0.113.9" : `fe80::9%${this.id}`);
    const address = parseAddress(text);
    if (address === undefined) throw new Error(`no address: ${text}`);
    return { address, port: setting.port ?? 5353 };
  }
}

export function flagged(rr: RR, isUnique: boolean | undefined): RR {
  const isFlushing = isUnique ?? !sharedTypes.includes(rr.type);
  return isFlushing ? { ...rr, class: rr.class | flushBit } : rr;
}

export function isAsked(query: Message, rr: RR): boolean {
  const isKnown = query.answers.some((known) => equalRRs({ ...known, class: rr.class }, rr));
  if (isKnown) return false;
  return query.questions.some(
    ({ name, type }) =>
      equalNames(name, rr.name) &&
      (type === rr.type || type === RRType.ANY || rr.type === RRType.CNAME),
  );
}
