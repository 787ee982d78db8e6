// The client's end of a session: what it says, what it takes, when it keeps the
// session alive, closes it, or resets it.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ClientOutcome, ClientSession } from "../../src/dso/client-session.js";
import { ServerSession } from "../../src/dso/server-session.js";
import { type Instant, ms } from "../../src/time.js";
import { hex, toHex } from "../wire/captures.js";
import { example, exampleIds } from "./examples.js";
import { at, bytesOf, granted } from "./stage.js";

const wishes = { inactivity: ms(15_000), keepalive: ms(3_600_000) };
const zeros = "0000 0000 0000 0000";
const subscribe = { type: 0x40, bytes: example("E20").slice(16) };

/** A client that has sent SUBSCRIBE with ID 1, which was granted. */
function subscribed(): ClientSession {
  const session = new ClientSession(at(0), wishes);
  session.request(at(0), subscribe);
  session.receive(at(0), hex(`0001 b000 ${zeros}`));
  session.takeMessages();
  return session;
}

/** Lets time pass; the outcomes that were more than nothing, with their seconds. */
function run(session: ClientSession, from: number, until: number): [number, ClientOutcome][] {
  const found: [number, ClientOutcome][] = [];
  let now: Instant = at(from);
  for (;;) {
    const next = session.nextDeadline();
    if (next === undefined || next > at(until)) return found;
    now = next > now ? next : now;
    const outcome = session.expire(now);
    if (outcome.kind !== "done") found.push([(now - at(0)) / 1000, outcome]);
  }
}

describe("requests", () => {
  test("a Keepalive repeats the wishes; the server's values bind [DSO-36]", () => {
    const session = new ClientSession(at(0), wishes);
    expect(session.keepalive(at(0))).toBe(1);
    expect(session.takeMessages().map(toHex)).toEqual([
      toHex(hex(`0001 3000 ${zeros}`)) + toHex(example("E01").slice(12)),
    ]);
    const response = example("E02");
    response.set([0, 1]);
    expect(session.receive(at(1), response)).toEqual({ kind: "response", id: 1, rcode: 0 });
    expect(session.isEstablished).toBe(true);
    expect(run(session, 1, 100)).toEqual([[30, { kind: "close" }]]);
  });

  test("an ID is not used again while its subscription lasts [DSO-15]", () => {
    const session = subscribed();
    const ids = new Set<number>();
    for (let turn = 0; turn < 70_000; turn++) {
      const id = session.request(at(0), { type: 0xf800, bytes: new Uint8Array(0) });
      ids.add(id);
      session.receive(at(0), hex(`${id.toString(16).padStart(4, "0")} b00b ${zeros}`));
    }
    expect(ids.size).toBe(0xffff - 1);
    expect(ids.has(1)).toBe(false);
    session.takeMessages();
  });

  test("nothing one-way before the session [DSO-09]", () => {
    const session = new ClientSession(at(0), wishes);
    session.tell(at(0), { type: 0x42, bytes: hex("0102") });
    expect(session.takeMessages()).toEqual([]);
    const open = subscribed();
    open.tell(at(0), { type: 0x42, bytes: hex("0102") });
    expect(open.takeMessages().map(toHex)).toEqual([toHex(example("E28"))]);
  });
});

describe("what the server says", () => {
  const nothing = { kind: "done" } as const;
  const abort = (reason: string) => ({ kind: "abort", reason }) as const;

  test.each<readonly [string, string, object]>([
    ["a response to nothing [DSO-12]", "E02", abort("stray-response")],
    ["a response without ID [DSO-11]", `0000 b000 ${zeros}`, abort("stray-response")],
    ["a second NOERROR", `0001 b000 ${zeros}`, abort("stray-response")],
    [
      "an end with a delay [DSO-25]",
      `0001 b009 ${zeros} 0002 0004 000493e0`,
      { kind: "ended", id: 1, rcode: 9, retryDelay: 300_000 },
    ],
    ["an end without", `0001 b005 ${zeros}`, { kind: "ended", id: 1, rcode: 5 }],
    ["an ordinary message", "0d01 8000 0000 0000 0000 0000", { kind: "ordinary" }],
    ["a Keepalive unasked [DSO-38]", "E03", nothing],
    [
      "a Keepalive with ID [DSO-38]",
      `0007 3000 ${zeros} 0001 0008 00007530 0036ee80`,
      abort("stray-request"),
    ],
    [
      "an interval below ten seconds [DSO-32]",
      `0000 3000 ${zeros} 0001 0008 00007530 0000270f`,
      abort("wrong-keepalive"),
    ],
    [
      "a Keepalive that is cut",
      `0000 3000 ${zeros} 0001 0007 00007530 0036ee`,
      abort("wrong-keepalive"),
    ],
    [
      "two Keepalive TLVs [DSO-18]",
      `0000 3000 ${zeros} 0001 0008 00007530 0036ee80 0001 0008 00007530 0036ee80`,
      abort("wrong-keepalive"),
    ],
    ["a Retry Delay [DSO-45]", "E04", { kind: "close", rcode: 2, retryDelay: 60_000 }],
    [
      "a Retry Delay that is cut",
      `0000 3000 ${zeros} 0002 0003 0000ea`,
      abort("wrong-retry-delay"),
    ],
    ["UNSUBSCRIBE [PUSH-17]", "E28", abort("stray-one-way")],
    ["SUBSCRIBE [PUSH-17]", "E20", abort("stray-request")],
    ["one-way of an unknown type [DSO-20]", "E11", abort("stray-one-way")],
    ["a request of an unknown type [DSO-20]", "E05", nothing],
    ["one-way without TLV", `0000 3000 ${zeros}`, abort("early-one-way")],
    ["a request without TLV", `0007 3000 ${zeros}`, abort("broken")],
    ["TLVs that overrun", `0000 3000 ${zeros} 0041 0004 00`, abort("broken")],
    ["a count [DSO-10]", `0000 3000 0001 0000 0000 0000 0041 0000`, abort("broken")],
    ["eleven bytes", "0000 3000 0000 0000 0000 00", abort("short")],
  ])("%s", (_what, message, want) => {
    const session = subscribed();
    expect(session.receive(at(1), bytesOf(message))).toEqual(want);
    const replies = session.takeMessages().map(toHex);
    expect(replies).toEqual(message === "E05" ? [toHex(example("E06"))] : []);
    if (want === nothing || "id" in want || message.startsWith("0d01")) return;
    expect(session.nextDeadline()).toBe(undefined);
    expect(session.receive(at(1), example("E23"))).toEqual(nothing);
  });

  test("a PUSH is handed on [PUSH-17]; before the session it is fatal", () => {
    const outcome = subscribed().receive(at(1), example("E23"));
    expect(outcome.kind === "one-way" && outcome.tlv.type).toBe(0x41);
    const early = new ClientSession(at(0), wishes);
    expect(early.receive(at(0), example("E23"))).toEqual(abort("early-one-way"));
  });

  test.each([
    ["no Keepalive TLV in the answer to one [DSO-18]", `0001 b000 ${zeros}`],
    ["another in front of it", `0001 b000 ${zeros} 0003 0000 0001 0008 00007530 0036ee80`],
  ])("%s", (_what, message) => {
    const session = new ClientSession(at(0), wishes);
    session.keepalive(at(0));
    expect(session.receive(at(0), bytesOf(message))).toEqual(abort("wrong-keepalive"));
  });
});

describe("timers", () => {
  test("no response for thirty seconds: reset [DSO-06]", () => {
    const session = new ClientSession(at(0), wishes);
    expect(session.nextDeadline()).toBe(undefined);
    session.keepalive(at(0));
    expect(run(session, 0, 29.9)).toEqual([]);
    expect(run(session, 0, 100)).toEqual([[30, { kind: "abort", reason: "no-response" }]]);
  });

  test("a refusal is a response: the stream is left to ordinary messages [DSO-06]", () => {
    const session = new ClientSession(at(0), wishes);
    session.keepalive(at(0));
    session.receive(at(1), hex(`0001 b004 ${zeros}`));
    expect(session.nextDeadline()).toBe(undefined);
    expect(session.isEstablished).toBe(false);
  });

  test("with a subscription: a Keepalive whenever the interval has passed [DSO-31] [DSO-27]", () => {
    const session = subscribed();
    expect(run(session, 0, 50)).toEqual([]);
    expect(session.takeMessages().length).toBe(3);
  });

  test("when the last one has ended: closed at the timeout, Keepalives or not [DSO-30] [DSO-28]", () => {
    const session = subscribed();
    run(session, 0, 40);
    session.ended(at(40), 1);
    session.ended(at(40), 1);
    expect(run(session, 40, 100)).toEqual([[55, { kind: "close" }]]);
  });
});

test("both ends together, for an hour: the session stays, then the client goes", () => {
  const client = new ClientSession(at(0), wishes);
  const server = new ServerSession(at(0), { isSecure: true, granted });
  const exchange = (now: Instant) => {
    for (const bytes of client.takeMessages()) {
      const outcome = server.receive(now, bytes);
      if (outcome.kind === "request") server.respond(now, outcome.request, { rcode: 0 });
    }
    for (const bytes of server.takeMessages()) {
      expect(client.receive(now, bytes).kind).not.toBe("abort");
    }
  };
  const id = client.request(at(0), subscribe);
  exchange(at(0));
  let closedAt = 0;
  for (let second = 1; second < 9000 && closedAt === 0; second++) {
    if (second === 8000) {
      client.ended(at(second), id);
      server.ended(at(second), id);
    }
    expect(server.expire(at(second)).kind).toBe("done");
    if (client.expire(at(second)).kind === "close") closedAt = second;
    exchange(at(second));
  }
  expect(closedAt).toBe(8030);
});

test("whatever comes: no exception, and nothing after a reset", () => {
  const bent = fc.record({ id: fc.constantFrom(...exampleIds), at: fc.nat(40), byte: fc.nat(255) });
  const message = bent.map(({ id, at: place, byte }) => {
    const bytes = bytesOf(id);
    if (place < bytes.length) bytes[place] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(message, fc.uint8Array({ maxLength: 40 }))), (messages) => {
      const session = subscribed();
      session.keepalive(at(0));
      session.takeMessages();
      let isOver = false;
      for (const bytes of messages) {
        const outcome = session.receive(at(1), bytes);
        const said = session.takeMessages();
        if (isOver) expect([outcome.kind, said]).toEqual(["done", []]);
        isOver ||= outcome.kind === "abort" || outcome.kind === "close";
      }
    }),
    { numRuns: 1000, seed: 1 },
  );
});
