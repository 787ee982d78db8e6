// An LLQ as its client lives it, against the messages of the specification. The
// LLQ-ID is 6553f1005d2c9a71 throughout; message IDs are set to the client's.

import { describe, expect, test } from "vitest";
import { leaseSecondsMin } from "../../src/client/limits.js";
import { Llq, type LlqOutcome } from "../../src/client/llq-client.js";
import { isAskable } from "../../src/client/llq-messages.js";
import { seededRandom } from "../../src/random.js";
import { type Instant, seconds } from "../../src/time.js";
import { encodeFrame } from "../../src/wire/frame.js";
import { parseName } from "../../src/wire/name.js";
import { formatRR } from "../../src/wire/text.js";
import { at } from "../dso/stage.js";
import { examples } from "../llq/examples.js";
import { hex, toHex } from "../wire/captures.js";
import {
  bytesOfAny,
  foyer,
  lab,
  llqDoor,
  llqPlace,
  lobby,
  pushDoor,
  pushPlace,
  Stage,
  withId,
} from "./stage.js";

const question = { name: parseName("_ipp._tcp.lab.example.com"), type: 12, class: 1 };
const hour = seconds(3600);

/** One example without its ID. */
const rest = (id: keyof typeof examples): string => examples[id].slice(4);

class Bench {
  readonly llq: Llq;
  readonly #isStream: boolean;
  now: Instant = at(0);
  /** What was sent, with its second. */
  sent: [number, string][] = [];
  /** `live`, `over reason`, `+ rr`, `- rr`. */
  texts: string[] = [];
  outcomes: LlqOutcome[] = [];

  constructor(isStream = false) {
    this.#isStream = isStream;
    this.llq = new Llq(at(0), seededRandom(3), question, isStream);
    this.#drain();
  }

  /** Of the last request. */
  get id(): number {
    return Number.parseInt(this.sent.at(-1)?.[1].slice(0, 4) as string, 16);
  }

  says(message: string | Uint8Array, id = this.id): this {
    return this.saysAsIs(withId(id, message));
  }

  saysAsIs(message: string | Uint8Array): this {
    const bytes = typeof message === "string" ? bytesOfAny(message) : message;
    this.#note(this.llq.receive(this.now, this.#isStream ? encodeFrame(bytes) : bytes));
    return this;
  }

  run(until: number): this {
    for (;;) {
      const next = this.llq.nextDeadline();
      if (next === undefined || next > at(until)) break;
      this.now = next;
      this.#note(this.llq.expire(next));
    }
    this.now = at(until);
    return this;
  }

  /** Seconds at which something was sent, and what it was but for its ID. */
  took(): [number, string][] {
    return this.sent.splice(0).map(([second, text]) => [second, text.slice(4)]);
  }

  news(): string[] {
    return this.texts.splice(0);
  }

  #note(outcomes: readonly LlqOutcome[]): void {
    for (const outcome of outcomes) {
      this.outcomes.push(outcome);
      if (outcome.kind === "live") this.texts.push("live");
      else if (outcome.kind === "over") this.texts.push(`over: ${outcome.reason}`);
      else if (outcome.change.kind !== "remove-all") {
        const { kind, rr } = outcome.change;
        this.texts.push(`${kind === "add" ? "+" : "-"} ${formatRR({ ...rr, ttlSeconds: 4500 })}`);
      }
    }
    this.#drain();
  }

  #drain(): void {
    for (const packet of this.llq.takePackets()) {
      const bytes = this.#isStream ? packet.slice(2) : packet;
      this.sent.push([(this.now - at(0)) / 1000, toHex(bytes)]);
    }
  }
}

/** Set up, with one record and a lease of 3599 s from second 0 on. */
function live(): Bench {
  const bench = new Bench().says("E41").says("E43");
  expect(bench.news()).toEqual(["live", `+ ${lobby()}`]);
  // The ID is kept: it is read from what was sent last.
  bench.sent.splice(0, bench.sent.length - 1);
  return bench;
}

/** The message with other bytes at an offset counted from the end. */
function ending(id: keyof typeof examples, tail: string): Uint8Array {
  return hex(examples[id].slice(0, -tail.length) + tail);
}

describe("the set-up over UDP", () => {
  test("four messages, as in the examples [LLQ-02] [LLQ-04] [LLQ-13]", () => {
    const bench = new Bench();
    expect(bench.sent.map(([, text]) => text.slice(4))).toEqual([rest("E40")]);
    bench.says("E41");
    expect(bench.sent.map(([, text]) => text.slice(4))).toEqual([rest("E40"), rest("E42")]);
    bench.says("E43");
    expect(bench.news()).toEqual(["live", `+ ${lobby()}`]);
  });

  test("tries at 0, 2 and 6 s, listens until 14 s, then not for an hour [LLQ-23]", () => {
    const bench = new Bench().run(13.9);
    expect(bench.took()).toEqual([0, 2, 6].map((second) => [second, rest("E40")]));
    expect(bench.news()).toEqual([]);
    bench.run(14);
    expect(bench.outcomes).toEqual([
      { kind: "over", reason: "it does not answer", retryDelay: hour, isStatic: false },
    ]);
  });

  test("the Challenge Response is repeated likewise [LLQ-23]", () => {
    const bench = new Bench().run(1).says("E41").run(15);
    expect(bench.took().slice(1)).toEqual([1, 3, 7].map((second) => [second, rest("E42")]));
    expect(bench.news()).toEqual(["over: it does not answer"]);
  });

  test("an answer that takes 13 s still counts [PRX-03]", () => {
    expect(new Bench().says("E41").run(13).says("E43").news()[0]).toBe("live");
  });

  test("a second Challenge is no answer, though it looks like an empty one", () => {
    const bench = new Bench().run(2.5);
    bench.says("E41").says("E41");
    expect(bench.news()).toEqual([]);
    bench.run(3).says("E43");
    expect(bench.news()).toEqual(["live", `+ ${lobby()}`]);
  });

  test("as many Challenges may come as requests were sent, and no more", () => {
    const bench = new Bench().run(2.5).says("E41").says("E41");
    expect(bench.news()).toEqual([]);
    expect(bench.says("E41").news()).toEqual(["live"]);
  });

  test("an empty answer is one when no Challenge is due", () => {
    const bench = new Bench().says("E41").says("E41");
    expect(bench.news()).toEqual(["live"]);
    // With another lease it is one, too.
    const other = new Bench().run(2.5).says("E41").says(ending("E41", "00000e0f"));
    expect(other.news()).toEqual(["live"]);
    // And when nothing better comes.
    expect(new Bench().run(2.5).says("E41").says("E41").run(20).news()).toEqual(["live"]);
  });

  test.each<readonly [string, string | Uint8Array, Partial<LlqOutcome>]>([
    ["SERV-FULL says when to come back [LLQ-08]", "E50", { retryDelay: seconds(300) }],
    ["BAD-VERS [LLQ-10]", "E51", { reason: "LLQ error BAD_VERS", retryDelay: hour }],
    ["STATIC [LLQ-10]", hex(examples.E51.replace("00010005", "00010002")), { isStatic: true }],
    ["FORMERR: no LLQs there", hex(examples.E41.replace("8500", "8501")), { retryDelay: hour }],
    [
      "an answer without the option: no LLQs there [LLQ-01]",
      hex(`000085000001000000000000${examples.E40.slice(24, 24 + 62)}`),
      { reason: "it takes no LLQs: it gives an ordinary answer", retryDelay: hour },
    ],
    [
      "REFUSED: no LLQs there, or not for this host",
      hex(examples.E41.replace("8500", "8505")),
      { reason: expect.stringMatching(/^it takes no LLQs: it answers REFUSED: .*allow/) as string },
    ],
  ])("%s", (_, message, outcome) => {
    expect(new Bench().says(message).outcomes).toMatchObject([{ kind: "over", ...outcome }]);
  });

  test.each<readonly [string, string | Uint8Array]>([
    ["a query", "E40"],
    ["an LLQ-ID of 0", hex(examples.E41.replace("6553f1005d2c9a71", "0000000000000000"))],
    [
      "another question",
      hex(examples.E41.replace("03697070", "03667470").replace("045f697070", "045f667470")),
    ],
    ["another version", hex(examples.E41.replace("001200010001", "001200020001"))],
    ["another opcode", hex(examples.E41.replace("001200010001", "001200010002"))],
    ["half a message", bytesOfAny("E41").slice(0, 40)],
    ["nothing", new Uint8Array(0)],
  ])("passed over: %s", (_, message) => {
    const bytes = typeof message === "string" ? bytesOfAny(message) : message;
    const bench = new Bench();
    bench.saysAsIs(bytes.length < 2 ? bytes : withId(bench.id, bytes));
    expect([bench.sent.length, bench.outcomes]).toEqual([1, []]);
    bench.says("E41");
    expect(bench.sent).toHaveLength(2);
  });

  test("an answer to somebody else's ID is passed over", () => {
    const bench = new Bench();
    bench.says("E41", bench.id ^ 1);
    expect(bench.sent).toHaveLength(1);
  });

  test("types and classes that no LLQ is about are not asked for [LLQ-05]", () => {
    expect(isAskable(question)).toBe(true);
    expect(isAskable({ ...question, type: 255 })).toBe(false);
    expect(isAskable({ ...question, class: 255 })).toBe(false);
    expect(isAskable({ ...question, class: 254 })).toBe(false);
  });

  test("a lease that would be refreshed all the time is refused", () => {
    const short = (lease: number) => `0000${lease.toString(16).padStart(4, "0")}`;
    for (const [lease, text] of [
      [leaseSecondsMin - 1, "over: its lease of 29 s is too short"],
      [leaseSecondsMin, "live"],
    ] as const) {
      const bench = new Bench().says("E41").says(ending("E43", short(lease)));
      expect(bench.news()[0]).toBe(text);
    }
  });
});

describe("events", () => {
  test("are applied and acknowledged as in the example [LLQ-16] [LLQ-17] [LLQ-20]", () => {
    const bench = live();
    bench.took();
    bench.saysAsIs("E44").saysAsIs("E45");
    expect(bench.news()).toEqual([`+ ${foyer()}`, `- ${lobby()}`]);
    expect(bench.sent.map(([, text]) => text)).toEqual([
      examples.E46.replace("9e38", "9e37"),
      examples.E46,
    ]);
  });

  test("a copy is acknowledged again and changes nothing, however late [LLQ-19]", () => {
    const bench = live();
    bench.took();
    bench.saysAsIs("E45").saysAsIs("E44").saysAsIs("E45");
    expect(bench.news()).toEqual([`- ${lobby()}`, `+ ${foyer()}`]);
    expect(bench.took()).toHaveLength(3);
    // The same ID again may be another event: IDs are drawn by chance.
    bench.saysAsIs(withId(0x9e38, "E44"));
    expect(bench.took()).toHaveLength(1);
  });

  test("of another LLQ they are nobody's", () => {
    const bench = live();
    bench.took();
    bench.saysAsIs(hex(examples.E44.replace("5d2c9a71", "5d2c9a72")));
    expect([bench.news(), bench.took()]).toEqual([[], []]);
  });

  test("records of other names are passed over, TTLs with the top bit are none", () => {
    const other = examples.E44.replace("c00c000c0001", "c011000c0001");
    const bench = live().saysAsIs(hex(other));
    expect(bench.news()).toEqual([]);
    bench.saysAsIs(hex(examples.E44.replace("00001194", "fffffffe")));
    expect(bench.outcomes.at(-1)).toMatchObject({ change: { kind: "add", rr: { ttlSeconds: 0 } } });
  });
});

describe("the lease", () => {
  /** 80, 90 and 95 % of 3599 s. */
  const times = [2879.2, 3239.1, 3419.05];

  test("is refreshed at 80, 90 and 95 %, and over at its end [LLQ-21] [LLQ-23]", () => {
    const bench = live().run(0);
    bench.took();
    bench.run(3600);
    expect(bench.took()).toEqual(times.map((second) => [second, refresh(3599)]));
    expect(bench.outcomes.at(-1)).toMatchObject({ kind: "over", retryDelay: 0 });
  });

  test("an acknowledgement begins it anew [LLQ-21]", () => {
    const bench = live().run(3000);
    bench.says("E48").sent.splice(0);
    bench.run(3000 + 2879);
    expect(bench.took()).toEqual([]);
    bench.run(3000 + 2880);
    expect(bench.took()).toEqual([[5880, rest("E47")]]);
  });

  test("a server that forgot is asked anew at once [LLQ-21]", () => {
    const bench = live().run(3000).says("E52");
    expect(bench.outcomes.at(-1)).toMatchObject({ kind: "over", retryDelay: 0 });
  });

  test("a refresh for nobody, or unasked, changes nothing", () => {
    const bench = live().run(100).says("E48").run(2880);
    expect(bench.sent.at(-1)?.[0]).toBe(times[0]);
    bench.says(hex(examples.E48.replace("5d2c9a71", "5d2c9a72")));
    bench.run(3240);
    expect(bench.sent.at(-1)?.[0]).toBe(times[1]);
  });

  test("the end is a refresh with a lease of 0 [LLQ-21]", () => {
    const bench = live();
    bench.llq.end();
    expect(bench.llq.takePackets().map((packet) => toHex(packet).slice(4))).toEqual([rest("E49")]);
    expect(bench.llq.nextDeadline()).toBe(undefined);
  });

  function refresh(lease: number): string {
    return rest("E47").replace(/00000e10$/, lease.toString(16).padStart(8, "0"));
  }
});

describe("over a stream", () => {
  test("no Challenge, nothing is sent twice, events are acknowledged [LLQ-24]", () => {
    const bench = new Bench(true).run(5);
    expect(bench.sent).toHaveLength(1);
    bench.says("E43");
    expect(bench.news()).toEqual(["live", `+ ${lobby()}`]);
    bench.saysAsIs("E45").saysAsIs("E45");
    expect(bench.sent.slice(1).map(([, text]) => text)).toEqual([examples.E46, examples.E46]);
  });

  test("pieces are put together, an empty answer is one [LLQ-24]", () => {
    const bench = new Bench(true);
    const bytes = encodeFrame(withId(bench.id, "E41"));
    const outcomes = [...bytes].flatMap((byte) => bench.llq.receive(at(1), Uint8Array.of(byte)));
    expect(outcomes).toEqual([{ kind: "live" }]);
  });

  test("silence ends it", () => {
    expect(new Bench(true).run(14).news()).toEqual(["over: it does not answer"]);
  });
});

describe("a question followed by an LLQ", () => {
  const names = { ...lab, "_dns-push-tls._tcp.lab.example.com. SRV": {} };

  function started(doors: Record<string, "open" | "closed"> = { [llqDoor]: "open" }): Stage {
    const stage = new Stage(names, doors).follow();
    stage.says(stage.last, withId(stage.lastId(stage.last), "E41"));
    stage.says(stage.last, withId(stage.lastId(stage.last), "E43"));
    return stage;
  }

  test("it is set up where the SRV says, all from one port [LLQ-15]", () => {
    const stage = started();
    expect(stage.channels).toHaveLength(1);
    expect(stage.texts()).toEqual([`way llq ${llqPlace}, udp`, `+ ${lobby()}`]);
    stage.says(stage.last, "E44", "E45");
    expect(stage.texts()).toEqual([`+ ${foyer()}`, `- ${lobby()}`]);
    expect(stage.asked.filter(({ what }) => what.endsWith(" PTR"))).toEqual([]);
  });

  test("TLS goes before TCP, and TCP before UDP [PUSH-04] [LLQ-24]", () => {
    const srv = (label: string, port: number) => ({
      [`${label}.lab.example.com. SRV`]: {
        answer: `${label}.lab.example.com. 600 SRV 0 0 ${port} px.example.com.`,
      },
    });
    const all = { ...names, ...srv("_dns-llq-tls._tcp", 853), ...srv("_dns-llq._tcp", 5352) };
    const stage = new Stage(all, {}).follow();
    expect(stage.channels.map(({ effect }) => effect.transport)).toEqual(["tls", "tcp", "udp"]);
  });

  test("a lease that runs out: records age, and it is set up anew", () => {
    const stage = started();
    stage.news();
    const [first] = stage.channels;
    stage.run(3605);
    expect(first?.end).toBe("close");
    expect(stage.channels).toHaveLength(2);
    expect(stage.texts().join()).toContain("its lease ran out");
    const { last } = stage;
    stage.says(last, withId(stage.lastId(last), "E41"));
    stage.says(last, withId(stage.lastId(last), "E43"));
    expect(stage.texts()).toEqual([`way llq ${llqPlace}, udp`]);
  });

  test("where there is Push, too, it is tried again every hour", () => {
    const stage = new Stage(lab, { [llqDoor]: "open" }).follow();
    const llq = stage.last;
    stage.says(llq, withId(stage.lastId(llq), "E41"));
    stage.says(llq, withId(stage.lastId(llq), "E43"));
    stage.run(2880).says(llq, withId(stage.lastId(llq), "E48"));
    stage.doors[pushDoor] = "open";
    stage.run(3601);
    expect(llq.end).toBe("close");
    expect(stage.heard(llq).at(-1)?.slice(4)).toBe(rest("E49"));
    stage.says(stage.last, withId(1, "E02"), withId(2, "E21"), "E23");
    expect(stage.texts().slice(-1)).toEqual([`way push ${pushPlace}`]);
    stage.run(3700);
    expect(stage.texts()).toEqual([]);
  });

  test("no answer: polls 15 minutes apart, the LLQ tried once an hour [LLQ-23]", () => {
    const stage = new Stage(names, { [llqDoor]: "open" }).follow().run(7300);
    const polls = stage.asked.filter(({ what }) => what.endsWith(" PTR")).map(({ at: s }) => s);
    expect(polls.slice(0, 4)).toEqual([14, 914, 1814, 2714]);
    const tries = stage.channels.map(({ at: second }) => second);
    expect(tries[0]).toBe(0);
    tries.forEach((second, index) => {
      if (index > 0) expect(second - (tries[index - 1] as number)).toBeGreaterThanOrEqual(3600);
    });
    expect(tries.length).toBeGreaterThan(1);
  });

  test("a server that restarts is found again, and polled as usual meanwhile", () => {
    const stage = started();
    stage.run(100).news();
    stage.doors[llqDoor] = "closed";
    stage.input({ kind: "closed", channel: stage.last.number });
    stage.run(140);
    const polls = stage.asked.filter(({ what }) => what.endsWith(" PTR")).map(({ at: s }) => s);
    expect(polls.length).toBeGreaterThanOrEqual(3);
    stage.doors[llqDoor] = "open";
    for (let second = 141; stage.last.heard.length === 0 && second < 240; second++) {
      stage.run(second);
    }
    stage.says(stage.last, withId(stage.lastId(stage.last), "E41"));
    stage.says(stage.last, withId(stage.lastId(stage.last), "E43"));
    expect(stage.texts().at(-1)).toBe(`way llq ${llqPlace}, udp`);
  });

  test("STATIC: asked once, never polled, never set up again [LLQ-23]", () => {
    const stage = new Stage(names, { [llqDoor]: "open" }).follow();
    const refusal = hex(examples.E51.replace("00010005", "00010002"));
    stage.says(stage.last, withId(stage.lastId(stage.last), refusal)).run(86_400);
    expect(stage.asked.filter(({ what }) => what.endsWith(" PTR"))).toHaveLength(1);
    expect(stage.channels).toHaveLength(1);
    expect(stage.texts()).toEqual([
      `failed no LLQ at ${llqPlace}: the answers never change`,
      "way poll",
      `+ ${lobby(10)}`,
    ]);
  });

  test("the user leaves: the LLQ ends with a lease of 0 [LLQ-21]", () => {
    const stage = started();
    stage.client.end(stage.now);
    stage.drain();
    expect(stage.heard(stage.last).at(-1)?.slice(4)).toBe(rest("E49"));
    expect(stage.last.end).toBe("close");
  });

  test("a question for all types is polled [LLQ-05]", () => {
    const stage = new Stage(names, { [llqDoor]: "open" });
    expect(stage.follow("_ipp._tcp.lab.example.com.", "ANY").channels).toEqual([]);
  });
});
