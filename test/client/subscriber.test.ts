// A client of Push against a scripted server: its bytes are the specification's
// examples, or written out by hand. The Keepalive has ID 1, the first SUBSCRIBE 2.

import { describe, expect, test } from "vitest";
import { Copy } from "../../src/client/copy.js";
import { recordsMax, subscriptionsMax } from "../../src/client/limits.js";
import { Subscriber, type SubscriberOutcome } from "../../src/client/subscriber.js";
import { Counts } from "../../src/counts.js";
import { type Instant, seconds } from "../../src/time.js";
import { RRClass, RRType } from "../../src/wire/codes.js";
import { encodeFrame } from "../../src/wire/frame.js";
import type { Question } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { example, framed } from "../dso/examples.js";
import { at, bytesOf } from "../dso/stage.js";
import { hex, toHex } from "../wire/captures.js";

const zeros = "0000 0000 0000 0000";
const ipp = "_ipp._tcp.lab.example.com";

function question(name = ipp, type: number = RRType.PTR, rrClass: number = RRClass.IN): Question {
  return { name: parseName(name), type, class: rrClass };
}

/** A message with its ID changed. */
function withId(id: number, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.set([id >> 8, id & 0xff]);
  return copy;
}

/** A PUSH of these changes, as hex of the TLV's value. */
function push(value: string): Uint8Array {
  const length = hex(value).length;
  return hex(`0000 3000 ${zeros} 0041 ${length.toString(16).padStart(4, "0")} ${value}`);
}

/** `_ipp._tcp.lab.example.com` as it stands in E23. */
const owner = "045f697070045f746370036c6162076578616d706c6503636f6d00";
const lobby = "08 054c6f626279c010";

class Bench {
  readonly subscriber = new Subscriber(at(0));
  readonly copy = new Copy();
  now: Instant = at(0);
  /** All but changes, which went into the copy. */
  outcomes: SubscriberOutcome[] = [];

  says(...messages: readonly (string | Uint8Array)[]): this {
    for (const message of messages) {
      const bytes = typeof message === "string" ? bytesOf(message) : message;
      this.#note(this.subscriber.receive(this.now, encodeFrame(bytes)));
    }
    return this;
  }

  run(until: number): this {
    for (;;) {
      const next = this.subscriber.nextDeadline();
      if (next === undefined || next > at(until)) break;
      this.now = next;
      this.#note(this.subscriber.expire(next));
    }
    this.now = at(until);
    return this;
  }

  sent(): string[] {
    return this.subscriber.takeFrames().map((frame) => toHex(frame.slice(2)));
  }

  changes(): string[] {
    return this.copy
      .takeChanges()
      .map(({ kind, rr }) => `${kind === "added" ? "+" : "-"} ${formatRR(rr)}`);
  }

  #note(outcomes: readonly SubscriberOutcome[]): void {
    for (const outcome of outcomes) {
      if (outcome.kind === "change") this.copy.apply(outcome.change);
      else this.outcomes.push(outcome);
    }
  }
}

/** A session whose SUBSCRIBE with ID 2 was granted. */
function subscribed(wanted = question()): Bench {
  const bench = new Bench();
  expect(bench.subscriber.subscribe(at(0), wanted)).toBe(2);
  bench.says(withId(1, example("E02")), withId(2, example("E21")));
  expect(bench.outcomes).toEqual([{ kind: "accepted", id: 2 }]);
  bench.outcomes = [];
  bench.sent();
  return bench;
}

const added = (instance: string) => `+ ${ipp}. 4500 IN PTR ${instance}.${ipp}.`;
const removed = (instance: string) => `- ${ipp}. 4500 IN PTR ${instance}.${ipp}.`;

describe("subscribing", () => {
  test("given up and wanted again before the answer: never asked for twice [PUSH-09] [PUSH-32]", () => {
    const bench = new Bench();
    const { subscriber } = bench;
    expect(subscriber.subscribe(at(0), question())).toBe(2);
    bench.sent();
    subscriber.unsubscribe(at(0), 2);
    expect(subscriber.size).toBe(0);
    expect(subscriber.subscribe(at(0), question("_IPP._tcp.lab.example.com"))).toBe(2);
    expect([subscriber.size, bench.sent()]).toEqual([1, []]);
    bench.says(withId(1, example("E02")), withId(2, example("E21")));
    expect(bench.outcomes).toEqual([{ kind: "accepted", id: 2 }]);
    expect(bench.sent()).toEqual([]);
  });

  test("a Keepalive and the SUBSCRIBE leave together, as in the examples [PUSH-06] [DSO-36]", () => {
    const bench = new Bench();
    bench.subscriber.subscribe(at(0), question());
    expect(bench.sent()).toEqual([
      toHex(withId(1, example("E01"))),
      toHex(withId(2, example("E20"))),
    ]);
  });

  test("what comes is put together from any pieces", () => {
    const bench = subscribed();
    const outcomes = [...framed("E23")].flatMap((byte) =>
      bench.subscriber.receive(at(1), Uint8Array.of(byte)),
    );
    expect(outcomes).toHaveLength(1);
  });

  test("a SUBSCRIBE TLV in the response is skipped [PUSH-08]", () => {
    const bench = new Bench();
    bench.subscriber.subscribe(at(0), question());
    const echo = hex(`0002 b000 ${zeros} 0040001f${toHex(example("E20").slice(16))}`);
    bench.says(withId(1, example("E02")), echo);
    expect(bench.outcomes).toEqual([{ kind: "accepted", id: 2 }]);
  });

  test("a subscription that is not wanted any more is ended once there is one [PUSH-32]", () => {
    const bench = new Bench();
    const id = bench.subscriber.subscribe(at(0), question()) as number;
    bench.sent();
    bench.subscriber.unsubscribe(at(0), id);
    expect(bench.sent()).toEqual([]);
    bench.says(withId(1, example("E02")), withId(2, example("E21")), "E23");
    expect(bench.sent()).toEqual([toHex(example("E28")).replace(/0102$/, "0002")]);
    expect([bench.outcomes, bench.changes()]).toEqual([[], []]);
  });

  test("UNSUBSCRIBE has the SUBSCRIBE's ID; what still comes is skipped [PUSH-31]", () => {
    const bench = subscribed();
    bench.subscriber.unsubscribe(at(1), 2);
    expect(bench.sent()).toEqual([toHex(example("E28")).replace(/0102$/, "0002")]);
    bench.says("E23");
    expect(bench.changes()).toEqual([]);
    expect(bench.subscriber.size).toBe(0);
  });

  test("no more than a thousand on one session", () => {
    const bench = new Bench();
    for (let count = 0; count < subscriptionsMax; count++) {
      expect(bench.subscriber.subscribe(at(0), question(`a${count}.example`))).toBeDefined();
    }
    expect(bench.subscriber.subscribe(at(0), question())).toBe(undefined);
  });

  test("RECONFIRM is one compressed record without TTL and length [PUSH-34]", () => {
    const bench = subscribed();
    const srv = `Lobby.${ipp}. 120 SRV 0 0 631 printer.lab.example.com.`;
    bench.subscriber.reconfirm(at(1), parseRR(srv));
    expect(bench.sent()).toEqual([toHex(example("E29"))]);
  });
});

describe("what is refused", () => {
  const hour = seconds(3600);
  const minutes = seconds(300);

  test.each<readonly [string, number, number, "zone" | "server"]>([
    ["b001", 1, minutes, "server"],
    ["b002", 2, seconds(60), "server"],
    ["b003", 3, minutes, "server"],
    ["b004", 4, hour, "server"],
    ["b005", 5, minutes, "server"],
    ["b009", 9, minutes, "zone"],
    ["b00b", 11, hour, "server"],
  ])("rcode %s without a delay: the usual one [PUSH-15]", (flags, rcode, retryDelay, scope) => {
    const bench = new Bench();
    bench.subscriber.subscribe(at(0), question());
    bench.says(withId(1, example("E02")), hex(`0002 ${flags} ${zeros}`));
    expect(bench.outcomes).toEqual([{ kind: "refused", id: 2, rcode, retryDelay, scope }]);
  });

  test("a delay that is stated counts, and the session stays [PUSH-15] [DSO-24] [DSO-45]", () => {
    const bench = new Bench();
    bench.subscriber.subscribe(at(0), question());
    const short = toHex(example("E22")).replace(/000493e0$/, "000007d0");
    bench.says(withId(1, example("E02")), withId(2, hex(short)));
    expect(bench.outcomes).toMatchObject([{ kind: "refused", retryDelay: seconds(2) }]);
    expect(bench.subscriber.isOver).toBe(false);
    expect(bench.subscriber.subscribe(at(1), question("other.example"))).toBe(3);
  });

  test("a second response takes a subscription back [DSO-25]", () => {
    const bench = subscribed();
    bench.says(withId(2, example("E22")));
    const refusal = { kind: "refused", id: 2, rcode: 9, retryDelay: minutes, scope: "zone" };
    expect(bench.outcomes).toEqual([refusal]);
    bench.says("E23");
    expect(bench.changes()).toEqual([]);
  });

  test("a server without sessions is left [DSO-06]", () => {
    const bench = new Bench();
    bench.subscriber.subscribe(at(0), question());
    bench.says(hex(`0001 b004 ${zeros}`));
    expect(bench.outcomes).toEqual([{ kind: "close", rcode: 4, retryDelay: hour }]);
    expect(bench.subscriber.subscribe(at(0), question())).toBe(undefined);
  });

  test("30 s of silence end in a reset [DSO-06]", () => {
    const bench = new Bench();
    bench.subscriber.subscribe(at(0), question());
    bench.run(29);
    expect(bench.outcomes).toEqual([]);
    bench.run(31);
    expect(bench.outcomes).toEqual([{ kind: "abort", reason: "no-response" }]);
  });

  test("Retry Delay as a message of its own: close, and stay away [DSO-43] [DSO-45]", () => {
    const bench = subscribed().says("E04");
    expect(bench.outcomes).toEqual([{ kind: "close", rcode: 2, retryDelay: seconds(60) }]);
    expect(bench.subscriber.nextDeadline()).toBe(undefined);
  });
});

describe("what is pushed", () => {
  test("adds and removals of one record [PUSH-20] [PUSH-22]", () => {
    const bench = subscribed().says("E23");
    expect(bench.changes()).toEqual([added("Lobby")]);
    bench.says("E24");
    expect(bench.changes()).toEqual([removed("Lobby"), added("Foyer")]);
  });

  test.each(["E25", "E26", "E27"])("collective removal %s [PUSH-23]", (id) => {
    const bench = subscribed().says("E24", id);
    expect(bench.changes()).toEqual([added("Foyer"), removed("Foyer")]);
  });

  test("a collective removal takes no other type, class or name [PUSH-23]", () => {
    const bench = subscribed(question(ipp, RRType.ANY, RRClass.ANY));
    bench.says("E23", push(`${owner} 0010 0003 00001194 0002 0161`));
    expect(bench.changes()).toHaveLength(2);
    // The TXT RRset of class IN; all types of class HS; everything at another name.
    bench.says(push(`${owner} 0010 0001 fffffffe 0000`));
    bench.says(push(`${owner} 00ff 0004 fffffffe 0000`));
    bench.says(push("0161 00 0000 00ff fffffffe 0000"));
    expect(bench.changes()).toEqual([]);
    bench.says(push(`${owner} 00ff 0003 fffffffe 0000`));
    expect(bench.changes()).toEqual([`- ${ipp}. 4500 IN TXT "a"`.replace("IN", "CH")]);
    bench.says("E27");
    expect(bench.changes()).toEqual([removed("Lobby")]);
  });

  test("type and class ANY get everything at the name [PUSH-12] [PUSH-29]", () => {
    const name = `Lobby.${ipp}`;
    const bench = subscribed(question(name, RRType.ANY, RRClass.ANY)).says("E30");
    expect(bench.changes()).toEqual([
      `+ ${name}. 120 IN SRV 0 0 631 printer.lab.example.com.`,
      `+ ${name}. 4500 IN TXT "txtvers=1"`,
    ]);
  });

  test("names match without case, other names, types and classes are skipped [PUSH-29]", () => {
    expect(subscribed(question(ipp.toUpperCase())).says("E23").changes()).toHaveLength(1);
    for (const other of [question("_ftp._tcp.lab.example.com"), question(ipp, 16)]) {
      expect(subscribed(other).says("E23").changes()).toEqual([]);
    }
    expect(
      subscribed(question(ipp, 12, RRClass.CH))
        .says("E23")
        .changes(),
    ).toEqual([]);
  });

  test("a CNAME matches any type, and type CNAME nothing else [PUSH-13]", () => {
    const cname = push(`${owner} 0005 0001 00001194 0004 0161c010`);
    const one = subscribed().says(cname);
    expect(one.changes()).toEqual([`+ ${ipp}. 4500 IN CNAME a.${ipp}.`]);
    one.says(push(`${owner} 0005 0001 fffffffe 0000`));
    expect(one.changes()).toHaveLength(1);
    const other = subscribed(question(ipp, RRType.CNAME)).says(cname, "E23");
    expect(other.changes()).toHaveLength(1);
  });

  test("reserved TTLs are skipped, what follows is not [PUSH-24]", () => {
    for (const ttl of ["80000000", "fffffffd"]) {
      const change = `${owner} 000c 0001 ${ttl} ${lobby.replace(/^/, "00")}`;
      const second = "c010 000c 0001 00001194 0008 05466f796572c010";
      expect(
        subscribed()
          .says(push(`${change} ${second}`))
          .changes(),
      ).toEqual([added("Foyer")]);
    }
  });

  test("empty rdata is rdata [PUSH-22]", () => {
    const bench = subscribed(question(ipp, RRType.TXT));
    bench.says(push(`${owner} 0010 0001 00001194 0000`));
    expect(bench.changes()).toHaveLength(1);
    bench.says(push(`${owner} 0010 0001 ffffffff 0000`));
    expect(bench.changes()).toHaveLength(1);
    expect(bench.copy.size).toBe(0);
  });

  test.each<readonly [string, Uint8Array]>([
    ["no change [PUSH-19]", push("")],
    ["half a change [PUSH-19]", push(`${owner} 000c 0001 0000`)],
    ["rdata beyond the TLV [PUSH-19]", push(`${owner} 000c 0001 00001194 0009 054c6f626279c010`)],
    ["an add of type ANY [PUSH-20]", push(`${owner} 00ff 0001 00001194 00${lobby}`)],
    ["an add of class ANY [PUSH-20]", push(`${owner} 000c 00ff 00001194 00${lobby}`)],
    ["a removal of type ANY [PUSH-22]", push(`${owner} 00ff 0001 ffffffff 00${lobby}`)],
    ["a removal of class ANY [PUSH-22]", push(`${owner} 000c 00ff ffffffff 00${lobby}`)],
    ["rdata in a collective removal [PUSH-23]", push(`${owner} 000c 0001 fffffffe 00${lobby}`)],
    ["a good change, then a broken one", push(`${toHex(example("E23").slice(16))} 00`)],
    ["a PUSH with an ID [PUSH-17]", withId(9, example("E23"))],
    ["a PUSH as a response [PUSH-17]", hex(toHex(example("E23")).replace(/^00003/, "0000b"))],
    ["a response that nobody waits for [DSO-12]", withId(77, example("E21"))],
    ["a response without ID [DSO-11]", withId(0, example("E21"))],
    ["a SUBSCRIBE [PUSH-17]", withId(0x77, example("E20"))],
    ["an UNSUBSCRIBE [PUSH-17]", example("E28")],
    ["a RECONFIRM [PUSH-17]", example("E29")],
    ["an unknown one-way message", example("E11")],
    ["a message of five bytes", hex("0102030405")],
  ])("%s: reset, and nothing of it counts", (_, bytes) => {
    const bench = subscribed().says(bytes);
    expect(bench.outcomes).toMatchObject([{ kind: "abort" }]);
    expect(bench.changes()).toEqual([]);
    expect(bench.subscriber.isOver).toBe(true);
  });

  test("16,382 bytes are the most [PUSH-28]", () => {
    // TXT records with distinct strings, 255 bytes of text each at most.
    const pushOf = (length: number) => {
      const first = 16 + 27 + 10;
      let left = length - first;
      const strings: string[] = [];
      while (left > 0) {
        const size = Math.min(255, left - 1);
        strings.push(size.toString(16).padStart(2, "0") + "61".repeat(size));
        left -= size + 1;
      }
      const rdata = strings.join("");
      const rdlen = (rdata.length / 2).toString(16).padStart(4, "0");
      return push(`${owner} 0010 0001 00001194 ${rdlen} ${rdata}`);
    };
    expect(pushOf(16_382)).toHaveLength(16_382);
    expect(subscribed(question(ipp, 16)).says(pushOf(16_382)).changes()).toHaveLength(1);
    const bench = subscribed(question(ipp, 16)).says(pushOf(16_383));
    expect(bench.outcomes).toMatchObject([{ kind: "abort" }]);
  });

  test("before the session exists a PUSH is fatal, before the response it is skipped", () => {
    const early = new Bench();
    early.subscriber.subscribe(at(0), question());
    early.says("E23");
    expect(early.outcomes).toEqual([{ kind: "abort", reason: "early-one-way" }]);
    const bench = new Bench();
    bench.subscriber.subscribe(at(0), question());
    bench.says(withId(1, example("E02")), "E23");
    expect([bench.outcomes, bench.changes()]).toEqual([[], []]);
  });
});

describe("the session's timers", () => {
  test("a subscription keeps it, a Keepalive leaves once an hour [DSO-29] [DSO-31]", () => {
    const bench = subscribed();
    bench.run(3599);
    expect(bench.sent()).toEqual([]);
    bench.run(3601);
    expect(bench.sent()).toEqual([toHex(withId(3, example("E01")))]);
    expect(bench.outcomes).toEqual([]);
  });

  test("without one it is closed after what was granted [DSO-30]", () => {
    const bench = subscribed();
    bench.subscriber.unsubscribe(at(0), 2);
    bench.run(29);
    expect(bench.outcomes).toEqual([]);
    bench.run(31);
    expect(bench.outcomes).toEqual([{ kind: "close", rcode: 0 }]);
  });

  test("values that the server sends of its own accord bind, unanswered [DSO-38]", () => {
    const bench = subscribed();
    bench.says(hex(`0000 3000 ${zeros} 00010008 00007530 00004e20`));
    bench.run(19);
    expect(bench.sent()).toEqual([]);
    bench.run(21);
    expect(bench.sent()).toHaveLength(1);
  });

  test("an interval below 10 s is fatal [DSO-32]", () => {
    const bench = subscribed();
    bench.says(hex(`0000 3000 ${zeros} 00010008 00007530 0000270f`));
    expect(bench.outcomes).toMatchObject([{ kind: "abort" }]);
  });
});

describe("the copy", () => {
  const rr = (ttl: number, target = "a") => parseRR(`${ipp}. ${ttl} PTR ${target}.${ipp}.`);
  const names = (copy: Copy) => copy.takeChanges().map(({ kind }) => kind);

  test("TTLs stand still while subscribed and run afterwards [PUSH-30]", () => {
    const copy = new Copy();
    copy.add(rr(120));
    copy.expire(at(100_000));
    expect([names(copy), copy.nextDeadline()]).toEqual([["added"], undefined]);
    copy.age(at(100_000));
    expect(copy.nextDeadline()).toBe(at(100_120));
    copy.expire(at(100_119));
    expect(names(copy)).toEqual([]);
    copy.expire(at(100_120));
    expect(names(copy)).toEqual(["removed"]);
  });

  test("an add with TTL 0 lasts as long as the subscription [PUSH-21]", () => {
    const copy = new Copy();
    copy.add(rr(0));
    copy.expire(at(1000));
    expect(names(copy)).toEqual(["added"]);
    copy.age(at(1000));
    expect(names(copy)).toEqual(["removed"]);
  });

  test("another TTL is no other record, and counts from then on [PUSH-30]", () => {
    const copy = new Copy();
    copy.add(rr(120));
    copy.add(rr(60));
    expect(names(copy)).toEqual(["added"]);
    copy.age(at(0));
    expect(copy.nextDeadline()).toBe(at(60));
  });

  test("what is told again lasts again, whatever its age", () => {
    const copy = new Copy();
    copy.add(rr(120));
    copy.age(at(0));
    copy.add(rr(120));
    copy.expire(at(1000));
    expect([names(copy), copy.nextDeadline()]).toEqual([["added"], undefined]);
  });

  test("a collective removal takes the last of a type as well as the first [PUSH-23]", () => {
    const copy = new Copy();
    for (const one of ["a", "b", "c"]) copy.add(rr(120, one));
    copy.remove(rr(120, "a"));
    copy.remove(rr(120, "b"));
    const { name, type, class: rrClass } = rr(120);
    copy.apply({ kind: "remove-all", name, type, class: rrClass });
    expect(copy.size).toBe(0);
  });

  test("what the next server does not confirm goes when things have settled", () => {
    const copy = new Copy();
    for (const one of ["a", "b"]) copy.add(rr(4500, one));
    copy.age(at(0));
    copy.settle(at(10));
    copy.add(rr(4500, "a"));
    names(copy);
    copy.expire(at(9));
    expect(names(copy)).toEqual([]);
    copy.expire(at(10));
    expect(copy.rrs.map(formatRR)).toEqual([formatRR(rr(4500, "a"))]);
  });

  test("it has room for ten thousand records; what is too much is counted", () => {
    const counts = new Counts();
    const copy = new Copy(counts);
    for (let count = 0; count <= recordsMax; count++) copy.add(rr(60, `i${count}`));
    expect(copy.size).toBe(recordsMax);
    expect(counts.of("client-drops", "records")).toBe(1);
  });
});
