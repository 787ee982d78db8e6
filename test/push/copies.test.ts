// Every subscriber's copy equals what could be seen on the link, after every
// step of whatever happens: devices that come, go, change and fall silent,
// subscribers that come, go and overlap, other rules, a link that is cut.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { ProxyOptions } from "../../src/proxy/options.js";
import { parseType } from "../../src/wire/codes.js";
import { parseName } from "../../src/wire/name.js";
import { lab, labLink, labOptions, Stage } from "./stage.js";
import type { Subscriber } from "./subscriber.js";

const records = [
  "_ipp._tcp.local. TTL PTR Lobby._ipp._tcp.local.",
  "_ipp._tcp.local. TTL PTR Foyer._ipp._tcp.local.",
  "_ipp._tcp.local. TTL PTR foyer._ipp._tcp.local.",
  "_http._tcp.local. TTL PTR Lobby._http._tcp.local.",
  "Lobby._ipp._tcp.local. TTL SRV 0 0 631 printer.local.",
  "Lobby._ipp._tcp.local. TTL SRV 0 0 632 other.local.",
  "Lobby._ipp._tcp.local. TTL TXT a=1",
  "Lobby._ipp._tcp.local. TTL TXT a=2",
  "Lobby._ipp._tcp.local. TTL NSEC Lobby._ipp._tcp.local. SRV",
  "printer.local. TTL A 192.0.2.10",
  "printer.local. TTL A 169.254.7.7",
  "printer.local. TTL AAAA fe80::7",
  "printer.local. TTL NSEC printer.local. A",
  "other.local. TTL A 169.254.7.8",
  "alias.local. TTL CNAME printer.local.",
] as const;

const names = [
  `_ipp._tcp.${lab}`,
  `_IPP._tcp.${lab}`,
  `_http._tcp.${lab}`,
  `Lobby._ipp._tcp.${lab}`,
  `printer.${lab}`,
  `alias.${lab}`,
] as const;

const types = ["PTR", "SRV", "TXT", "A", "AAAA", "ANY", "CNAME", "NSEC"] as const;

const rules: readonly ProxyOptions[] = [
  labOptions(),
  labOptions({ links: [labLink({ suppress: false })] }),
  labOptions({
    links: [labLink({ services: { allow: [], deny: ["_ipp._tcp"], default: "allow" } })],
  }),
  labOptions({
    links: [labLink({ translate: [{ type: "_ipp._tcp", txt: { air: "none" }, subtypes: [] }] })],
  }),
  labOptions({
    links: [labLink({ service: parseName("x.example."), host: parseName("x.example.") })],
  }),
];

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("announce" as const),
      lines: fc.uniqueArray(fc.constantFrom(...records), { minLength: 1, maxLength: 4 }),
      ttl: fc.constantFrom(0, 0, 10, 120, 120, 4500),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("subscribe" as const),
      stream: fc.nat(2),
      name: fc.constantFrom(...names),
      type: fc.constantFrom(...types),
      class: fc.constantFrom(1, 1, 1, 255, 3),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      span: fc.constantFrom(0.2, 1, 1, 9, 130),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("unsubscribe" as const),
      stream: fc.nat(2),
      turn: fc.nat(20),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("leave" as const, "cut" as const, "rules" as const),
      turn: fc.nat(20),
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

class Play {
  readonly stage = new Stage();
  readonly clients = new Map<number, Subscriber>();
  #second = 0;
  #id = 0;
  #streams = 0;

  take(one: Step): void {
    const { stage } = this;
    switch (one.kind) {
      case "announce":
        stage.announce(...one.lines.map((line) => line.replace("TTL", String(one.ttl))));
        break;
      case "subscribe":
        this.#subscribe(this.#client(one.stream), one.name, one.type, one.class);
        break;
      case "wait":
        this.#second += one.span;
        stage.run(this.#second);
        break;
      case "unsubscribe": {
        const client = this.#client(one.stream);
        const { wanted } = client;
        const { id } = wanted[one.turn % Math.max(1, wanted.length)] ?? { id: 0xffff };
        stage.unsubscribe(client, id);
        break;
      }
      case "leave": {
        const stream = one.turn % 3;
        const client = this.clients.get(stream);
        this.clients.delete(stream);
        if (client !== undefined) stage.leave(client);
        break;
      }
      case "cut":
        if (stage.link.isUp) stage.linkDown();
        else stage.linkUp();
        break;
      case "rules":
        stage.configure(rules[one.turn % rules.length]!);
        break;
    }
    stage.check();
  }

  #client(place: number): Subscriber {
    const known = this.clients.get(place);
    if (known !== undefined && !known.isReset) return known;
    this.#streams += 1;
    const client = this.stage.client(this.#streams);
    this.stage.says(client, "E01");
    this.clients.set(place, client);
    return client;
  }

  #subscribe(client: Subscriber, name: string, type: string, rrClass: number): void {
    const { key } = parseName(name);
    const number = parseType(type);
    const same = client.wanted.filter((one) => one.name.key === key && one.type === number);
    // Twice the same would end the session.
    if (same.some((one) => one.class === rrClass)) return;
    this.#id += 1;
    this.stage.subscribe(client, this.#id, name, type, rrClass);
  }
}

test("each subscriber's copy equals the link's truth, after every step [PUSH-25] [PUSH-18]", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 50 }), (steps) => {
      const play = new Play();
      for (const one of steps) play.take(one);
      for (const client of play.clients.values()) play.stage.leave(client);
      expect(play.stage.server.dump()).toEqual({ sessions: 0, subscriptions: 0, topics: 0 });
      // Nobody is left to ask for: what was disputed or watched has ended.
      play.stage.run(100_000);
      expect(play.stage.link.questionCount).toBe(0);
      expect(play.stage.server.nextDeadline()).toBe(undefined);
    }),
    { numRuns: 60, seed: 7 },
  );
});
