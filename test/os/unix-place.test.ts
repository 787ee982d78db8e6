// The Unix socket: who can connect, what is replaced there and what is left alone.

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { HttpSettings } from "../../src/os/http.js";
import { listenAtUnixPath } from "../../src/os/unix-place.js";
import { stageOf } from "./http-stage.js";

const folder = () => mkdtempSync(join(tmpdir(), "discd-http-"));
const at = (path: string): HttpSettings => ({ listen: [{ kind: "unix", path }] });

const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});

function ask(path: string, method = "GET", target = "/v1/summary", fields = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { socketPath: path, method, path: target, headers: fields };
    const asked = request(options, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    });
    asked.on("error", reject).end();
  });
}

/** What a program leaves behind that was killed. */
function leaveBehind(path: string): void {
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  try {
    execFileSync(process.execPath, ["-e", script]);
  } catch {
    // Killed, as it was told to.
  }
  if (!existsSync(path)) throw new Error("nothing was left behind");
}

test("owner and group may connect, and may write without a token", async () => {
  const path = join(folder(), "http");
  const { state } = await stageOf({}, at(path));
  expect(statSync(path).mode & 0o7777).toBe(0o660);
  expect(await ask(path)).toBe(200);
  expect(await ask(path, "POST", "/v1/reload")).toBe(200);
  expect(state.done).toEqual(["reload"]);
  expect(await ask(path, "GET", "/v1/summary", { host: "anything" })).toBe(200);
  // By a tunnel a browser may come, with a page of somebody else's in it.
  expect(await ask(path, "POST", "/v1/reload", { origin: "null" })).toBe(403);
  expect(await ask(path, "POST", "/v1/reload", { host: "evil.example" })).toBe(421);
  expect(state.done).toEqual(["reload"]);
});

test("a missing folder is made, its parent is not", async () => {
  const parent = folder();
  const path = join(parent, "discd", "http");
  await stageOf({}, at(path));
  expect(await ask(path)).toBe(200);
  expect(statSync(join(parent, "discd")).mode & 0o777).toBe(0o755);
  const deep = join(parent, "a", "b", "http");
  await expect(stageOf({}, at(deep))).rejects.toThrow(
    /folder .*\/a\/b is missing.*ENOENT; make it/,
  );
});

test("the socket of a dead program is replaced", async () => {
  const path = join(folder(), "http");
  leaveBehind(path);
  await stageOf({}, at(path));
  expect(await ask(path)).toBe(200);
});

test("the socket of a living program is left to it", async () => {
  const path = join(folder(), "http");
  // Whoever looks whether it lives hangs up at once.
  const other = createServer((socket) => socket.on("error", () => {}).end("alive"));
  closings.push(() => other.close());
  await new Promise<void>((resolve) => other.listen(path, resolve));
  const message = `http.listen ${path}: another program listens there; stop it`;
  await expect(stageOf({}, at(path))).rejects.toThrow(message);
  expect(existsSync(path)).toBe(true);
});

test("what is no socket is not touched, nor what a link leads to", async () => {
  const file = join(folder(), "http");
  writeFileSync(file, "precious");
  await expect(stageOf({}, at(file))).rejects.toThrow(/no socket is there; remove it/);
  const dead = join(folder(), "dead");
  leaveBehind(dead);
  const link = join(folder(), "http");
  symlinkSync(dead, link);
  await expect(stageOf({}, at(link))).rejects.toThrow(/no socket is there/);
  const message = "that is a folder; name the socket in it";
  await expect(stageOf({}, at(folder()))).rejects.toThrow(message);
  expect(existsSync(file) && existsSync(dead)).toBe(true);
});

test("a path that the kernel does not take is refused in words", async () => {
  const path = join(folder(), "x".repeat(100));
  await expect(stageOf({}, at(path))).rejects.toThrow(/longer than 107 bytes/);
});

test("not even for a moment can anybody else connect", async () => {
  const path = join(folder(), "http");
  const server = createServer();
  closings.push(() => server.close());
  const listen = server.listen.bind(server) as (...words: unknown[]) => typeof server;
  let first = 0;
  server.listen = ((...words: unknown[]) => {
    listen(...words);
    first = statSync(path).mode & 0o7777;
    return server;
  }) as typeof server.listen;
  await listenAtUnixPath(server, path);
  expect(first).toBe(0o660);
});

test("the socket goes with the listener", async () => {
  const path = join(folder(), "http");
  const { listeners } = await stageOf({}, at(path));
  listeners.close();
  expect(existsSync(path)).toBe(false);
});

test("another umask changes nothing, and is not changed", async () => {
  const before = process.umask(0);
  closings.push(() => process.umask(before));
  const path = join(folder(), "http");
  await stageOf({}, at(path));
  expect(statSync(path).mode & 0o7777).toBe(0o660);
  expect(process.umask()).toBe(0);
  process.umask(0o077);
  const deep = join(folder(), "discd", "http");
  await stageOf({}, at(deep));
  expect(statSync(dirname(deep)).mode & 0o7777).toBe(0o755);
  expect(statSync(deep).mode & 0o7777).toBe(0o660);
  chmodSync(path, 0o600);
});
