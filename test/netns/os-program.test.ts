// How discd meets its surroundings as a program: a terminal, systemd, signals at
// odd moments, ports it may not have, and a bug of its own. Each runs in an empty
// network namespace with nothing but loopback.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import koffi from "koffi";
import { afterEach, expect } from "vitest";
import { Child, until } from "./children.js";
import { configure, discd, program } from "./daemon.js";
import { needs } from "./needs.js";

const it = needs();

const loopback = ["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"];
const zones = "zones = { 'mesh' }\n";
let running: Child[] = [];

afterEach(async () => {
  for (const child of running) await child.stop();
  running = [];
});

function run(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  const child = new Child([...loopback, ...argv], { env });
  running.push(child);
  return child;
}

/** A configuration that any user may read. */
function readable(text: string): string {
  const file = configure(text);
  chmodSync(dirname(file), 0o755);
  return file;
}

async function ended(child: Child): Promise<Child["exit"]> {
  await until("it ends", () => child.exit !== undefined);
  await child.ended;
  return child.exit;
}

const failed = { code: 1, signal: null };

it("a bug ends it with status 70, stack and state in the log", async () => {
  const planted = join(dirname(configure("")), "planted.mjs");
  writeFileSync(planted, "setTimeout(() => { throw new TypeError('planted'); }, 1500);\n");
  const child = run([process.execPath, `--import=${planted}`, program, "--demo"]);
  expect(await ended(child)).toEqual({ code: 70, signal: null });
  const last = JSON.parse(child.stderrLines.filter(Boolean).at(-1)!);
  expect(last).toMatchObject({ level: "fatal", event: "bug" });
  expect(last.stack).toMatch(/TypeError: planted\n\s+at /);
  expect(last.state.listeners).toContain("127.0.0.1:53/udp");
});

it("the log of a terminal is for people, another one JSON", async () => {
  const tty = run(["script", "-qec", `${discd} --demo`, "/dev/null"]);
  await tty.says(/INFO.*started/);
  expect(tty.stdoutLines.some((line) => line.startsWith("{"))).toBe(false);
  const pipe = run([discd, "--demo"]);
  await pipe.says(/"event":"started"/);
  for (const line of pipe.stderrLines.filter(Boolean)) {
    const { level, time, event } = JSON.parse(line);
    expect([level, event]).toEqual([expect.any(String), expect.any(String)]);
    expect(new Date(time).getTime()).toBeGreaterThan(Date.now() - 60_000);
  }
  await pipe.says(/^ {2}dig @127\.0\.0\.1 /);
});

it("systemd is told when it is ready, reloads and stops", async () => {
  const folder = mkdtempSync(join(tmpdir(), "discd-notify-"));
  const path = join(folder, "notify");
  const library = koffi.load(null);
  const fd = library.func("int socket(int, int, int)")(1, 2 | 0o4000, 0);
  const address = Buffer.alloc(110);
  address.writeUInt16LE(1, 0);
  const size = 2 + address.write(path, 2) + 1;
  expect(library.func("int bind(int, const uint8_t *, uint32_t)")(fd, address, size)).toBe(0);
  const recv = library.func("long recv(int, _Out_ uint8_t *, size_t, int)");
  const heard: string[] = [];
  const hears = (count: number) =>
    until(`${count} notifications`, () => {
      const bytes = Buffer.alloc(500);
      const length = Number(recv(fd, bytes, bytes.length, 0));
      if (length > 0) heard.push(bytes.toString("utf8", 0, length).split("\n")[0]!);
      return heard.length === count;
    });
  try {
    const child = run([discd, "-c", readable(zones)], { NOTIFY_SOCKET: path });
    await hears(1);
    child.kill("SIGHUP");
    await hears(3);
    child.kill("SIGTERM");
    await hears(4);
    expect(heard).toEqual(["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]);
    expect(await ended(child)).toEqual({ code: 0, signal: null });
  } finally {
    library.func("int close(int)")(fd);
    rmSync(folder, { recursive: true });
  }
});

it("a reload while it starts does not end it", async () => {
  const child = run([discd, "-c", readable(`for i = 1, 3e5 do end\n${zones}`)]);
  // Only once the program itself runs: before that nobody could.
  await until("node runs", () => isCatching(child.pid, 1));
  child.kill("SIGHUP");
  await child.says(/"event":"started"/);
  expect(child.exit).toBeUndefined();
});

it("a signal that ends it while it starts: status 0; others are not lost, nor its end", async () => {
  const slow = readable(`for i = 1, 1e7 do local x = i % 7 end\n${zones}`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const child = run([discd, "-c", slow]);
    await until("node runs", () => isCatching(child.pid, 1));
    child.kill(signal);
    expect(await ended(child), signal).toEqual({ code: 0, signal: null });
  }
  const child = run([discd, "-c", slow]);
  await until("node runs", () => isCatching(child.pid, 1));
  child.kill("SIGUSR2");
  child.kill("SIGHUP");
  // The file may have been read before it was edited.
  await child.says(/"event":"reloaded"/);
  const events = child.stderrLines.filter(Boolean).map((line) => JSON.parse(line).event);
  expect(events.indexOf("started")).toBeLessThan(events.indexOf("reloaded"));
});

it("a bug before anything runs is status 70 with a stack, too", async () => {
  const planted = join(dirname(configure("")), "planted.mjs");
  // Node calls it as well, in modules of its own.
  const text = `const { toSorted } = Array.prototype;
    Array.prototype.toSorted = function (...words) {
      if (/dist.discd/.test(new Error().stack)) throw new TypeError("planted");
      return toSorted.apply(this, words);
    };\n`;
  writeFileSync(planted, text);
  for (const words of [["--check"], []]) {
    const child = run([
      process.execPath,
      `--import=${planted}`,
      program,
      "-c",
      "/nowhere",
      ...words,
    ]);
    expect(await ended(child)).toEqual({ code: 70, signal: null });
    expect(child.stderrLines.join("\n")).toMatch(/TypeError: planted\n\s+at /);
  }
});

it("a reader of its output that goes away is nobody's fault", async () => {
  const deaf = (words: readonly string[]) => {
    const child = new Child([...loopback, ...words], { binary: true });
    running.push(child);
    child.stdout.destroy();
    return child;
  };
  const check = deaf([discd, "-c", readable(zones), "--check", "--print-json"]);
  expect(await ended(check)).toEqual({ code: 0, signal: null });
  const both = ["sh", "-c", 'exec "$@" 2>&1', "sh", discd, "--demo"];
  for (const words of [[discd, "--demo"], both]) {
    const child = deaf(words);
    await until("it runs", () => isCatching(child.pid, 1));
    await sleep(1500);
    expect(child.stderrLines.join("\n")).not.toContain("EPIPE");
    child.kill("SIGTERM");
    expect(await ended(child)).toEqual({ code: 0, signal: null });
  }
});

it("a log that nobody reads holds up no answer, and is whole as far as it goes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "discd-unread-"));
  const pipe = join(folder, "pipe");
  const questions = join(folder, "questions");
  execFileSync("mkfifo", [pipe]);
  const names = Array.from({ length: 1000 }, (_, at) => `host-${at}.mesh A`);
  writeFileSync(questions, names.join("\n"));
  const unread = openSync(pipe, "r+");
  try {
    const full = readable(`log = { queries = 'full' }\n${zones}`);
    const child = run(["sh", "-c", `exec "$@" 2>${pipe}`, "sh", discd, "-c", full]);
    await until("it runs", () => isCatching(child.pid, 1));
    const enter = ["nsenter", "-t", String(child.pid), "-n"];
    const soa = ["dig", "@127.0.0.1", "+tries=1", "+time=1", "mesh", "SOA", "+short"];
    await until("it answers", async () => {
      const dig = new Child([...enter, ...soa]);
      await dig.ended;
      return dig.stdoutLines.some((line) => line.includes("hostmaster"));
    });
    const dig = new Child([...enter, "dig", "@127.0.0.1", "+tries=1", "+time=1", "-f", questions]);
    running.push(dig);
    await until("all answers", () => dig.exit !== undefined, 20_000);
    const answers = dig.stdoutLines.filter((line) => line.includes("status: NXDOMAIN"));
    expect(answers).toHaveLength(names.length);
    child.kill("SIGTERM");
    expect(await ended(child)).toEqual({ code: 0, signal: null });
    const held = Buffer.alloc(1 << 20);
    const lines = held.toString("utf8", 0, readSync(unread, held)).split("\n").slice(0, -1);
    for (const line of lines) expect(() => JSON.parse(line), line).not.toThrow();
  } finally {
    closeSync(unread);
    rmSync(folder, { recursive: true });
  }
});

/** Whether a program has installed something for a signal. */
function isCatching(pid: number, signal: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const caught = /SigCgt:\s+([0-9a-f]+)/.exec(status)?.[1];
  return caught !== undefined && ((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

it("a written port without the right to it: one line, status 1, the remedy", async () => {
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const child = run([...nobody, discd, "-c", readable(`port = { udp = 53, tcp = 53 }\n${zones}`)]);
  expect(await ended(child)).toEqual(failed);
  const lines = child.stderrLines.filter(Boolean);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^discd: cannot listen on 127\.0\.0\.1:53 .*permission denied.*setcap/);
});

it("a port that another program has: its name and number in the one line", async () => {
  const script =
    "node -e \"require('net').createServer().listen(5353, '127.0.0.1')\" & other=$!; " +
    'sleep 1; "$@"; status=$?; kill $other; exit $status';
  const text = `port = { udp = false, tcp = 5353 }\n${zones}`;
  const child = run(["sh", "-c", script, "sh", discd, "-c", readable(text)]);
  expect(await ended(child)).toEqual(failed);
  const lines = child.stderrLines.filter(Boolean);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^discd: cannot listen on 127\.0\.0\.1:5353 \(TCP\): in use by node \(pid/,
  );
});

it("a link that cannot be used yet is said, once and why", async () => {
  const text = "interfaces = { { name = 'eth9', subdomain = 'floor9.example.com' } }";
  const child = run([discd, "-c", readable(text)]);
  const inside = (command: string) =>
    new Child(["nsenter", "-t", String(child.pid), "-n", "sh", "-c", command]).ended;
  const said = () => {
    const lines = child.stderrLines.filter(Boolean).map((line) => JSON.parse(line));
    const about = lines.filter(({ link }) => link === "eth9");
    return about.map(({ event, reason }) => [event, ...(reason === undefined ? [] : [reason])]);
  };
  const isNext = (...want: unknown[]) =>
    until(`${want}`, () => JSON.stringify(said().at(-1)) === JSON.stringify(want));
  await isNext("link-waiting", "there is no such interface");
  await inside("ip link add eth9 type veth peer name other");
  await isNext("link-waiting", "the interface is down");
  await inside(
    "echo 1 > /proc/sys/net/ipv6/conf/eth9/disable_ipv6; ip link set other up; ip link set eth9 up",
  );
  await isNext("link-waiting", "the interface has no address to send from");
  await inside("ip addr add 10.9.0.1/24 dev eth9");
  await isNext("link-up");
  await inside("ip link set eth9 down");
  await isNext("link-down", "the interface is down");
  await inside("ip link del eth9");
  await isNext("link-waiting", "there is no such interface");
  await sleep(4500);
  expect(said()).toHaveLength(6);
});

it("[A5.3] a listed link-local address is listened on again when its interface is made again", async () => {
  const text = `${zones}listen = { '127.0.0.1', '192.0.2.9', 'fe80::77%eth9' }`;
  const child = run([discd, "-c", readable(text)]);
  const inside = async (command: string) => {
    const shell = new Child(["nsenter", "-t", String(child.pid), "-n", "sh", "-c", command]);
    await shell.ended;
    return shell.stdoutLines;
  };
  const make =
    "ip link add eth9 type veth peer name other && ip link set other up && ip link set eth9 up && " +
    "ip addr add fe80::77/64 dev eth9 nodad";
  const answers = (how: string) => async () =>
    (await inside(`dig @fe80::77%eth9 ${how} +tries=1 +time=1 +short mesh SOA`)).some((line) =>
      line.includes("hostmaster"),
    );
  await child.says(/"event":"started"/);
  // What is not there is waited for, and said.
  for (const place of ["192.0.2.9", "fe80::77%eth9"]) {
    const lines = child.stderrLines.filter((line) => line.includes("not-listening"));
    const own = lines.filter((line) => line.includes(place));
    expect(own, place).toHaveLength(1);
    expect(own[0]).toMatch(/"level":"warn".*no interface has this address; it is used as soon/);
  }
  for (let round = 0; round < 2; round++) {
    await inside(make);
    await until(`UDP, round ${round}`, answers("+notcp"));
    await until(`TCP, round ${round}`, answers("+tcp"));
    await inside("ip link del eth9");
    await sleep(2500);
  }
});

it("without any interface it runs, says that nobody can ask, and goes on waiting", async () => {
  const child = new Child(["unshare", "-n", discd, "--demo"]);
  running.push(child);
  await child.says(/"event":"started"/);
  expect(child.stderrLines.join("\n")).toMatch(/no address to listen on/);
  expect(child.stdoutLines.join("\n")).not.toMatch(/dig/);
  // As soon as there is one, it is used.
  const enter = ["nsenter", "-t", String(child.pid), "-n", "ip", "link", "set", "lo", "up"];
  await new Child(enter).ended;
  await child.says(/"listening"/);
});
