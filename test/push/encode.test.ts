// PUSH messages byte for byte, and the forms of removals (RFC 8765 §6.3.1).

import { describe, expect, test } from "vitest";
import {
  difference,
  identityOf,
  type PushChange,
  type RRsAtName,
  removals,
} from "../../src/push/change.js";
import { encodePushes } from "../../src/push/encode.js";
import { parseName } from "../../src/wire/name.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { decodeTlvs } from "../../src/wire/tlv.js";
import { answerTo } from "../dso/stage.js";
import { toHex } from "../wire/captures.js";
import { Subscriber } from "./subscriber.js";

const type = parseName("_ipp._tcp.lab.example.com.");
const lobby = parseRR("_ipp._tcp.lab.example.com. 4500 PTR Lobby._ipp._tcp.lab.example.com.");
const foyer = parseRR("_ipp._tcp.lab.example.com. 4500 PTR Foyer._ipp._tcp.lab.example.com.");
const instance = "Lobby._ipp._tcp.lab.example.com.";
const srv = parseRR(`${instance} 120 SRV 0 0 631 printer.lab.example.com.`);
const txt = parseRR(`${instance} 4500 TXT "txtvers=1"`);

const never = () => expect.fail("a record was left out");

const add = (rr: typeof lobby): PushChange => ({ kind: "add", rr });

describe("the specification's examples", () => {
  test.each<
    readonly [string, "E23" | "E24" | "E25" | "E26" | "E27" | "E30", readonly PushChange[]]
  >([
    ["an add [PUSH-19] [PUSH-20]", "E23", [add(lobby)]],
    ["one removed, one added [PUSH-22]", "E24", [{ kind: "remove", rr: lobby }, add(foyer)]],
    ["an RRset [PUSH-23]", "E25", [{ kind: "remove-all", name: type, type: 12, class: 1 }]],
    ["all types [PUSH-23]", "E26", [{ kind: "remove-all", name: type, type: 255, class: 1 }]],
    ["all classes [PUSH-23]", "E27", [{ kind: "remove-all", name: type, type: 0, class: 255 }]],
    ["SRV and TXT, the target compressed [PUSH-27]", "E30", [add(srv), add(txt)]],
  ])("%s, %s", (_what, id, changes) => {
    expect(encodePushes(changes, never).map(toHex)).toEqual(answerTo(id));
  });
});

const mapOf = (...lines: readonly string[]): RRsAtName =>
  new Map(
    lines.map((line) => {
      const rr = parseRR(`a.lab. ${line}`);
      return [identityOf(rr), rr];
    }),
  );

/** A change in short: `- rdata`, `-- type`. */
function short(change: PushChange): string {
  if (change.kind === "remove-all") return `-- ${change.type}`;
  return `${change.kind === "add" ? "+" : "-"} ${formatRR(change.rr).split(" ").slice(3).join(" ")}`;
}

describe("removals", () => {
  const a = ["120 A 192.0.2.1", "120 A 192.0.2.2"] as const;
  const held = { name: parseName("a.lab."), held: mapOf(), isAny: false };
  test.each([
    ["nothing", held, mapOf(), []],
    ["a whole RRset [PUSH-26]", held, mapOf(...a), ["-- 1"]],
    ["a part of one", { ...held, held: mapOf(a[0]) }, mapOf(a[1]), ["- A 192.0.2.2"]],
    [
      "one whole, one in part",
      { ...held, held: mapOf(a[0]) },
      mapOf(a[1], "120 TXT x"),
      ["-- 16", "- A 192.0.2.2"],
    ],
    [
      "two types, for who subscribed to one of them",
      held,
      mapOf(a[0], "120 TXT x"),
      ["-- 1", "-- 16"],
    ],
    [
      "two types, for who subscribed to ANY alone [PUSH-26]",
      { ...held, isAny: true },
      mapOf(a[0], "120 TXT x"),
      ["-- 255"],
    ],
    ["one type, for who subscribed to ANY", { ...held, isAny: true }, mapOf(...a), ["-- 1"]],
    [
      "two types, while a third is held",
      { ...held, isAny: true, held: mapOf("120 HINFO a b") },
      mapOf(a[0], "120 TXT x"),
      ["-- 1", "-- 16"],
    ],
  ])("%s", (_what, holding, gone, want) => {
    expect(removals(holding, gone).map(short)).toEqual(want);
  });
});

describe("difference", () => {
  test("the same records, in other letters: none [PUSH-30]", () => {
    const told = mapOf("120 PTR B.lab.", "120 TXT x");
    expect(difference(told, mapOf("120 TXT x", "120 PTR b.lab."))).toBe(undefined);
    expect(difference(mapOf("120 TXT x"), mapOf("120 TXT X"))).toBeDefined();
  });

  test("another TTL: an add [PUSH-30]", () => {
    const delta = difference(mapOf("120 TXT x"), mapOf("60 TXT x"));
    expect(delta?.gone.size).toBe(0);
    expect([...(delta?.came.values() ?? [])].map((rr) => rr.ttlSeconds)).toEqual([60]);
  });
});

describe("size", () => {
  const many = Array.from({ length: 1500 }, (_each, index) =>
    add(
      parseRR(`_ipp._tcp.lab.example.com. 4500 PTR Printer\\ ${index}._ipp._tcp.lab.example.com.`),
    ),
  );

  test("split at record borders, nothing lost, each parses alone [PUSH-28]", () => {
    const messages = encodePushes(many, never);
    expect(messages.length).toBeGreaterThan(2);
    const client = new Subscriber(1);
    client.wants(1, "_ipp._tcp.lab.example.com.", "PTR");
    for (const message of messages) {
      expect(message.length).toBeLessThanOrEqual(16_382);
      client.receives(message);
    }
    expect(client.copy.length).toBe(1500);
    // Filled as far as the next record allows.
    for (const message of messages.slice(0, -1)) expect(message.length).toBeGreaterThan(16_300);
  });

  const opaque = (size: number): PushChange => ({
    kind: "add",
    rr: { ...txt, type: 65_280, rdata: { kind: "opaque", bytes: new Uint8Array(size) } },
  });
  // Header 12, TLV header 4, owner 33, type 2, class 2, TTL 4, length 2.
  const most = 16_382 - 12 - 4 - 33 - 10;

  test("the largest record fills a message to the last byte [PUSH-28]", () => {
    const messages = encodePushes([opaque(most), add(txt)], never);
    expect(messages.map((message) => message.length)).toEqual([16_382, messages[1]?.length]);
    expect(messages.length).toBe(2);
    for (const message of messages) expect(decodeTlvs(message).length).toBe(1);
  });

  test("a larger one is left out, and what is around it is told", () => {
    let skipped = 0;
    const skip = () => {
      skipped += 1;
    };
    const sizes = (changes: readonly PushChange[]) => encodePushes(changes, skip).length;
    expect(sizes([add(txt), opaque(most + 1), add(srv)])).toBe(2);
    expect(sizes([opaque(most + 1), add(srv)])).toBe(1);
    expect(sizes([opaque(60_000)])).toBe(0);
    expect(sizes([add(srv), opaque(70_000)])).toBe(1);
    expect(sizes([])).toBe(0);
    expect(skipped).toBe(4);
  });

  test("names in SVCB and NAPTR are written out [PUSH-27]", () => {
    const target = "printer.lab.example.com.";
    const lines = [
      `${instance} 120 SVCB 1 ${target}`,
      `${instance} 120 NAPTR 1 1 "" "" "" ${target}`,
    ];
    const [message] = encodePushes(lines.map(parseRR).map(add), never);
    const written = toHex(Buffer.from("\x07printer\x03lab\x07example\x03com\0", "latin1"));
    expect(toHex(message!).split(written).length).toBe(3);
  });
});
