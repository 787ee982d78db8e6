// What a hostile or mistaken discd.lua can do: nothing but fail, in bounded time
// and memory, with a line that says where. Runs in the thread that is used for
// real.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { problemText } from "../../src/config/check-text.js";
import { loadSettings } from "../../src/config/load.js";
import { host, linesOf, load } from "./lua.js";
import { bundleWorker } from "./worker.js";

let program: URL;
let folder: string;

beforeAll(async () => {
  program = await bundleWorker();
  folder = mkdtempSync(join(tmpdir(), "discd-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Problems of a file that really lies there, without the name of its folder. */
async function run(text: string): Promise<readonly string[]> {
  const file = join(folder, "discd.lua");
  writeFileSync(file, text);
  const loaded = await loadSettings({ file, demo: false }, host, {}, program);
  const lines = "problems" in loaded ? loaded.problems : loaded.warnings;
  return lines.map((line) => problemText(line).replaceAll(`${folder}/`, ""));
}

const brief = "limits = { lua_time = '300ms' }\n";

test.each([
  ["a loop without an end", "while true do end"],
  ["a loop that catches everything", "while true do pcall(error) end"],
  ["catching inside catching", "local function f() while true do pcall(f) end end f()"],
  ["a loop inside a coroutine", "coroutine.wrap(function() while true do end end)()"],
  ["moving a table to nowhere", "table.move({ 1 }, 1, 100000000, 2)"],
  ["an errant pattern", "string.find(string.rep('a', 100000), string.rep('a*', 50) .. 'b')"],
])("[A1.13] ended by the clock: %s", async (_, text) => {
  expect(await run(`${brief}${text}`)).toEqual([
    "discd.lua:2: still running after 0.3 s (limits.lua_time); is there a loop that does not end?",
  ]);
});

test.each([
  ["calling itself", "local function f() return 1 + f() end f()", "stack overflow"],
  [
    "sorting without an order",
    "local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function() return true end)",
    "invalid order function for sorting",
  ],
  [
    "a metatable that leads to itself",
    "local t = setmetatable({}, {}) getmetatable(t).__index = t local x = t.x",
    "'__index' chain too long; possible loop",
  ],
  [
    "tostring without an end",
    "local m = {} m.__tostring = function(t) return tostring(t) end tostring(setmetatable({}, m))",
    "overflow",
  ],
  ["a table inside itself", "local t = {} t.t = t allow = t", "allow.t: is no item of a list"],
  [
    "a list inside itself",
    "local t = {} t[1] = t interfaces = t",
    "interfaces[1]: must be a table { … }, not a table that contains itself",
  ],
  [
    "a table with a metatable",
    "port = setmetatable({}, { __index = { udp = 1 } })",
    "port: must be a table of the ports that differ, as in { udp = 5300, tcp = 5300 }, not a table with a metatable",
  ],
])("[A1.13] an error of its own: %s", async (_, text, want) => {
  const lines = await run(`\n${text}`);
  expect(lines[0]).toContain("discd.lua:2: ");
  expect(lines[0]).toContain(want);
});

const hungry = "limits = { lua_memory = '32M', lua_time = 20 }\n";

test.each([
  ["one huge string", "local s = string.rep('x', 1000000000)"],
  ["a string that doubles", "local s = 'x' while true do s = s .. s end"],
  [
    "doubling behind pcall",
    "while true do pcall(function() local s = 'x' while true do s = s .. s end end) end",
  ],
  [
    "many strings",
    "local t = {} while true do t[#t + 1 & 0xffff] = string.rep('x', 100000) .. #t end",
  ],
  [
    "slices of a string",
    "local t, s = {}, string.rep('x', 1000000) for i = 1, 1e5 do t[i & 1023] = s:sub(2) end error('x')",
  ],
  [
    "a table joined",
    "local t = {} for i = 1, 1000 do t[i] = string.rep('x', 100000) end local s = table.concat(t)",
  ],
  ["a gsub that grows", "local s = string.rep('x', 1000000):gsub('x', string.rep('y', 1000))"],
  ["tables in a table", "local t = {} while true do t = { t } end"],
  [
    "coroutines",
    "local t = {} while true do local c = coroutine.create(function() coroutine.yield() end) coroutine.resume(c) t = { t, c } end",
  ],
  ["a huge key", "local t = { [string.rep('x', 8000000)] = 1 }"],
])("[A1.13] memory: %s", async (_, text) => {
  const started = performance.now();
  const lines = await run(`${hungry}${text}`);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^discd\.lua:2: needs more than 32 MB of memory \(limits\.lua_memory\)/);
  expect(performance.now() - started).toBeLessThan(15_000);
});

test("[A1.13] a table has a bounded number of keys", async () => {
  const lines = await run("local t = {}\nlocal i = 0\nwhile true do i = i + 1\nt[i] = i\nend");
  expect(lines).toEqual(["discd.lua:4: a table may hold 200000 keys"]);
});

test("[A1.13] more values than any configuration has", async () => {
  const lines = await run(
    "local t = {}\nfor i = 1, 2000 do t[i] = 'a.example' end\nlocal u = {}\nfor i = 1, 2000 do u[i] = t end\nzones = u",
  );
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThanOrEqual(500);
});

test.each([
  ["os.execute('touch FILE')", "os is not available in discd.lua: env('NAME')"],
  ["io.open('FILE', 'w')", "io is not available in discd.lua: include('FILE')"],
  ["io.popen('touch FILE')", "io is not available"],
  ["require('os')", "require is not available"],
  ["dofile('FILE')", "dofile is not available"],
  ["loadfile('FILE')", "loadfile is not available"],
  ["load('return 1')()", "load is not available"],
  ["loadstring('return 1')", "loadstring is not available"],
  ["debug.sethook()", "debug is not available"],
  ["package.loadlib('x', '*')", "package is not available"],
  ["string.dump(print)", "string.dump is not available"],
  ["_G.os.exit(0)", "os is not available"],
  ["getmetatable('').__index.dump(print)", "string.dump is not available"],
  ["collectgarbage()", "collectgarbage is not available"],
])("[A1.13] %s names what is missing and what to use", async (code, want) => {
  const touched = join(folder, "touched");
  // The state is the same in a thread; one of them shows that it is.
  const text = `\n${code.replace("FILE", touched)}`;
  const lines = code.includes("touch") ? await run(text) : linesOf(load(text));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(`discd.lua:2: ${want}`);
  expect(existsSync(touched)).toBe(false);
});

test("[A1.13] nothing of the machine can be reached by another way", () => {
  const text = [
    "local names = {}",
    "for name in pairs(getmetatable(_G) or {}) do names[#names + 1] = name end",
    "for _, name in ipairs({ 'os', 'io', 'debug', 'package', 'fengari', 'js', 'process' }) do",
    "  if _G[name] ~= nil or rawget(_G, name) ~= nil then names[#names + 1] = name end",
    "end",
    "local ok = pcall(setmetatable, _G, {})",
    "print(#names, ok)",
  ].join("\n");
  expect(linesOf(load(text))).toContain("discd.lua:7: warning: print: 0 false");
});

test("[A1.13] the daemon is free while a file runs", async () => {
  let beats = 0;
  const heart = setInterval(() => beats++, 10);
  await run("limits = { lua_time = 1 }\nwhile true do end");
  clearInterval(heart);
  expect(beats).toBeGreaterThan(20);
});

test("a number is what Lua made of it, and refused where that is out of range", async () => {
  // 32-bit integers: this one has become −1.
  expect(await run("rate = 0xffffffff")).toEqual([
    "discd.lua:1: rate: must be a whole number from 1 to 10000, not -1",
  ]);
});

test("[A1.12] a broken byte-code file is not run", async () => {
  expect((await run("\u001bLua")).join()).toMatch(/discd.lua:1: .*binary|unexpected/);
});

test.each([
  ["a missing file", "no-such-file.lua", "no such file"],
  ["a folder", ".", "it is a folder"],
  ["a device", "/dev/zero", "it is not a regular file"],
])("a file that cannot be read: %s", async (_, name, want) => {
  const file = name.startsWith("/") ? name : join(folder, name);
  const loaded = await loadSettings({ file, demo: false }, host, {}, program);
  expect(linesOf(loaded)).toEqual([`${file}:1: the file cannot be read: ${want}`]);
});

test("a thread whose program is missing is a problem, not an exception", async () => {
  const file = join(folder, "discd.lua");
  writeFileSync(file, "");
  const missing = new URL("file:///nonexistent/lua-worker.js");
  const loaded = await loadSettings({ file, demo: false }, host, {}, missing);
  expect(linesOf(loaded).join()).toContain("the interpreter failed");
});
