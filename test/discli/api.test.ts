// The commands that ask discd itself: against its own HTTP listeners with a state
// made up here, and against servers that are something else, or mean harm.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packetEvents } from "../../src/api/packet.js";
import type { PacketView } from "../../src/api/shapes.js";
import { answerMax, eventMax } from "../../src/discli/api.js";
import { findApiPlace } from "../../src/discli/api-place.js";
import { listings } from "../../src/discli/listings.js";
import { packetText } from "../../src/discli/packets.js";
import { shown } from "../../src/discli/table.js";
import { widthOf } from "../../src/discli/width.js";
import { encodeMessage } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import { parseRR } from "../../src/wire/text.js";
import { printer } from "../api/state.js";
import { anyPort, stageOf } from "../os/http-stage.js";
import { discli } from "./stage.js";

let folder: string;
const servers: Server[] = [];
const sockets = new Set<Socket>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "discd-api-"));
});

afterEach(() => {
  delete process.env.DISCD_TOKEN;
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true });
});

/** Listeners of discd, on a port and a Unix socket. */
async function daemon(over: Parameters<typeof stageOf>[0] = {}) {
  const path = join(folder, "http");
  const stage = await stageOf(over, { listen: [anyPort, { kind: "unix", path }] });
  return { ...stage, path, url: `http://127.0.0.1:${stage.port}` };
}

/** Whatever this is, it is no discd: each connection is handed to `serve`. */
async function stranger(serve: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const says = (body: string, status = "200 OK") =>
  stranger((socket) =>
    socket.end(`HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`),
  );

describe("where discd is asked", () => {
  test.each([
    ["http://127.0.0.1:8053", { hostname: "127.0.0.1", port: 8053, isTls: false }],
    ["127.0.0.1:8053", { hostname: "127.0.0.1", port: 8053, isTls: false }],
    ["https://px.example.com:8443/", { hostname: "px.example.com", port: 8443, isTls: true }],
    ["http://[::1]:8053", { hostname: "::1", port: 8053, host: "[::1]:8053" }],
    ["px.example.com", { hostname: "px.example.com", port: 80 }],
    ["/run/x", { socketPath: "/run/x", host: "localhost", isTls: false }],
    ["./http", { socketPath: "./http" }],
  ])("%s", (text, want) => expect(findApiPlace(text)).toMatchObject(want));

  test.each(["http://", "http://a/b", "http://u@a", "ftp://a", "http://a?b", "a b"])(
    "%j is refused",
    (text) => expect(() => findApiPlace(text)).toThrow(/^--api .*: write http:/),
  );
});

describe("what answers is discd", () => {
  test("A2.1 every list as a table, for a pipe, and as JSON", async () => {
    const { path } = await daemon();
    for (const what of Object.keys(listings)) {
      const terminal = { isTerminal: true, columns: 400 };
      const table = await discli(["--api", path, "show", what], terminal);
      expect(table, what).toMatchObject({ status: 0, err: "" });
      // The second table of domains stands below the first.
      const tables = what === "domains" ? 2 : 1;
      expect(table.out.split("\n"), what).toHaveLength(3 * tables);
      const piped = await discli(["--api", path, "show", what]);
      expect(piped.out.split("\n"), what).toHaveLength(1 + tables);
      const json = JSON.parse((await discli(["--api", path, "--json", "show", what])).out);
      expect(json[what], what).toHaveLength(1);
    }
    for (const what of Object.keys(listings)) {
      const narrow = { isTerminal: true, columns: 80 };
      const { out } = await discli(["--api", path, "show", what], narrow);
      const tooLong = out.split("\n").filter((line) => widthOf(line) > 80);
      expect(tooLong, what).toEqual([]);
    }
    const summary = await discli(["--api", path, "show", "summary"], { isTerminal: true });
    expect(summary.out).toContain("discd          0.1.0 on px.example.net\n");
    const config = await discli(["--api", path, "show", "config"]);
    expect(JSON.parse(config.out)).toMatchObject({ http: { token: "***" } });
    // What is offered is what there is.
    const others = ["packets", "config", "summary"];
    expect([...shown].sort()).toEqual([...Object.keys(listings), ...others].sort());
  });

  test("a name that would take a terminal over does not", async () => {
    const { path } = await daemon({
      services: () => [{ ...printer, instance: "\u001b[2Jx\u009b", txt: [], host: "a\u001b" }],
    });
    for (const isTerminal of [true, false]) {
      const { out } = await discli(["--api", path, "show", "services"], { isTerminal });
      expect(out).toContain("\\x1b[2Jx\\xc2\\x9b");
      expect(out).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    }
    const { out } = await discli(["--api", path, "--json", "show", "services"]);
    expect(JSON.parse(out).services[0].instance).toBe("\u001b[2Jx\u009b");
    expect(out).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  });

  test("C1.6 what is withheld is shown to who may see it, and why", async () => {
    const { path, url, state } = await daemon({
      services: ({ hidden }) => [
        printer,
        ...(hidden ? [{ ...printer, instance: "Lab", isShown: false, reason: "denied" }] : []),
      ],
    });
    const seen = await discli(["--api", path, "show", "services"], { isTerminal: true });
    expect(seen.out).toContain("withheld: denied");
    // Over TCP without a token: what everybody sees.
    const { out } = await discli(["--api", url, "show", "services"], { isTerminal: true });
    expect(out).not.toContain("withheld");
    expect(state.done).toEqual([]);
    const withheld = await discli(["--api", path, "show", "services", "shown=no"]);
    expect(withheld.out.split("\n")).toHaveLength(2);
  });

  test("filters: a part of a name, all of anything else, and a word about the others", async () => {
    const { path } = await daemon();
    const shows = async (...words: string[]) => discli(["--api", path, "show", ...words]);
    expect((await shows("hosts", "name=PRINTER")).out).toContain("printer.floor1");
    expect((await shows("hosts", "if=net1", "address=10.1.0.9")).status).toBe(0);
    expect((await shows("zones", "kind=SERVICE")).status).toBe(0);
    const none = await shows("hosts", "address=10.1.0");
    const remedy = "`discli show hosts` shows the one there is";
    const err = `none of the hosts has address=10.1.0; ${remedy}\n`;
    expect(none).toEqual({ status: 1, out: "", err });
    const cases: readonly (readonly [string[], RegExp])[] = [
      [["hosts", "port=1"], /no filter "port"; there are address, if, link, name/],
      [["hosts", "name"], /write name=VALUE/],
      [["hosts", "name=a", "name=b"], /given twice/],
      [["summary", "name=a"], /it takes none/],
      [["printers"], /write one of interfaces, zones/],
      [
        ["zones", "kind=servce"],
        /zones kind=servce: the nearest is service, of service, host, alias, reverse, records/,
      ],
      [["zones", "source=dns"], /of config, ptr, generated/],
      [["interfaces", "mode=prxy"], /the nearest is proxy, of proxy, update/],
      [["interfaces", "up=true"], /of yes, no/],
      [["services", "shown=n"], /the nearest is no, of yes, no/],
      [["subscriptions", "protocol=psh"], /the nearest is push, of push, llq/],
      [["subscriptions", "transport=https"], /of udp, tcp, tls/],
      [["packets", "direction=inn"], /the nearest is in, of in, out/],
    ];
    for (const [words, says] of cases) {
      const { status, err } = await shows(...words);
      expect([status, err]).toEqual([2, expect.stringMatching(says)]);
    }
  });

  test("nothing there is status 1 and says so", async () => {
    const { path } = await daemon({ subscriptions: () => [] });
    expect(await discli(["--api", path, "show", "subscriptions"])).toEqual({
      status: 1,
      out: "",
      err: "nobody subscribes to anything\n",
    });
  });

  test("writing: over the socket, with the token, and not without", async () => {
    const { path, url, state } = await daemon();
    expect(await discli(["--api", path, "refresh"])).toMatchObject({ status: 0, err: "" });
    const without = await discli(["--api", url, "refresh"]);
    expect(without).toMatchObject({ status: 2, out: "" });
    expect(without.err).toMatch(/wants the token of discd\.lua.*DISCD_TOKEN=/);
    process.env.DISCD_TOKEN = "wrong";
    expect((await discli(["--api", url, "refresh"])).err).toMatch(/does not take the token/);
    process.env.DISCD_TOKEN = "s3cret";
    expect((await discli(["--api", url, "refresh"])).status).toBe(0);
    expect(state.done).toEqual(["refresh", "refresh"]);
  });

  test("A8.17 health: 0 or 2, of all or of one zone", async () => {
    const { path } = await daemon();
    expect(await discli(["--api", path, "health"])).toEqual({ status: 0, out: "ok\n", err: "" });
    const zone = await discli(["--api", path, "health", "floor1.example.com"]);
    expect(zone).toMatchObject({ status: 0, out: "ok: floor1.example.com\n" });
    const other = await discli(["--api", path, "health", "other.example"]);
    expect(other.status).toBe(2);
    expect(`${other.out}${other.err}`).toContain("other.example");
  });

  test("C1.7 policy test: who asks, and what decides", async () => {
    const { path } = await daemon();
    const words = ["--api", path, "policy", "test", "_airplay._tcp.floor2.example.com"];
    const found = await discli([...words, "--client", "10.5.0.7"], { isTerminal: true });
    expect(found.status).toBe(0);
    expect(found.out).toContain("client     10.5.0.7\n");
    expect(found.out).toContain("rule       none\n");
    expect((await discli([...words, "--client", "x"])).err).toMatch(/client is no address/);
    expect((await discli(words)).out).toMatch(/^client\t[\da-f.:]+$/m);
  });

  test("A2.5 packets: a line for what it is, and one for each question and record", () => {
    const bytes = encodeMessage({
      isResponse: true,
      questions: [{ name: parseName("_ipp._tcp.local"), type: 12, class: 0x8001 }],
      answers: [parseRR("_ipp._tcp.local. 4500 PTR Dr\\.\\032Who._ipp._tcp.local.")],
      additionals: [{ ...parseRR("h.local. 120 A 10.1.0.9"), class: 0x8001 }],
    });
    const from = { at: "2026-01-02T03:04:05.678Z", link: "net1", direction: "in" } as const;
    const packet = { ...from, family: "ipv4", source: "10.1.0.9:5353", bytes } as const;
    const view = JSON.parse(packetEvents(packet)[0]?.json as string) as PacketView;
    expect(packetText(view, { escaped: false, json: false })).toBe(
      [
        "2026-01-02T03:04:05.678Z net1 in 10.1.0.9:5353 response",
        "  question    _ipp._tcp.local  PTR  QU",
        "  answer      _ipp._tcp.local  4500  PTR  Dr\\. Who._ipp._tcp.local",
        "  additional  h.local  120  A  10.1.0.9  cache-flush",
        "",
      ].join("\n"),
    );
    const bad = { ...view, source: "\u001b[31m", answers: ["\u001b]0;x\u0007 ) ("] };
    expect(packetText(bad, { escaped: true, json: false })).not.toContain("\u001b");
  });
});

describe("what does not answer is told, and what to try next", () => {
  test.each([
    ["http://127.0.0.1:1", /127\.0\.0\.1:1: nothing listens there; is discd running/],
    ["/nonexistent/http", /\/nonexistent\/http is not there; discd's `http\.listen` says/],
    ["http://no-such-host.invalid", /no address of that name; say another place by --api/],
  ])("%s", async (api, says) => {
    const { status, out, err } = await discli(["--api", api, "show", "zones"]);
    expect([status, out, err.split("\n").length]).toEqual([2, "", 2]);
    expect(err).toMatch(says);
  });

  test("silence ends after --timeout", async () => {
    const url = await stranger(() => {});
    const { status, err } = await discli(["--api", url, "--timeout", "0.3", "show", "zones"]);
    expect([status, err]).toEqual([
      2,
      expect.stringMatching(/no answer within 0\.3 s; `--timeout/),
    ]);
  });

  test("an answer that never ends, drop by drop, ends too", async () => {
    const url = await stranger((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n[");
      const timer = setInterval(() => socket.write(" "), 20);
      socket.on("close", () => clearInterval(timer));
    });
    const { err } = await discli(["--api", url, "--timeout", "0.5", "show", "zones"]);
    expect(err).toMatch(/no answer within 0\.5 s/);
  });

  test(`an answer beyond ${answerMax} bytes is not read to its end`, async () => {
    const part = Buffer.alloc(1024 * 1024, 0x20);
    let isOpen = true;
    const url = await stranger((socket) => {
      socket.on("close", () => {
        isOpen = false;
      });
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const more = () => void (socket.writable && socket.write(part, more));
      more();
    });
    const { err } = await discli(["--api", url, "show", "zones"]);
    expect(err).toMatch(/longer than 67108864 bytes; is that discd/);
    await expect.poll(() => isOpen).toBe(false);
  });

  test.each([
    ["{", /its answer is no JSON/],
    ["[]", /is not as this discli knows it \(\$: not an object\)/],
    ['{"zones":[{"zone":7}]}', /\$\.zones\[0\]\.zone: not text/],
    [`{"zones":${"[".repeat(100_000)}`, /no JSON/],
  ])("%.30s", async (body, want) => {
    const { status, err } = await discli(["--api", await says(body), "show", "zones"]);
    expect([status, err]).toEqual([2, expect.stringMatching(want)]);
  });

  test.each([
    ["SSH-2.0-OpenSSH_9\r\n", /does not speak HTTP/],
    [
      "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n",
      /^http:\S+: it answers 302; is that discd/,
    ],
    [`HTTP/1.1 200 OK\r\nX: ${"y".repeat(100_000)}\r\n\r\n`, /does not speak HTTP/],
    ["", /the connection was reset|does not speak/],
  ])("%.30j", async (text, says) => {
    const url = await stranger((socket) => socket.end(text));
    const { status, err } = await discli(["--api", url, "show", "zones"]);
    expect([status, err]).toEqual([2, expect.stringMatching(says)]);
  });

  test("TLS where there is none: the other way to write the place", async () => {
    const url = await stranger((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const { status, err } = await discli(["--api", url.replace("http", "https"), "show", "zones"]);
    expect(status).toBe(2);
    expect(err).toMatch(/^https:\S+: no TLS: .*; without `http\.tls` it is http:\/\/\n$/);
  });

  test("an error's words are harmless", async () => {
    const body = JSON.stringify({ error: "\u001b[31mred\nline", remedy: "\u009b2J" });
    const { err } = await discli(["--api", await says(body, "503 No"), "show", "zones"]);
    expect(err).toMatch(/: \\x1b\[31mred\\x0aline; \\xc2\\x9b2J\n$/);
  });

  test(`an event beyond ${eventMax} characters ends the stream`, async () => {
    const url = await stranger((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: ");
      const part = "x".repeat(65_536);
      const more = () => void (socket.writable && socket.write(part, more));
      more();
    });
    const { status, err } = await discli(["--api", url, "show", "packets"]);
    expect([status, err]).toEqual([2, expect.stringMatching(/an event is longer than/)]);
  });

  test("a stream that ends says so", async () => {
    const url = await stranger((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\n: \n\n"));
    const { status, err } = await discli(["--api", url, "show", "packets"]);
    expect([status, err]).toEqual([2, expect.stringMatching(/ended the stream/)]);
  });
});

test("reload: what was taken up, or each problem on its line", async () => {
  const problems = ["/etc/discd.lua:3: unknown key \u001b[31m", "/etc/discd.lua:9: no address"];
  const bad = await says(JSON.stringify({ error: "x", problems }), "422 No");
  expect(await discli(["--api", bad, "reload"])).toEqual({
    status: 2,
    out: "/etc/discd.lua:3: unknown key \\x1b[31m\n/etc/discd.lua:9: no address\n",
    err: "nothing was changed: the configuration before is still in force\n",
  });
  const good = await says(JSON.stringify({ done: "taken up", file: null, warnings: [] }));
  expect(await discli(["--api", good, "reload"])).toEqual({
    status: 0,
    out: "taken up\n",
    err: "",
  });
  const warned = await says(
    JSON.stringify({ done: "taken up", file: null, warnings: ["f:1: warning: w"] }),
  );
  expect(await discli(["--api", warned, "reload"])).toMatchObject({
    status: 1,
    out: "taken up\nf:1: warning: w\n",
  });
});
