// The driver in update mode, with an engine that does as the test says: what is
// told of state files and lookups, what leaves for a primary and when.

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Endpoint, parseAddress } from "../../src/address.js";
import { Counts } from "../../src/counts.js";
import type { LinkConfig } from "../../src/engine/config.js";
import type { LogLevel } from "../../src/log.js";
import { builtAt, clockFault, now } from "../../src/os/clock.js";
import { Driver } from "../../src/os/driver.js";
import type { Native } from "../../src/os/native.js";
import { ResolverError } from "../../src/os/resolver.js";
import { VirtualLinks } from "../../src/os/virtual-links.js";
import { formatNote } from "../../src/update/journal.js";
import type { PublishedZone } from "../../src/update/options.js";
import { decodeMessage, encodeMessage, type Message } from "../../src/wire/message.js";
import { displayName, parseName } from "../../src/wire/name.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { at, lo, ScriptedEngine, settings } from "./driver-stage.js";
import { until } from "./sockets.js";

/** A link that is there from the start, and says nothing. */
const silent = {
  link: { receive() {}, expire() {}, nextDeadline: () => undefined, takeDatagrams: () => [] },
  own: { ipv4: at("192.0.2.1"), ipv6: at("fe80::1") },
  prefixes: [],
  mtu: 1500,
};

let engine: ScriptedEngine;
let driver: Driver;
/** What the resolver says. */
let asked: () => Promise<Message>;
/** What state files were told, and whether they could be written. */
let remembered: string[];
let isWritable: boolean;
/** What the kernel says of the clock. */
let isKept: boolean | undefined;
let logged: string[];

beforeEach(() => {
  engine = new ScriptedEngine();
  remembered = [];
  isWritable = true;
  isKept = true;
  logged = [];
  asked = () => Promise.reject(new ResolverError("nobody answers"));
  driver = new Driver(settings, {
    engine,
    native: { isClockKept: () => isKept } as Native,
    log: {
      event: (level: LogLevel, name, fields) =>
        logged.push(`${level} ${name} ${fields?.reason ?? ""}`.trim()),
    },
    counts: new Counts(),
    virtual: new VirtualLinks(new Map([["demo", silent]])),
    resolver: { ask: () => asked() },
    journals: {
      remember: (zone, notes) => remembered.push(`${displayName(zone)} ${notes.map(formatNote)}`),
      replace: (zone, own) => remembered.push(`${displayName(zone)} is ${own.map(formatRR)}`),
      isSafe: () => isWritable,
    },
    crash: (error) => {
      throw error;
    },
  });
});

afterEach(() => driver.stop());

describe("update mode", () => {
  const zone = parseName("link1.example");
  const rr = parseRR("h.link1.example 120 A 192.0.2.1");
  const question = { name: zone, type: 6 };
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function primary() {
    const heard: string[] = [];
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        heard.push(`${bytes}`);
        socket.write("noted");
      });
    });
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const endpoint: Endpoint = { address: parseAddress("127.0.0.1")!, port };
    return { heard, endpoint };
  }

  /** Lets the engine close what it has dialled, as the real one does. */
  const over = () => {
    engine.answer = () => [{ kind: "dial-close", dial: 1 }];
    driver.dispatch({ kind: "deadline" });
  };

  test("what state files hold is told before links come up, and with a configuration", async () => {
    const journal = { zone, own: [rr] };
    await driver.start([lo], [journal]);
    await driver.reconfigure(settings, [journal]);
    expect(engine.kinds()).toEqual(["restore", "link-up", "restore", "reconfigure"]);
    expect(engine.told[0]?.input).toEqual({ kind: "restore", ...journal });
  });

  test("what is looked up is told, and that nobody answered", async () => {
    await driver.start([lo]);
    const soa = parseRR("example 60 SOA ns1.example. a.example. 1 2 3 4 5");
    const message = { isResponse: true, authorities: [soa] };
    asked = async () => decodeMessage(encodeMessage(message));
    engine.answer = (input) => (input.kind === "restore" ? [{ kind: "look-up", question }] : []);
    driver.dispatch({ kind: "restore", zone, own: [] });
    await until(() => engine.kinds().at(-1) === "looked-up");
    const answer = { rcode: 0, answers: [], authorities: [soa] };
    expect(engine.told.at(-1)?.input).toEqual({ kind: "looked-up", question, answer });
    asked = () => Promise.reject(new ResolverError("nobody answers"));
    driver.dispatch({ kind: "restore", zone, own: [] });
    await until(() => engine.kinds().filter((kind) => kind === "looked-up").length === 2);
    expect(engine.told.at(-1)?.input).toEqual({ kind: "looked-up", question, answer: undefined });
    driver.dispatch({ kind: "restore", zone, own: [] });
    await until(() => engine.kinds().filter((kind) => kind === "looked-up").length === 3);
    // A resolver that stays silent is said once.
    expect(logged.filter((line) => line.includes("resolver"))).toEqual([
      "warn resolver-silent nobody answers",
    ]);
  });

  test("notes are written before the message leaves; a dial from its opening to its end", async () => {
    const { heard, endpoint } = await primary();
    await driver.start([lo]);
    engine.answer = (input) => {
      if (input.kind === "restore") return [{ kind: "dial", dial: 1, endpoint }];
      if (input.kind !== "dial-opened") return [];
      return [
        { kind: "remember", zone, notes: [{ sign: "+", rr }] },
        { kind: "dial-write", dial: 1, bytes: Buffer.from("update") },
        { kind: "snapshot", zone, own: [rr] },
      ];
    };
    driver.dispatch({ kind: "restore", zone, own: [] });
    await until(() => engine.kinds().at(-1) === "dial-bytes");
    expect(heard).toEqual(["update"]);
    expect(remembered).toEqual([
      "link1.example + h.link1.example. 120 IN A 192.0.2.1",
      "link1.example is h.link1.example. 120 IN A 192.0.2.1",
    ]);
    over();
  });

  test("nothing leaves while state files cannot be written; the dial is given up", async () => {
    const { heard, endpoint } = await primary();
    await driver.start([lo]);
    isWritable = false;
    const write = { kind: "dial-write", dial: 1, bytes: Buffer.from("update") } as const;
    engine.answer = (input) => {
      if (input.kind === "restore") return [{ kind: "dial", dial: 1, endpoint }];
      return input.kind === "dial-opened" ? [write, write] : [];
    };
    driver.dispatch({ kind: "restore", zone, own: [] });
    await until(() => engine.kinds().at(-1) === "dial-closed");
    const reason = "the state file cannot be written";
    expect(engine.told.at(-1)?.input).toEqual({ kind: "dial-closed", dial: 1, reason });
    expect(heard).toEqual([]);
  });

  test("a stop waits until what was published is taken back", async () => {
    const { heard, endpoint } = await primary();
    await driver.start([lo]);
    engine.answer = (input) => {
      switch (input.kind) {
        case "stop":
          engine.isWithdrawing = true;
          return [{ kind: "dial", dial: 1, endpoint }];
        case "dial-opened":
          return [{ kind: "dial-write", dial: 1, bytes: Buffer.from("goodbye") }];
        case "dial-bytes":
          engine.isWithdrawing = false;
          return [{ kind: "dial-close", dial: 1 }];
        default:
          return [];
      }
    };
    const begin = now();
    await driver.stop();
    expect(now() - begin).toBeLessThan(1500);
    expect(heard).toEqual(["goodbye"]);
  });
});

describe("the clock [TO-8]", () => {
  const day = 86_400_000;
  test.each([
    ["kept", true, builtAt + day, undefined],
    ["not kept", false, builtAt + day, /^nobody keeps the clock/],
    ["not known to be kept", undefined, builtAt + day, /cannot be found out$/],
    ["kept, but before the program was built", true, builtAt - day, /^the clock is before 20\d\d-/],
  ] as const)("%s", (_, kept, wall, want) => {
    const fault = clockFault(kept, wall);
    if (want === undefined) expect(fault).toBeUndefined();
    else expect(fault).toMatch(want);
  });

  const publishing = (trustsClock: boolean) => {
    const published = [{ target: { trustsClock } }] as unknown as readonly PublishedZone[];
    const link = { id: "eth9", published } as unknown as LinkConfig;
    return { ...settings, engine: { ...settings.engine, links: [link] } };
  };

  test("is told to the engine with what the kernel says, and again when that changes", async () => {
    await driver.start([lo]);
    await driver.follow([lo]);
    expect(engine.trusts).toEqual([true]);
    isKept = false;
    await driver.follow([lo]);
    await driver.follow([lo]);
    expect(engine.trusts).toEqual([true, false]);
  });

  test("is complained of once where records with times would be written, and only there", async () => {
    isKept = false;
    await driver.start([lo]);
    await driver.reconfigure(publishing(true));
    const told = () => logged.filter((line) => line.includes("clock"));
    expect(told()).toEqual([]);
    await driver.reconfigure(publishing(false));
    await driver.follow([lo]);
    expect(told()).toEqual(["error clock-not-trusted nobody keeps the clock (no NTP has set it)"]);
  });
});
