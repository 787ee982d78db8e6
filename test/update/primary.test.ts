// Finding the primary: which questions are asked in which order, what wins, and
// what is never updated. The resolver is a table of zone-file lines.

import { describe, expect, test } from "vitest";
import { formatAddress, parseAddress } from "../../src/address.js";
import type { Log } from "../../src/log.js";
import { seededRandom } from "../../src/random.js";
import { type Instant, instant } from "../../src/time.js";
import { mayUpdate, PrimarySearch, type PrimarySettings } from "../../src/update/primary.js";
import { typeName } from "../../src/wire/codes.js";
import { displayName, parseName } from "../../src/wire/name.js";
import { parseRR } from "../../src/wire/text.js";

const soa = "campus.example SOA ns1.campus.example root.campus.example 1 1 1 1 1";
const usual = [
  soa,
  "ns1.campus.example A 192.0.2.1",
  "up.campus.example A 192.0.2.2",
  "up.campus.example AAAA 2001:db8::2",
];

class Table {
  readonly logged: string[] = [];
  readonly asked: (readonly [second: number, question: string])[] = [];
  readonly search: PrimarySearch;
  now: Instant = instant(1_000_000);
  isSilent = false;
  lines: readonly string[];
  /** What the configured server says itself. */
  own: readonly string[] | undefined;

  constructor(
    lines: readonly string[],
    settings: Partial<PrimarySettings> = {},
    seed = 1,
    own?: readonly string[],
  ) {
    const log: Log = { event: (_, name) => this.logged.push(name) };
    this.lines = lines;
    this.own = own;
    this.search = new PrimarySearch(
      {
        subdomain: parseName("floor1.campus.example"),
        domain: parseName("campus.example"),
        server: undefined,
        transport: undefined,
        zone: undefined,
        within: [parseName("campus.example")],
        ...settings,
      },
      seededRandom(seed),
      log,
    );
    this.search.start(this.now);
    this.#answer();
  }

  at(second: number): this {
    const end = instant(1_000_000 + second * 1000);
    for (let rounds = 0; rounds < 10_000; rounds++) {
      const next = this.search.nextDeadline();
      if (next === undefined || next > end) break;
      this.now = next;
      this.search.expire(this.now);
      this.#answer();
    }
    this.now = end;
    return this;
  }

  /** What was found: zone, transport, endpoints, step. */
  found(): string | undefined {
    const { found } = this.search;
    if (found === undefined) return undefined;
    const endpoints = found.endpoints.map(
      ({ address, port }) => `${formatAddress(address)}#${port}`,
    );
    const transport = found.isTls ? "tls" : "tcp";
    return `${displayName(found.zone)} ${transport} ${endpoints.join(" ")} by ${found.step}`;
  }

  #answer(): void {
    for (;;) {
      const questions = this.search.takeQuestions();
      if (questions.length === 0) return;
      for (const question of questions) {
        const second = (this.now - 1_000_000) / 1000;
        const { at } = question;
        const whom = at === undefined ? "" : ` at ${formatAddress(at.address)}#${at.port}`;
        const text = `${displayName(question.name)} ${typeName(question.type)}${whom}`;
        this.asked.push([second, text]);
        if (this.isSilent || (at !== undefined && this.own === undefined)) continue;
        const rrs = (at === undefined ? this.lines : (this.own ?? [])).map(parseRR);
        const answers = rrs.filter(
          (rr) => rr.name.key === question.name.key && rr.type === question.type,
        );
        // As a resolver does for a name below a zone: its SOA in the authority section.
        const authorities = answers.length > 0 ? [] : rrs.filter((rr) => rr.type === 6);
        this.search.answered(this.now, question, { rcode: 0, answers, authorities });
      }
    }
  }
}

describe("the server", () => {
  const srv = (owner: string, port: number) => `${owner} SRV 0 0 ${port} up.campus.example`;

  test.each([
    ["_dns-update-tls._tcp.floor1.campus.example", 1853, "tls"],
    ["_dns-update._tcp.floor1.campus.example", 1053, "tcp"],
    ["_dns-update._udp.floor1.campus.example", 1054, "tcp"],
    ["_dns-update-tls._tcp.campus.example", 2853, "tls"],
    ["_dns-update._tcp.campus.example", 2053, "tcp"],
    ["_dns-update._udp.campus.example", 2054, "tcp"],
  ])("by %s [UP-13] [UP-17]", (owner, port, transport) => {
    const table = new Table([...usual, srv(owner, port)]);
    expect(table.found()).toBe(
      `campus.example ${transport} 2001:db8::2#${port} 192.0.2.2#${port} by SRV ${owner}`,
    );
  });

  test("by the SOA's MNAME when there is no SRV; the questions in their order [UP-13]", () => {
    const table = new Table(usual);
    expect(table.found()).toBe("campus.example tcp 192.0.2.1#53 by SOA MNAME");
    expect(table.asked.map(([, question]) => question)).toEqual([
      "_dns-update-tls._tcp.floor1.campus.example SRV",
      "_dns-update._tcp.floor1.campus.example SRV",
      "_dns-update._udp.floor1.campus.example SRV",
      "_dns-update-tls._tcp.campus.example SRV",
      "_dns-update._tcp.campus.example SRV",
      "_dns-update._udp.campus.example SRV",
      "floor1.campus.example SOA",
      "ns1.campus.example AAAA",
      "ns1.campus.example A",
    ]);
  });

  test("that is configured is asked for the zone itself, a resolver only when it is silent [UP-15]", () => {
    const address = parseAddress("203.0.113.9");
    const server = address && { host: address, port: 1053 };
    const own = ["floor1.campus.example SOA ns1.campus.example root.campus.example 1 1 1 1 1"];
    const asking = new Table(usual, { server }, 1, own);
    expect(asking.found()).toBe("floor1.campus.example tcp 203.0.113.9#1053 by configuration");
    expect(asking.asked.map(([, question]) => question)).toEqual([
      "floor1.campus.example SOA at 203.0.113.9#1053",
    ]);
    const silent = new Table(usual, { server }).at(6);
    expect(silent.found()).toBe("campus.example tcp 203.0.113.9#1053 by configuration");
    expect(silent.asked.map(([, question]) => question)).toEqual([
      "floor1.campus.example SOA at 203.0.113.9#1053",
      "floor1.campus.example SOA",
    ]);
  });

  test("that is configured for TLS is asked in the clear only when nobody else knows", () => {
    const address = parseAddress("203.0.113.9");
    const server = address && { host: address, port: undefined };
    const table = new Table(usual, { server, transport: "tls" });
    expect(table.found()).toBe("campus.example tls 203.0.113.9#853 by configuration");
    expect(table.asked.map(([, question]) => question)).toEqual(["floor1.campus.example SOA"]);
    const alone = new Table([], { server, transport: "tls" }, 1, [soa]);
    expect(alone.found()).toBe("campus.example tls 203.0.113.9#853 by configuration");
    expect(alone.asked.map(([, question]) => question)).toEqual([
      "floor1.campus.example SOA",
      "floor1.campus.example SOA at 203.0.113.9#53",
    ]);
  });

  test("that is configured wins over every SRV, which is not even asked for [UP-14]", () => {
    const address = parseAddress("203.0.113.9");
    const server = address && { host: address, port: undefined };
    const lines = [...usual, srv("_dns-update-tls._tcp.floor1.campus.example", 1853)];
    const table = new Table(lines, { server }, 1, [soa]);
    expect(table.found()).toBe("campus.example tcp 203.0.113.9#53 by configuration");
    expect(table.asked.map(([, question]) => question)).toEqual([
      "floor1.campus.example SOA at 203.0.113.9#53",
    ]);
    const named = { host: parseName("up.campus.example"), port: 5353 };
    const tls = new Table(lines, { server: named, transport: "tls" });
    expect(tls.found()).toContain("tls 2001:db8::2#5353 192.0.2.2#5353 by configuration");
  });

  test("TLS only where somebody named it, and not where TCP is demanded [UP-17]", () => {
    const lines = [...usual, srv("_dns-update-tls._tcp.floor1.campus.example", 1853)];
    expect(new Table(lines, { transport: "tcp" }).found()).toContain("tcp 192.0.2.1#53 by SOA");
    expect(new Table(usual, { transport: "tls" }).found()).toContain("tls 192.0.2.1#853 by SOA");
  });

  test("several SRVs: by priority, the root as a target is none", () => {
    const owner = "_dns-update._tcp.floor1.campus.example";
    const table = new Table([
      ...usual,
      `${owner} SRV 20 0 53 ns1.campus.example`,
      `${owner} SRV 10 0 54 up.campus.example`,
    ]);
    expect(table.found()).toContain("2001:db8::2#54 192.0.2.2#54 192.0.2.1#53");
    expect(new Table([...usual, `${owner} SRV 0 0 0 .`]).found()).toContain("by SOA MNAME");
  });
});

describe("the zone", () => {
  test("is the owner of the SOA, above the subdomain or at it [UP-15]", () => {
    expect(new Table(usual).found()).toMatch(/^campus\.example /);
    const own = soa.replace("campus.example SOA", "floor1.campus.example SOA");
    expect(new Table([own, ...usual.slice(1)]).found()).toMatch(/^floor1\.campus\.example /);
  });

  test("is not taken from a SOA of somewhere else", () => {
    const table = new Table([
      soa.replace("campus.example SOA", "other.example SOA"),
      ...usual.slice(1),
    ]);
    expect(table.found()).toBeUndefined();
    expect(table.logged).toEqual(["no-primary-found"]);
  });

  test.each(["com", "local", ".", "floor1.other.example", "1.10.in-addr.arpa"])(
    "%s is never updated [UP-9]",
    (subdomain) => {
      const table = new Table(usual, { subdomain: parseName(subdomain) }).at(1000);
      expect(table.asked).toEqual([]);
      expect(table.logged).toEqual(["zone-not-allowed"]);
    },
  );

  test("only what is listed, whole labels compared [UP-9]", () => {
    const within = ["campus.example", "1.10.in-addr.arpa", "com"].map(parseName);
    const may = (name: string) => mayUpdate(parseName(name), within);
    expect(["campus.example", "a.campus.example", "0.1.10.in-addr.arpa"].filter(may).length).toBe(
      3,
    );
    expect(["notcampus.example", "example", "example.com", "com", "."].filter(may)).toEqual([]);
  });
});

describe("again", () => {
  test("every five minutes, a tenth more or less, at other moments elsewhere [UP-13]", () => {
    const times = (seed: number) =>
      new Table(usual, {}, seed)
        .at(3600)
        .asked.filter(([, question]) => question.endsWith("SOA"))
        .map(([second]) => second);
    const found = times(1);
    expect(found.length).toBeGreaterThanOrEqual(11);
    for (const [index, second] of found.slice(1).entries()) {
      expect(second - (found[index] as number)).toBeGreaterThanOrEqual(270);
      expect(second - (found[index] as number)).toBeLessThanOrEqual(330);
    }
    expect(times(2)).not.toEqual(found);
  });

  test("another server is news once; the same one is none", () => {
    const table = new Table(usual);
    expect(table.search.takeNews()?.step).toBe("SOA MNAME");
    expect(table.at(700).search.takeNews()).toBeUndefined();
    table.lines = [
      ...usual,
      "_dns-update._tcp.floor1.campus.example SRV 0 0 1053 up.campus.example",
    ];
    table.at(1400);
    expect(table.search.takeNews()?.step).toContain("SRV");
    expect(table.search.takeNews()).toBeUndefined();
  });

  test("a resolver that falls silent changes nothing; each question has five seconds", () => {
    const table = new Table(usual).at(10);
    table.isSilent = true;
    table.at(2000);
    expect(table.found()).toContain("by SOA MNAME");
    const [first, second] = table.asked.slice(9).map(([at]) => at);
    expect((second as number) - (first as number)).toBe(5);
  });
});

describe("a resolver that answers nonsense", () => {
  test.each([
    [".", ". SOA a.root.example x.example 1 1 1 1 1"],
    ["example.", "example SOA a.root.example x.example 1 1 1 1 1"],
  ])("the SOA of %s is around everything, and is never updated [UP-9]", (_, line) => {
    const table = new Table([line, "a.root.example A 192.0.2.66"]).at(1000);
    expect(table.found()).toBeUndefined();
    expect(table.search.takeNews()).toBeUndefined();
    expect(table.logged).toEqual(["zone-not-allowed"]);
  });

  test("a configured zone that is neither listed nor around it is said not to be allowed [UP-9]", () => {
    const other = soa.replaceAll("campus.example", "other.example");
    const table = new Table([other, "ns1.other.example A 192.0.2.1"], {
      zone: parseName("other.example"),
    }).at(1000);
    expect(table.found()).toBeUndefined();
    expect(table.logged).toEqual(["zone-not-allowed"]);
  });

  test("a late answer of the server itself is not taken for the resolver's [UP-15]", () => {
    const address = parseAddress("203.0.113.9") ?? expect.fail("no address");
    const settings = {
      subdomain: parseName("floor1.campus.example"),
      domain: undefined,
      server: { host: address, port: 1053 },
      transport: undefined,
      zone: undefined,
      within: [parseName("campus.example")],
    };
    const search = new PrimarySearch(settings, seededRandom(1), { event: () => {} });
    search.start(instant(1_000_000));
    const [first] = search.takeQuestions();
    search.expire(instant(1_005_000));
    const [second] = search.takeQuestions();
    if (first === undefined || second === undefined) expect.fail("two questions");
    expect([first.at?.port, second.at]).toEqual([1053, undefined]);
    const answer = { rcode: 0, answers: [parseRR(soa)], authorities: [] };
    search.answered(instant(1_005_001), first, answer);
    expect(search.found).toBeUndefined();
    search.answered(instant(1_005_002), second, answer);
    expect(search.found?.zone.key).toBe(parseName("campus.example").key);
  });

  test("a thousand servers, each with a thousand addresses: a few are looked at", () => {
    const owner = "_dns-update._tcp.floor1.campus.example";
    const many = Array.from({ length: 1000 }, (_, index) => index);
    const table = new Table([
      soa,
      ...many.map((index) => `${owner} SRV 0 0 53 h${index}.campus.example`),
      ...many.flatMap((index) =>
        [1, 2].map((last) => `h${index}.campus.example A 192.0.${index % 250}.${last}`),
      ),
    ]);
    expect(table.search.found?.endpoints.length).toBe(16);
    expect(table.asked.filter(([, question]) => /^h\d/.test(question)).length).toBe(16);
    const wide = new Table([
      soa,
      ...many.map((index) => `ns1.campus.example A 192.0.${index % 4}.${index % 250}`),
    ]);
    expect(wide.search.found?.endpoints.length).toBe(16);
  });
});
