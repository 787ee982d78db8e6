// The driver with an engine that does as the test says: real sockets on
// loopback, a virtual link, the one timer, the stop.

import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Endpoint, parsePrefix } from "../../src/address.js";
import { Counts } from "../../src/counts.js";
import type { Effect, Input } from "../../src/engine/io.js";
import { silentLog } from "../../src/log.js";
import { now } from "../../src/os/clock.js";
import { Driver, type DriverSettings } from "../../src/os/driver.js";
import { placeOf } from "../../src/os/listening.js";
import { makeSelfSigned } from "../../src/os/self-signed.js";
import { handshakePatience } from "../../src/os/tls.js";
import { type VirtualLink, VirtualLinks } from "../../src/os/virtual-links.js";
import { type Instant, instant } from "../../src/time.js";
import { at, lo, ScriptedEngine, settings } from "./driver-stage.js";
import { Client, exchange, TlsClient, until } from "./sockets.js";

/** Says back what it hears, and something of its own at its deadline. */
class Parrot implements VirtualLink {
  due: Instant | undefined;
  #said: Uint8Array[] = [];
  readonly heard: { family: string; source: Endpoint; text: string }[] = [];

  receive(_: Instant, { family, source, bytes }: Parameters<VirtualLink["receive"]>[1]): void {
    this.heard.push({ family, source, text: String(Buffer.from(bytes)) });
    this.#said.push(bytes);
  }

  expire(): void {
    this.due = undefined;
    this.#said.push(Buffer.from("unasked"));
  }

  nextDeadline(): Instant | undefined {
    return this.due;
  }

  takeDatagrams() {
    return this.#said.splice(0).map((bytes) => {
      return { family: "ipv4" as const, source: at("192.0.2.9"), isMulticast: true, bytes };
    });
  }
}

let engine: ScriptedEngine;
let parrot: Parrot;
let driver: Driver;
let crashes: unknown[];

beforeEach(() => {
  engine = new ScriptedEngine();
  parrot = new Parrot();
  crashes = [];
  const own = { ipv4: at("192.0.2.1"), ipv6: at("fe80::1") };
  const place = { link: parrot, own, prefixes: [parsePrefix("192.0.2.0/24")!], mtu: 1500 };
  driver = new Driver(settings, {
    engine,
    native: undefined,
    log: silentLog,
    counts: new Counts(),
    virtual: new VirtualLinks(new Map([["demo", place]])),
    resolver: { ask: () => Promise.reject(new Error("not asked")) },
    journals: { remember() {}, replace() {}, isSafe: () => true },
    crash: (error) => {
      crashes.push(error);
      throw error;
    },
  });
});

/** As the real one does, though at once: the stop ends every connection. */
const endAll = (input: Input): readonly Effect[] =>
  input.kind !== "stop"
    ? []
    : engine.told.flatMap(({ input: told }) =>
        told.kind === "stream-open" ? [{ kind: "abort" as const, stream: told.stream }] : [],
      );

afterEach(async () => {
  engine.answer = endAll;
  await driver.stop();
});

function portOf(transport: "udp" | "tcp" | "tls"): number {
  return placeOf(driver.listeners.find((id) => id.endsWith(transport))!)!.port;
}

test("the wall clock is told before anything else, and again when it was set [EDNS-12]", async () => {
  let toldBefore: number | undefined;
  engine.answer = () => {
    toldBefore ??= engine.origins.length;
    return [];
  };
  await driver.start([lo]);
  expect(toldBefore).toBe(1);
  const wall = () => (engine.origins.at(-1) ?? 0) + now();
  expect(Math.abs(wall() - Date.now())).toBeLessThan(100);
  await driver.follow([lo]);
  expect(engine.origins).toHaveLength(1);
  const realNow = Date.now;
  const clock = vi.spyOn(Date, "now").mockImplementation(() => realNow() - 3_600_000);
  try {
    await driver.follow([lo]);
    await driver.follow([lo]);
    expect(engine.origins).toHaveLength(2);
    expect(Math.abs(wall() - Date.now())).toBeLessThan(100);
  } finally {
    clock.mockRestore();
  }
});

describe("unicast", () => {
  test("a datagram becomes an input, an effect a datagram", async () => {
    engine.answer = (input) => {
      if (input.kind !== "datagram") return [];
      const { listener, source: to } = input;
      return [{ kind: "datagram", listener, to, bytes: Buffer.from(`re: ${input.bytes}`) }];
    };
    await driver.start([lo]);
    expect((await exchange("hello", portOf("udp"))).text).toBe("re: hello");
    expect(engine.kinds()).toEqual(["link-up", "datagram"]);
  });

  test("a connection from its opening to its close", async () => {
    engine.answer = (input) => {
      if (input.kind !== "stream-bytes") return [];
      const { stream } = input;
      return [
        { kind: "pause", stream },
        { kind: "write", stream, bytes: Buffer.from("answer") },
        { kind: "resume", stream },
        { kind: "close", stream },
      ];
    };
    await driver.start([lo]);
    const client = await Client.open(portOf("tcp"));
    client.socket.write("question");
    await until(() => client.hasEnded);
    client.socket.end();
    await until(() => engine.kinds().includes("stream-closed"));
    expect(client.text).toBe("answer");
    expect(engine.kinds().slice(1)).toEqual([
      "stream-open",
      "stream-bytes",
      "stream-ended",
      "stream-closed",
    ]);
    expect(engine.told[1]?.input).toMatchObject({
      transport: "tcp",
      source: { address: "127.0.0.1" },
    });
  });

  test("an abort is a reset", async () => {
    engine.answer = (input) =>
      input.kind === "stream-bytes" ? [{ kind: "abort", stream: input.stream }] : [];
    await driver.start([lo]);
    const client = await Client.open(portOf("tcp"));
    client.socket.write("question");
    await until(() => client.isClosed);
    expect(client.failure).toBe("ECONNRESET");
  });
});

describe("virtual links", () => {
  test("come up at the start, hear what is sent, and are heard at once", async () => {
    engine.answer = (input) => {
      if (input.kind !== "link-up") return [];
      const bytes = Buffer.from("who is there?");
      return [{ kind: "multicast", link: "demo", family: "ipv6", to: "group", bytes }];
    };
    await driver.start([lo]);
    expect(parrot.heard).toEqual([
      { family: "ipv6", source: at("fe80::1"), text: "who is there?" },
    ]);
    expect(engine.told.map(({ input }) => input)).toMatchObject([
      { kind: "link-up", link: "demo", mtu: 1500 },
      { kind: "multicast", link: "demo", isMulticast: true, source: at("192.0.2.9") },
    ]);
  });

  test("speak by themselves when their time has come", async () => {
    parrot.due = instant(now() + 30);
    await driver.start([lo]);
    await until(() => engine.kinds().includes("multicast"));
    const { input } = engine.told.at(-1)!;
    expect(input).toMatchObject({ kind: "multicast", bytes: Buffer.from("unasked") });
  });
});

describe("TLS", () => {
  const { credentials } = makeSelfSigned(["px.campus.example"], Date.now());
  const secure: DriverSettings = {
    ...settings,
    ports: { udp: 0, tcp: 0, tls: 0, llq: false, push: 0 },
    credentials,
  };
  const offersTold = () =>
    engine.told.flatMap(({ input }) =>
      input.kind === "reconfigure" ? [Object.fromEntries(input.config.proxy.offers ?? [])] : [],
    );

  test("[TLS-01] listens once there is a certificate, and says what is offered", async () => {
    await driver.start([lo]);
    expect(driver.listeners.some((id) => id.endsWith("/tls"))).toBe(false);
    await driver.reconfigure(secure);
    const port = portOf("tls");
    expect(offersTold()).toEqual([{}, { "_dns-push-tls._tcp": port }]);
    // What does not change is not said again.
    await driver.follow([lo]);
    expect(offersTold()).toHaveLength(2);
    await driver.reconfigure({ ...settings });
    expect(driver.listeners.some((id) => id.endsWith("/tls"))).toBe(false);
    expect(offersTold().at(-1)).toEqual({});
  });

  test("a connection becomes inputs, effects bytes", async () => {
    await driver.start([lo]);
    await driver.reconfigure(secure);
    engine.answer = (input) => {
      if (input.kind !== "stream-bytes") return [];
      return [{ kind: "write", stream: input.stream, bytes: Buffer.from(`re: ${input.bytes}`) }];
    };
    const client = await TlsClient.open(portOf("tls"));
    client.socket.write("question");
    await until(() => client.text === "re: question");
    const open = engine.told.find(({ input }) => input.kind === "stream-open")?.input;
    expect(open).toMatchObject({ transport: "tls", takesPush: true });
    const plain = await Client.open(portOf("tcp"));
    await until(() => engine.kinds().filter((kind) => kind === "stream-open").length === 2);
    const other = engine.told.findLast(({ input }) => input.kind === "stream-open")?.input;
    expect(other).toMatchObject({ transport: "tcp", takesPush: false });
    plain.socket.destroy();
    client.socket.destroy();
  });

  test("the one timer ends a handshake that is never begun", async () => {
    await driver.start([lo]);
    await driver.reconfigure(secure);
    const begin = now();
    const client = await Client.open(portOf("tls"));
    await once(client.socket, "end");
    expect(now() - begin).toBeGreaterThanOrEqual(handshakePatience - 1000);
    client.socket.destroy();
  });

  test("a certificate that cannot be used leaves the last one in use", async () => {
    const broken = { ...secure, credentials: { ...credentials, key: "nonsense" } };
    await driver.start([lo]);
    await driver.reconfigure(broken);
    expect(driver.listeners.some((id) => id.endsWith("/tls"))).toBe(false);
    await driver.reconfigure(secure);
    await driver.reconfigure(broken);
    const client = await TlsClient.open(portOf("tls"));
    client.socket.destroy();
  });
});

describe("the timer", () => {
  test("rings at the engine's deadline, not before, and again for the next", async () => {
    await driver.start([lo]);
    const due = [instant(now() + 40), instant(now() + 90)];
    const rang: Instant[] = [];
    engine.answer = (input) => {
      if (input.kind !== "deadline") return [];
      rang.push(now());
      engine.next = due[rang.length];
      return [];
    };
    engine.next = due[0];
    driver.dispatch({ kind: "send-failed", reason: "to arm it" });
    await until(() => rang.length === 2);
    expect(rang[0]).toBeGreaterThanOrEqual(due[0]!);
    expect(rang[1]).toBeGreaterThanOrEqual(due[1]!);
  });

  test("moves forward for an earlier deadline", async () => {
    await driver.start([lo]);
    engine.next = instant(now() + 3_600_000);
    driver.dispatch({ kind: "send-failed", reason: "to arm it" });
    engine.next = instant(now() + 20);
    driver.dispatch({ kind: "send-failed", reason: "to arm it again" });
    engine.answer = (input) => {
      if (input.kind === "deadline") engine.next = undefined;
      return [];
    };
    await until(() => engine.kinds().includes("deadline"));
  });

  test("[T-55] a deadline a month away does not ring now", async () => {
    await driver.start([lo]);
    engine.next = instant(now() + 40 * 86_400_000);
    driver.dispatch({ kind: "send-failed", reason: "to arm it" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(engine.kinds()).not.toContain("deadline");
  });
});

describe("the end", () => {
  test("[DSO-42] a stop is told, and connections have time until the engine ends them", async () => {
    await driver.start([lo]);
    const client = await Client.open(portOf("tcp"));
    await until(() => engine.kinds().includes("stream-open"));
    let wasOpen: boolean | undefined;
    engine.answer = (input) => {
      if (input.kind === "stop") engine.next = instant(now() + 1200);
      if (input.kind !== "deadline") return [];
      engine.next = undefined;
      wasOpen = !client.isClosed;
      return [{ kind: "abort", stream: 1 }];
    };
    await driver.stop();
    expect(wasOpen).toBe(true);
    await until(() => client.isClosed);
    expect(client.failure).toBe("ECONNRESET");
    expect(driver.listeners).toEqual([]);
  });

  test("connections that even the engine leaves open are reset", async () => {
    await driver.start([lo]);
    const client = await Client.open(portOf("tcp"));
    await until(() => engine.kinds().includes("stream-open"));
    const begin = now();
    await driver.stop();
    expect(now() - begin).toBeGreaterThan(5900);
    await until(() => client.isClosed);
    expect(client.failure).toBe("ECONNRESET");
  });

  test("with nothing under way it is immediate", async () => {
    await driver.start([lo]);
    const begin = now();
    await driver.stop();
    expect(now() - begin).toBeLessThan(500);
  });

  test("an exception in the engine is a bug", async () => {
    await driver.start([lo]);
    engine.answer = () => {
      throw new Error("contradiction");
    };
    expect(() => driver.dispatch({ kind: "deadline" })).toThrow("contradiction");
    expect(crashes).toHaveLength(1);
  });
});
