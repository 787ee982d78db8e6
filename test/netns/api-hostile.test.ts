// Bad input at the HTTP listeners of the running daemon: what is malformed, too
// large, too slow, without rights or from somewhere else is refused or bounded, and
// counted; clients of DNS and the operator notice nothing, and nothing is left behind.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, statSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect } from "vitest";
import {
  connectionsMax,
  connectionsPerClientMax,
  followersMax,
  followersReserved,
} from "../../src/os/http-limits.js";
import type { RemoteSocket } from "./agent.js";
import { Child, until } from "./children.js";
import type { DnsClient } from "./clients.js";
import { type Daemon, discd as program } from "./daemon.js";
import { drops, host, limits, malformed, statusOf, textOf } from "./hostile-http.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { rec } from "./packet.js";

const it = needs("root", "ip", "curl", "unshare");

const drawing = "net: px 10.8.0.53/24 | cli 10.8.0.2/24 | dev 10.8.0.9/24";
const zone = "floor1.example.com";
const secret = "EHXe53RdnEfH0DQf4LyAxX8cB1JqTfTS";
const folder = mkdtempSync(join(tmpdir(), "discd-api-"));
const path = join(folder, "http");
const here = "http://127.0.0.1:8053";
const there = "http://10.8.0.53:8053";
const right = `-H 'Authorization: Bearer ${secret}'`;

const config = (more: string) => `
certificate = 'self-signed'
interfaces = { { name = 'net', subdomain = '${zone}' } }
http = { listen = { '127.0.0.1:8053', '10.8.0.53:8053', '${path}' }, token = '${secret}'${more} }
`;

let lab: Lab;
let daemon: Daemon;
let dns: DnsClient;
/** Of the daemon at rest. */
let files = 0;

laboratory(
  async (built) => {
    lab = built;
    daemon = await lab.discd(config(""), { apex: zone });
    dns = await lab.client();
    await until("HTTP is open", () => existsSync(path));
    await operator("/v1/summary");
    await sleep(1_000);
    files = openFiles();
  },
  () => new Lab(drawing, {}),
);

const opened: RemoteSocket[] = [];

/** A connection from a node, which ends with the test at the latest. */
async function dial(node: string, address: string): Promise<RemoteSocket> {
  const socket = await (await lab.agent(node)).tcp(address, 8053);
  opened.push(socket);
  return socket;
}

afterEach(() => {
  for (const socket of opened.splice(0)) socket.reset();
});

const openFiles = () => readdirSync(`/proc/${daemon.child.pid}/fd`).length;

/** A page, over the Unix socket. */
function operator(target: string, method = "GET"): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, method, path: target }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (some) => {
        text += some;
      });
      response.on("end", () => resolve(text));
    });
    asked.on("error", reject).end();
  });
}

/** Numbers of /metrics by name and labels, as they stand there. */
async function numbers(): Promise<(name: string) => number> {
  const lines = (await operator("/metrics")).split("\n");
  const found = new Map(lines.map((line) => line.split(/ (?=\S+$)/) as [string, string]));
  return (name) => Number(found.get(name) ?? 0);
}

/** By how much a number grows while something is done. */
async function growth(name: string, action: () => Promise<unknown> | unknown): Promise<number> {
  const before = (await numbers())(name);
  await action();
  return (await numbers())(name) - before;
}

/** The status of a request by curl, 0 for none. */
function status(node: string, words: string): number {
  const quiet = "curl -s -o /dev/null -m 20 -w '%{http_code}' --noproxy '*'";
  return Number(lab.run(node, `${quiet} ${words} || true`));
}

/** Everything works: the operator is answered, and so is a client of DNS, at once. */
async function expectWell(): Promise<void> {
  expect(daemon.child.exit).toBeUndefined();
  const began = performance.now();
  const reply = await dns.ask(zone, "SOA", { limit: 1_000 });
  expect(reply?.answers).toHaveLength(1);
  expect(performance.now() - began).toBeLessThan(500);
  expect(JSON.parse(await operator("/v1/summary")).hostname).toBe("px.example.com");
}

/** As many files are open as at rest, but for one or two of a probe. */
async function expectNothingLeft(limit = 30_000): Promise<void> {
  await until("what was open is closed", () => openFiles() <= files + 2, limit);
}

describe("A1.20 what is malformed, or larger than anybody needs", () => {
  it("is refused, counted, and forgotten", async () => {
    for (const [node, address] of [
      ["px", "127.0.0.1"],
      ["cli", "10.8.0.53"],
    ] as const) {
      for (const [bytes, wanted, reason] of malformed) {
        const grown = await growth(drops(reason), async () => {
          const socket = await dial(node, address);
          socket.write(Buffer.from(bytes, "latin1"));
          await until(`an answer to ${bytes.slice(0, 60)}`, () => statusOf(socket) !== 0);
          expect(statusOf(socket), bytes.slice(0, 60)).toBe(wanted);
          expect(textOf(socket)).not.toMatch(/root:|node:|\/src\/|at .*:\d+:\d+/);
          socket.reset();
        });
        expect(grown, bytes.slice(0, 60)).toBe(1);
      }
    }
    await expectWell();
    await expectNothingLeft();
  });

  it("noise by the kilobyte is refused, too", async () => {
    let seed = 7;
    const byte = () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed >>> 24;
    };
    const sample = Buffer.from(`GET /v1/services?zone=a HTTP/1.1\r\n${host}\r\nA: b\r\n\r\n`);
    for (let turn = 0; turn < 120; turn++) {
      const bytes = turn % 2 === 0 ? Buffer.alloc(1 + byte() * 40) : Buffer.from(sample);
      if (turn % 2 === 0) for (let at = 0; at < bytes.length; at++) bytes[at] = byte();
      else for (let edit = 0; edit < 4; edit++) bytes[byte() % bytes.length] = byte();
      const socket = await dial("cli", "10.8.0.53");
      socket.write(bytes);
      await sleep(5);
      if (turn % 3 === 0) socket.finish();
      else socket.reset();
    }
    await expectWell();
    await expectNothingLeft();
  });
});

it("A1.20 questions that make no sense are answered in words", async () => {
  const name = (text: string) => `/v1/policy?client=10.8.0.2&name=${text}`;
  for (const target of [
    name("%00"),
    name("%5c999"),
    name("%5c"),
    name("a..b"),
    name("a.".repeat(200)),
    name("x".repeat(64)),
    name(encodeURIComponent("\u202e<script>")),
    name(`${zone}&type=TYPE65536`),
    name(`${zone}&type=constructor`),
    "/v1/policy?name=a&client=10.8.0.2%2f24",
    "/v1/policy?name=a&client=fe80::1%25net",
    "/v1/packets?type=constructor",
    "/v1/services?hidden=perhaps",
    "/v1/services?__proto__=1",
    "/healthz?zone=%5c",
    "/healthz?zone=&zone=",
    "/v1/nothing",
    "/constructor",
    "/__proto__",
  ]) {
    const text = await operator(target);
    expect(JSON.parse(text), target).toSatisfy(
      (one: object) => "error" in one || "verdict" in one || "ok" in one,
    );
  }
  await expectWell();
});

describe("A1.20 who may not", () => {
  it("a wrong token is refused each time, however near it comes, and counted", async () => {
    const near = [secret.slice(0, -1), `${secret}x`, secret.toLowerCase(), "", "x", "Bearer"];
    const grown = await growth(drops("token"), () => {
      for (const some of near) {
        const words = `-H 'Authorization: Bearer ${some}'`;
        for (const url of [here, there]) {
          expect(status(url === here ? "px" : "cli", `${words} ${url}/v1/summary`)).toBe(401);
        }
      }
    });
    expect(grown).toBe(2 * near.length);
    expect(status("cli", `${right} ${there}/v1/summary`)).toBe(200);
    expect(status("cli", `-u discd:${secret} ${there}/v1/summary`)).toBe(401);
    expect(status("cli", `'${there}/v1/summary?token=${secret}'`)).toBe(401);
    // Neither the log nor the configuration in force has it.
    expect(daemon.log.join("\n")).not.toContain(secret);
    expect(await operator("/v1/config")).not.toContain(secret);
    expect(await operator("/v1/config")).toContain('"token":"***"');
  });

  it("reading from elsewhere and writing from anywhere need it", () => {
    const paths = ["healthz", "metrics", "v1/summary", "v1/config", "v1/events", "v1/packets"];
    for (const one of paths) expect(status("cli", `${there}/${one}`)).toBe(401);
    for (const one of ["v1/reload", "v1/refresh"]) {
      expect(status("cli", `-X POST ${there}/${one}`)).toBe(401);
      expect(status("px", `-X POST ${here}/${one}`)).toBe(401);
      expect(status("px", `${right} ${here}/${one}`)).toBe(405);
    }
    expect(status("cli", `${there}/`)).toBe(200);
    expect(status("px", `'${here}/v1/services?hidden=true'`)).toBe(403);
  });

  it("names that somebody pointed here, and pages of others, get nothing", async () => {
    const as = (name: string) => `--resolve ${name}:8053:127.0.0.1 http://${name}:8053/v1/summary`;
    const foreign = [
      as("evil.example"),
      as("px.example.com.evil.example"),
      as("localhost.evil.example"),
      as("127.0.0.1.evil.example"),
    ];
    expect(await growth(drops("host"), () => expectAll(foreign, 421))).toBe(foreign.length);
    expectAll([as("localhost"), as("px.example.com"), as("PX.example.com.")], 200);
    expectAll([`${here}/v1/summary`], 200);
    const others = [
      `-H 'Origin: http://evil.example' ${here}/v1/summary`,
      `-H 'Origin: null' ${here}/v1/summary`,
      `-H 'Origin: http://127.0.0.1:8054' ${here}/v1/summary`,
      `-H 'Origin: https://127.0.0.1:8053' ${here}/v1/summary`,
      `-H 'Origin: http://localhost:8053' ${here}/v1/summary`,
      `-H 'Sec-Fetch-Site: cross-site' -H 'Sec-Fetch-Mode: no-cors' ${here}/v1/summary`,
      `-H 'Sec-Fetch-Site: same-site' -H 'Sec-Fetch-Mode: cors' ${here}/v1/events`,
      `-H 'Origin: http://evil.example' ${right} -X POST ${here}/v1/reload`,
      `-H 'Sec-Fetch-Site: cross-site' -H 'Sec-Fetch-Mode: navigate' ${right} -X POST ${here}/v1/reload`,
      `-H 'Origin: http://evil.example' -H 'Access-Control-Request-Method: POST' -X OPTIONS ${here}/v1/reload`,
    ];
    expect(await growth(drops("origin"), () => expectAll(others, 403))).toBe(others.length);
    expectAll([`-H 'Origin: ${here}' ${here}/v1/summary`], 200);
    const allowing = lab.run("px", `curl -si -H 'Origin: ${here}' ${here}/v1/summary`);
    expect(allowing).not.toMatch(/access-control-/i);
  });

  function expectAll(requests: readonly string[], wanted: number): void {
    for (const one of requests) expect(status("px", one), one).toBe(wanted);
  }
});

describe("A1.20 who does not get on", () => {
  it("is not waited for, and keeps nobody waiting", async () => {
    const post = `POST /v1/reload HTTP/1.1\r\nHost: 10.8.0.53:8053\r\n`;
    const starts = [
      "",
      "GET /",
      "GET / HTTP/1.1\r\nHost: 10.8.0.53:8053\r\nA: ",
      `${post}Content-Length: 4000\r\n\r\n`,
      `${post}Transfer-Encoding: chunked\r\n\r\nff0\r\n`,
    ];
    const sockets: RemoteSocket[] = [];
    for (let at = 0; at < 25; at++) {
      const socket = await dial("cli", "10.8.0.53");
      const start = starts[at % starts.length] as string;
      if (start !== "") socket.write(Buffer.from(start));
      sockets.push(socket);
    }
    const began = Date.now();
    const drip = setInterval(() => {
      // Silent ones stay silent; the others say a byte at a time.
      sockets.forEach((socket, at) => {
        if (at % starts.length > 0 && !socket.isClosed) socket.write(Buffer.from("e"));
      });
    }, 500);
    const grown = await growth(drops("slow"), async () => {
      for (let turn = 0; turn < 5; turn++) {
        await expectWell();
        await sleep(200);
      }
      await until(
        "all of them are cut off",
        () => sockets.every(({ hasEnded, isClosed }) => hasEnded || isClosed),
        30_000,
      );
    });
    clearInterval(drip);
    expect(Date.now() - began).toBeLessThan(22_000);
    expect(grown).toBe(sockets.length);
    for (const socket of sockets) socket.reset();
    await expectNothingLeft();
  });

  it("a thousand idle streams of events: some are served, the rest turned away", async () => {
    const begun = daemon.rss;
    const ask = Buffer.from(`GET /v1/events HTTP/1.1\r\n${host}\r\n\r\n`);
    const before = await numbers();
    const sockets: RemoteSocket[] = [];
    for (let at = 0; at < 1_000; at++) {
      const socket = await dial("px", "127.0.0.1");
      socket.write(ask);
      sockets.push(socket);
    }
    await until(
      "each is settled",
      () =>
        sockets.every((one) => statusOf(one) !== 0 || one.hasEnded || one.isClosed || one.error),
      30_000,
    );
    const after = await numbers();
    const grown = (name: string) => after(name) - before(name);
    const served = sockets.filter((one) => statusOf(one) === 200);
    expect(served).toHaveLength(followersMax - followersReserved);
    const told = sockets.filter((one) => statusOf(one) === 503);
    expect(grown(limits("followers"))).toBe(told.length);
    expect(served.length + told.length + grown(limits("connections"))).toBe(1_000);
    expect(openFiles()).toBeLessThan(files + connectionsMax + 10);
    expect(daemon.rss - begun).toBeLessThan(60e6);
    // The operator's page works on, and what happens is told to those who were served.
    await expectWell();
    const own = Buffer.from(
      `GET /v1/events HTTP/1.1\r\n${host}\r\nAuthorization: Bearer ${secret}\r\n\r\n`,
    );
    for (const one of told.slice(0, 20)) one.reset();
    const late = await dial("px", "127.0.0.1");
    late.write(own);
    await until("the operator follows", () => statusOf(late) === 200);
    await until("the summary comes", () => served.every((one) => textOf(one).includes("summary")));
    for (const one of [...sockets, late]) one.reset();
    await expectNothingLeft();
    expect(status("px", `-m 1 ${here}/v1/events`)).toBe(200);
    expect(daemon.rss - begun).toBeLessThan(60e6);
  }, 240_000);

  it("one host elsewhere has its share of connections, and others have theirs", async () => {
    const sockets: RemoteSocket[] = [];
    const grown = await growth(limits("connections-per-client"), async () => {
      for (let at = 0; at < connectionsPerClientMax + 20; at++) {
        sockets.push(await dial("cli", "10.8.0.53"));
      }
      await until("those beyond it are cut off", () => {
        return sockets.filter((one) => one.hasEnded || one.isClosed || one.error).length >= 20;
      });
      expect(status("cli", `${right} ${there}/v1/summary`)).toBe(0);
      expect(status("dev", `${right} ${there}/v1/summary`)).toBe(200);
      expect(status("px", `${here}/v1/summary`)).toBe(200);
    });
    expect(grown).toBe(21);
    for (const one of sockets) one.reset();
    await expectNothingLeft();
    expect(status("cli", `${right} ${there}/v1/summary`)).toBe(200);
  });

  it("who follows packets and does not read is dropped; the others hear every one", async () => {
    const ask = Buffer.from(`GET /v1/packets HTTP/1.1\r\n${host}\r\n\r\n`);
    const sockets: RemoteSocket[] = [];
    for (let at = 0; at < 11; at++) {
      const socket = await dial("px", "127.0.0.1");
      socket.write(ask);
      await until("it follows", () => statusOf(socket) === 200);
      sockets.push(socket);
    }
    const [eager, ...lazy] = sockets as [RemoteSocket, ...RemoteSocket[]];
    for (const one of lazy) one.pause();
    const before = daemon.rss;
    const device = await lab.device("dev", "net");
    let last = "";
    const grown = await growth(drops("slow-reader"), async () => {
      for (let turn = 0; turn < 4_000; turn++) {
        const text = Array.from({ length: 30 }, (_, at) => `${turn}-${at}=${"x".repeat(230)}`);
        device.announce([rec("Wide._ipp._tcp.local", "TXT", 120, text)]);
        last = `${turn}-29=`;
        await sleep(2);
        if (turn % 100 === 0 && (await numbers())(drops("slow-reader")) >= lazy.length) break;
      }
    });
    expect(grown).toBe(lazy.length);
    const tail = () =>
      Buffer.concat(eager.arrivals.slice(-20).map(({ bytes }) => bytes)).toString();
    await until("the last packet comes", () => tail().includes(last));
    expect(textOf(eager).match(/^event: packet$/gm)?.length).toBeGreaterThan(
      Number(last.split("-")[0]),
    );
    expect(daemon.rss - before).toBeLessThan(80e6);
    await expectWell();
    for (const one of sockets) one.reset();
    await expectNothingLeft();
  }, 240_000);
});

describe("A1.20 the Unix socket", () => {
  it("is for owner and group", () => {
    expect(statSync(path).mode & 0o7777).toBe(0o660);
    const reach = `curl -s -o /dev/null -w '%{http_code}' --unix-socket ${path} http://x/v1/summary`;
    execFileSync("chmod", ["755", folder]);
    const other = lab.run(
      "px",
      `setpriv --reuid 65534 --regid 65534 --clear-groups ${reach} || true`,
    );
    expect(other).toBe("000");
    expect(lab.run("px", `setpriv --reuid 65534 --regid 0 --clear-groups ${reach}`)).toBe("200");
  });

  it("that a living discd has is left to it; that of a dead one is taken over", async () => {
    const second = new Child([...lab.enter("px"), program, "-c", daemon.file]);
    expect(await second.ended.then(() => second.exit?.code)).not.toBe(0);
    expect(second.stderrLines.join("\n")).toMatch(/in use by|another program listens there/);
    await expectWell();
    daemon.child.kill("SIGKILL");
    await daemon.child.ended;
    expect(existsSync(path)).toBe(true);
    daemon = await lab.discd(config(""), { apex: zone });
    await until("it is open again", async () => (await operator("/v1/summary")) !== "");
    await expectWell();
    await sleep(1_000);
    files = openFiles();
  });
});

describe("A1.20 over TLS", () => {
  const tls = "https://10.8.0.53:8053";

  beforeAll(async () => {
    const stream = await dial("px", "127.0.0.1");
    stream.write(Buffer.from(`GET /v1/events HTTP/1.1\r\n${host}\r\n\r\n`));
    await until("it follows", () => statusOf(stream) === 200);
    daemon.reload(config(", tls = true"));
    // What was said in the clear ends with the reload.
    await until("the old stream ends", () => stream.hasEnded || stream.isClosed);
    stream.reset();
    await until(
      "TLS is spoken",
      () => status("px", "-k https://127.0.0.1:8053/v1/summary") === 200,
    );
  });

  it("the same is refused as in the clear, and nothing is said in the clear", async () => {
    expect(status("cli", `-k ${tls}/v1/summary`)).toBe(401);
    expect(status("cli", `-k ${right} ${tls}/v1/summary`)).toBe(200);
    expect(status("cli", `-k ${right} -H 'Origin: ${there}' ${tls}/v1/summary`)).toBe(403);
    expect(status("cli", `-k ${right} -H 'Origin: ${tls}' ${tls}/v1/summary`)).toBe(200);
    expect(status("cli", `-k ${right} -H 'Host: evil.example' ${tls}/v1/summary`)).toBe(421);
    expect(status("cli", `-k --tls-max 1.1 ${tls}/`)).toBe(0);
    expect(await growth(drops("tls"), () => status("cli", `${there}/`))).toBe(1);
    // The certificate is that of DNS over TLS.
    const found = lab.run("cli", `curl -skv ${tls}/ 2>&1 >/dev/null`);
    expect(found).toMatch(/TLSv1\.3/);
  });

  it("handshakes that do not end are not waited for", async () => {
    const sockets: RemoteSocket[] = [];
    for (let at = 0; at < 10; at++) {
      const socket = await dial("cli", "10.8.0.53");
      if (at % 2 === 0) socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1]));
      sockets.push(socket);
    }
    const began = Date.now();
    const grown = await growth(drops("tls"), () =>
      until(
        "all of them are cut off",
        () => sockets.every(({ hasEnded, isClosed, error }) => hasEnded || isClosed || error),
        20_000,
      ),
    );
    expect(Date.now() - began).toBeLessThan(14_000);
    expect(grown).toBe(sockets.length);
    for (const one of sockets) one.reset();
    await expectWell();
    await expectNothingLeft();
  });
});

it("A1.20 after all of it discd ends in order, and its socket with it", async () => {
  await expectWell();
  await expectNothingLeft();
  expect(daemon.log.filter((line) => /"level":"?(error|fatal)|crash/.test(line))).toEqual([]);
  // Nobody who may not do anything else fills the disk with it.
  expect(daemon.log.filter((line) => line.includes("http")).length).toBeLessThan(20);
  await daemon.stop();
  expect(daemon.child.exit).toEqual({ code: 0, signal: null });
  expect(existsSync(path)).toBe(false);
}, 30_000);
