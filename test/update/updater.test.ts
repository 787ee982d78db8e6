// Update mode from end to end in virtual time: devices on a link, the inventory,
// the search for a primary and the primary itself, with nothing between them but
// what the edge would carry.

import { describe, expect, test } from "vitest";
import { formatAddress } from "../../src/address.js";
import { Counts } from "../../src/counts.js";
import type { Log } from "../../src/log.js";
import { seededRandom } from "../../src/random.js";
import { instant } from "../../src/time.js";
import type { UpdateTarget } from "../../src/update/options.js";
import { Updater } from "../../src/update/updater.js";
import { encodeFrame, FrameReader } from "../../src/wire/frame.js";
import { parseName } from "../../src/wire/name.js";
import { parseRR } from "../../src/wire/text.js";
import { device, LinkStage, typeList } from "./link-stage.js";
import { epoch, Primary, secret } from "./primary.js";
import { linesOf, printer, zone } from "./zone-stage.js";

const key = { name: parseName("discd-link1.example"), algorithm: "hmac-sha256", secret } as const;

/** How link1.discd.test is published unless told otherwise. */
function target(changes: Partial<UpdateTarget> = {}, subdomain = zone): UpdateTarget {
  return {
    subdomain: parseName(subdomain),
    primary: {
      subdomain: parseName(subdomain),
      domain: undefined,
      server: undefined,
      transport: undefined,
      zone: undefined,
      within: [parseName("discd.test")],
    },
    key,
    keys: [],
    allowsUnauthenticated: false,
    tls: { pins: [] },
    lifetime: "timeout",
    timeoutType: 65280,
    trustsClock: false,
    withdrawOnExit: false,
    ...changes,
  };
}

class Site {
  readonly logged: string[] = [];
  readonly counts = new Counts();
  readonly link = new LinkStage();
  /** By address. */
  readonly primaries = new Map<string, Primary>();
  readonly updater: Updater;
  /** Effects in order, by kind. */
  readonly effects: string[] = [];
  opened: string[] = [];
  dns: string[];
  second = 0;
  #open = new Map<number, string>();

  constructor(targets: readonly UpdateTarget[] = [target()], dns: readonly string[] = []) {
    this.dns = [
      `${zone} SOA ns1.${zone} root.${zone} 1 1 1 1 1`,
      `ns1.${zone} A 192.0.2.53`,
      ...dns,
    ];
    const log: Log = {
      event: (_, name, fields) => this.logged.push(`${name} ${JSON.stringify(fields ?? {})}`),
    };
    this.updater = new Updater(seededRandom(3), this.counts, log);
    this.updater.setWallClock(this.now, epoch * 1000 - 1_000_000, true);
    this.updater.configure(this.now, targets, 20_000);
    this.updater.start(this.now);
    this.carry();
  }

  get now() {
    return instant(1_000_000 + Math.round(this.second * 1000));
  }

  at(second: number): this {
    for (let rounds = 0; rounds < 100_000; rounds++) {
      const next = this.updater.nextDeadline();
      const due = next === undefined ? Number.POSITIVE_INFINITY : (next - 1_000_000) / 1000;
      // The link goes first: it tells what the updater is to hear.
      const step = Math.min(due, second, this.second + 0.1);
      this.link.at(step);
      this.second = step;
      for (const { offer } of this.link.changes.splice(0)) {
        this.updater.offer(this.now, [{ subdomain: parseName(zone), offer }]);
      }
      if (due <= step) this.updater.expire(this.now);
      this.carry();
      if (step >= second) break;
    }
    return this;
  }

  carry(): void {
    for (;;) {
      const effects = this.updater.takeEffects();
      if (effects.length === 0) return;
      for (const effect of effects) {
        this.effects.push(effect.kind);
        if (effect.kind === "look-up") {
          const { question } = effect;
          const rrs = this.dns.map(parseRR);
          const answers = rrs.filter(
            ({ name, type }) => name.key === question.name.key && type === question.type,
          );
          const authorities = answers.length > 0 ? [] : rrs.filter(({ type }) => type === 6);
          this.updater.lookedUp(this.now, question, { rcode: 0, answers, authorities });
        } else if (effect.kind === "dial") {
          const address = formatAddress(effect.endpoint.address);
          this.opened.push(address);
          this.#open.set(effect.dial, address);
          if (this.primaries.has(address)) this.updater.opened(this.now, effect.dial);
          else this.updater.closed(this.now, effect.dial, "connection refused");
        } else if (effect.kind === "dial-write") {
          const frames = new FrameReader();
          frames.push(effect.bytes);
          const request = frames.take() ?? expect.fail("no whole message");
          const primary = this.primaries.get(this.#open.get(effect.dial) ?? "");
          for (const answer of primary?.answer(this.second, request) ?? []) {
            this.updater.received(this.now, effect.dial, encodeFrame(answer));
          }
        }
      }
    }
  }
}

const expected = linesOf(printer("Laser", { host: "printer" }));

describe("from the link to the zone", () => {
  test("a device comes, is published within 1.5 s, and leaves [UP-43] [UP-62]", () => {
    const site = new Site();
    const primary = new Primary(zone);
    site.primaries.set("192.0.2.53", primary);
    site.at(10);
    site.link.appear([typeList(), ...device("Laser")]);
    site.at(11.5);
    expect(primary.published()).toEqual(expected);
    site.link.hear(device("Laser").map((line) => line.replace(/ (4500|120) /, " 0 ")));
    site.at(14);
    expect(primary.published(true)).toEqual([]);
  });

  test("what becomes ours is written down before it is said [UP-65]", () => {
    const site = new Site();
    site.primaries.set("192.0.2.53", new Primary(zone));
    site.at(10);
    site.effects.length = 0;
    site.link.appear([typeList(), ...device("Laser")]);
    site.at(12);
    const kinds = site.effects.filter((kind) => kind === "remember" || kind === "dial-write");
    expect(kinds.slice(0, 2)).toEqual(["remember", "dial-write"]);
  });
});

describe("the server", () => {
  const two = [
    `_dns-update._tcp.${zone} SRV 10 0 53 a.${zone}`,
    `_dns-update._tcp.${zone} SRV 20 0 53 b.${zone}`,
    `a.${zone} A 192.0.2.61`,
    `b.${zone} A 192.0.2.62`,
  ];

  test.each(["dead", "SERVFAIL"])(
    "%s: the next one gets the same with another ID [UP-20]",
    (how) => {
      const site = new Site([target()], two);
      const second = new Primary(zone);
      const first = new Primary(zone);
      first.script = () => 2;
      if (how === "SERVFAIL") site.primaries.set("192.0.2.61", first);
      site.primaries.set("192.0.2.62", second);
      site.at(1);
      site.link.appear([typeList(), ...device("Laser")]);
      site.at(60);
      expect(second.published()).toEqual(expected);
      expect(site.opened.slice(0, 2)).toEqual(["192.0.2.61", "192.0.2.62"]);
    },
  );

  test("without a key nothing is sent, and the log says what to do [UP-19]", () => {
    const { key: _, ...keyless } = target();
    const site = new Site([keyless]);
    site.primaries.set("192.0.2.53", new Primary(zone));
    site.link.appear([typeList(), ...device("Laser")]);
    site.at(100);
    expect(site.opened).toEqual([]);
    expect(site.logged.join()).toContain("set update.key");
  });

  test("another zone: filled first, then the old one is emptied [UP-5]", () => {
    const site = new Site();
    const old = new Primary(zone);
    const parent = new Primary("discd.test");
    site.primaries.set("192.0.2.53", old);
    site.at(5);
    site.link.appear([typeList(), ...device("Laser")]);
    site.at(20);
    expect(old.published()).toEqual(expected);
    // The delegation is gone: the subdomain belongs to the zone above now.
    site.dns = [`discd.test SOA ns.discd.test root.x 1 1 1 1 1`, "ns.discd.test A 192.0.2.99"];
    site.primaries.set("192.0.2.99", parent);
    const seen: string[] = [];
    const answer = old.answer.bind(old);
    old.answer = (at, request) => {
      const isUpdate = (request[2] as number) >> 3 === 5;
      if (isUpdate) seen.push(parent.published().length >= 5 ? "filled" : "too early");
      return answer(at, request);
    };
    for (let second = 30; second < 400; second += 30) {
      site.link.hear(device("Laser"));
      site.at(second);
    }
    const there = parent.lines().filter((line) => !/^(ns1|keep)\./.test(line));
    expect(there).toEqual(expected);
    expect(old.published(true)).toEqual([]);
    expect(seen).toEqual(["filled"]);
  });
});

describe("what is counted", () => {
  /** `zone result` and how often. */
  const counted = ({ updater }: Site) =>
    Object.fromEntries(
      [...updater.tally.all()].map(({ zone, result, count }) => [`${zone} ${result}`, count]),
    );

  test("every UPDATE by its zone and what became of it, as the primary saw them", () => {
    const site = new Site();
    const primary = new Primary(zone);
    const script = [2, "silence", 5, { rcode: 9, proof: "badtime" }] as const;
    primary.script = (_, kind) =>
      kind === "update" ? script[primary.updates().length - 1] : undefined;
    site.primaries.set("192.0.2.53", primary);
    site.at(10);
    site.link.appear([typeList(), ...device("Laser")]);
    for (let second = 40; second < 600; second += 30) {
      site.link.hear(device("Laser"));
      site.at(second);
    }
    expect(primary.published()).toEqual(expected);
    const done = primary.updates().length - script.length;
    expect(done).toBeGreaterThan(0);
    const failures = { failed: 1, unknown: 1, refused: 1, clock: 1 };
    const named = Object.entries(failures).map(([result, count]) => [`${zone} ${result}`, count]);
    expect(counted(site)).toEqual({ ...Object.fromEntries(named), [`${zone} done`]: done });
  });

  test("nothing becomes less when a zone is left, and goes on where it was when it is back", () => {
    const site = new Site();
    const primary = new Primary(zone);
    site.primaries.set("192.0.2.53", primary);
    const publish = (until: number) => {
      for (let second = site.second + 30; second <= until; second += 30) {
        site.link.hear(device("Laser"));
        site.at(second);
      }
    };
    site.at(5);
    site.link.appear([typeList(), ...device("Laser")]);
    publish(65);
    const first = primary.updates().length;
    expect(counted(site)).toEqual({ [`${zone} done`]: first });
    site.updater.configure(site.now, [], 20_000);
    publish(700);
    expect(site.updater.state(parseName(zone)).zone).toBeUndefined();
    const second = primary.updates().length;
    expect(second).toBeGreaterThan(first);
    expect(counted(site)).toEqual({ [`${zone} done`]: second });
    site.updater.configure(site.now, [target()], 20_000);
    site.link.hear(device("Laser").map((line) => line.replace("9100", "9101")));
    publish(800);
    expect(counted(site)).toEqual({ [`${zone} done`]: primary.updates().length });
  });
});
