// What is counted of queries: each answer once, under what it was, whichever way it
// was come by, and with the time that it took.

import { beforeEach, expect, test } from "vitest";
import { Counts } from "../../src/counts.js";
import { defaultLimits } from "../../src/limits.js";
import { silentLog } from "../../src/log.js";
import { Link } from "../../src/mdns/link.js";
import type { Asker } from "../../src/query/asker.js";
import { Queries } from "../../src/query/queries.js";
import { UpdateTally, updatedZonesMax } from "../../src/tally.js";
import { after, type Instant, seconds } from "../../src/time.js";
import { parseType } from "../../src/wire/codes.js";
import { encodeMessage } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import { at, options as linkOptions, prefixes, rrs, steady } from "../mdns/stage.js";
import { listOf, optionsOf, rich } from "../proxy/floor.js";

const peer = { address: "10.5.0.7", port: 4000 };
const udp: Asker = { transport: "udp", listener: "l", peer };
const tls: Asker = { transport: "tls", stream: 1, peer };

let counts: Counts;
let link: Link;
let queries: Queries;
let now: Instant;

beforeEach(() => {
  now = at(0);
  counts = new Counts();
  link = new Link(linkOptions, steady(0), counts);
  link.up(now, { prefixes, mtu: 1500 });
  const options = {
    proxy: optionsOf({ allow: listOf("10.0.0.0/8") }),
    limits: defaultLimits,
    logQueries: "none",
    cookies: false,
  } as const;
  queries = new Queries(options, () => link, steady(0), silentLog, counts);
});

/** One query; whether it was answered from memory. */
function ask(line: string, asker = udp): boolean {
  const [name = "", type = ""] = line.split(" ");
  const questions = [{ name: parseName(name), type: parseType(type)!, class: 1 }];
  const bytes = encodeMessage({ id: 7, questions });
  if (asker.transport === "udp" && queries.ready(now, asker, bytes) !== undefined) return true;
  queries.receive(now, asker, bytes);
  return false;
}

/** `transport type rcode zone` and how often, as far as anything was counted. */
const counted = () =>
  Object.fromEntries(
    [...queries.tallies.queries.all()]
      .filter(([, count]) => count > 0)
      .map(([{ transport, type, rcode, zone }, count]) => [
        `${transport} ${type} ${rcode} ${zone}`,
        count,
      ]),
  );

const shown = "Building 1.example.com";

test("an answer that is made, and those that are given from memory", () => {
  expect([ask(`${rich} SOA`), ask(`${rich} SOA`), ask(`${rich} SOA`)]).toEqual([false, true, true]);
  expect(counted()).toEqual({ [`udp SOA NOERROR ${shown}`]: 3 });
  expect(counts.of("answer-cache-hits")).toBe(2);
  expect(counts.of("answer-cache-misses")).toBe(1);
  expect(queries.tallies.latency.cumulative()[0]).toBe(3);
});

test("streams are told from datagrams, and one from another", () => {
  ask(`${rich} SOA`, tls);
  ask(`${rich} SOA`, tls);
  ask(`${rich} SOA`);
  expect(counted()).toEqual({
    [`tls SOA NOERROR ${shown}`]: 2,
    [`udp SOA NOERROR ${shown}`]: 1,
  });
});

test("names outside our zones, types without a name, messages without a question", () => {
  ask("www.example.org A");
  ask("printer.local A");
  ask(`${rich} TYPE65280`);
  const broken = encodeMessage({ id: 7 });
  queries.receive(now, udp, broken);
  expect(counted()).toEqual({
    "udp A REFUSED ": 1,
    "udp A NXDOMAIN ": 1,
    [`udp other NOERROR ${shown}`]: 1,
    "udp other FORMERR ": 1,
  });
});

test("who waits for a link is counted when he has his answer, with the wait", () => {
  ask(`_ipp._tcp.${rich} PTR`);
  expect(counted()).toEqual({});
  const end = after(now, seconds(6));
  for (let next = link.nextDeadline(); next !== undefined && next < end; ) {
    now = next;
    link.expire(now);
    next = link.nextDeadline();
  }
  now = end;
  queries.expire(now);
  expect(counted()).toEqual({ [`udp PTR NOERROR ${shown}`]: 1 });
  expect(queries.tallies.latency.sum).toBe(6);
});

test("an answer that comes earlier ends the wait, and is timed so", () => {
  ask(`printer.bldg-1.example.com A`);
  now = after(now, seconds(0.25));
  const answers = rrs(["!printer.local. 120 A 10.1.0.9"]);
  link.receive(now, {
    family: "ipv4",
    source: { address: prefixes[0]!.address, port: 5353 },
    isMulticast: true,
    bytes: encodeMessage({ isResponse: true, aa: true, answers }, { compression: "mdns" }),
  });
  queries.linkChanged(now, "net1", link.takeChanges());
  expect(counted()).toEqual({ "udp A NOERROR bldg-1.example.com": 1 });
  expect(queries.tallies.latency.sum).toBe(0.25);
});

test("what gets no answer is no answer", () => {
  ask(`_ipp._tcp.${rich} PTR`);
  ask(`_ipp._tcp.${rich} PTR`);
  expect(counted()).toEqual({});
  expect(counts.of("drops", "query-retransmission")).toBe(1);
  // One answer has to be made.
  expect(counts.of("answer-cache-misses")).toBe(1);
});

test("zones of updates are told apart up to a bound, and then counted together", () => {
  const tally = new UpdateTally();
  for (let at = 0; at < updatedZonesMax + 500; at++) tally.add(`z${at}`, "done");
  tally.add("z7", "done");
  tally.add("z7", "refused");
  const all = [...tally.all()];
  expect(all).toHaveLength(updatedZonesMax + 2);
  expect(all.at(-1)).toEqual({ zone: "", result: "done", count: 500 });
  expect(all).toContainEqual({ zone: "z7", result: "done", count: 2 });
  expect(all).toContainEqual({ zone: "z7", result: "refused", count: 1 });
});
