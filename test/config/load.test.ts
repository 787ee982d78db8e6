// Files as they lie on a disk, run in the thread that is used for real: the
// sample, the manual's examples, include and env, a hundred links by a loop.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { problemText } from "../../src/config/check-text.js";
import { isNamed } from "../../src/config/files.js";
import { loadSettings, type PresentInterface } from "../../src/config/load.js";
import { allKeys } from "../../src/config/schema.js";
import { displayName } from "../../src/wire/name.js";
import { eth, host, linesOf, load } from "./lua.js";
import { bundleWorker } from "./worker.js";

const top = fileURLToPath(new URL("../../", import.meta.url));
const manual = readFileSync(join(top, "docs/configuration.md"), "utf8");

let program: URL;
let folder: string;

beforeAll(async () => {
  program = await bundleWorker();
  folder = mkdtempSync(join(tmpdir(), "discd-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes files into a folder of their own and loads the one called discd.lua. */
async function loadFiles(
  files: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
  interfaces: readonly PresentInterface[] = host.interfaces,
) {
  const own = mkdtempSync(join(folder, "files-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(own, name)), { recursive: true });
    writeFileSync(join(own, name), text, { mode: name.endsWith(".key") ? 0o600 : 0o644 });
  }
  const file = join(own, "discd.lua");
  const loaded = await loadSettings(
    { file, demo: false },
    { ...host, interfaces },
    environment,
    program,
  );
  const problems = "problems" in loaded ? loaded.problems : loaded.warnings;
  return { loaded, lines: problems.map((one) => problemText(one).replaceAll(`${own}/`, "")) };
}

/** The service zones, in order; the file has to be sound. */
function zonesOf({ loaded, lines }: Awaited<ReturnType<typeof loadFiles>>): readonly string[] {
  if ("problems" in loaded) throw new Error(lines.join("\n"));
  return loaded.settings.engine.proxy.links.map((link) => displayName(link.service));
}

test("the sample is sound", async () => {
  const loaded = await loadSettings(
    { file: join(top, "discd.lua"), demo: false },
    host,
    {},
    program,
  );
  expect("problems" in loaded ? loaded.problems : loaded.warnings).toEqual([]);
});

test("every line of the sample that is a comment is sound as well", () => {
  const sample = readFileSync(join(top, "discd.lua"), "utf8");
  const written = sample
    .split("\n")
    // Keys in comments are indented by what follows the two hyphens.
    .map((line) => line.replace(/^(\s*)-- (for |end$| {2}table|[a-z]+ +=)/, "$1$2"))
    .map((line) => line.replace(/\{ 'floor1.mesh' \},/, "{ 'floor1.mesh' },"))
    .join("\n");
  expect(written).toContain("\nlimits    = {");
  const loaded = load(written);
  expect("problems" in loaded ? loaded.problems.map(problemText) : []).toEqual([]);
  if ("problems" in loaded) return;
  expect(loaded.settings.links.length).toBeGreaterThan(100);
});

const site = [
  eth("lo", 1, "127.0.0.1/8"),
  eth("eth0.10", 2, "10.7.3.1/24"),
  eth("eth0.30", 3, "192.168.9.1/24"),
];

const examples = [...manual.matchAll(/```lua\n([\s\S]*?)```/g)].map((match) => match[1] as string);

test("every example of the manual is sound", async () => {
  expect(examples.length).toBeGreaterThanOrEqual(6);
  const key = /```\n(key [\s\S]*?)```/.exec(manual)?.[1] as string;
  for (const example of examples) {
    const files = { "discd.lua": example, "discd.key": key };
    const { lines } = await loadFiles(files, { DISCD_TOKEN: "0".repeat(64) }, site);
    expect(
      lines.filter((line) => !line.includes("there is no zone to serve")),
      example,
    ).toEqual([]);
  }
});

const named = examples.filter((example) => example.includes("function (interface)"));
test.each([
  ["by VLAN", 0, ["Ground Floor.campus.example", "vlan30.campus.example"]],
  [
    "by site",
    1,
    ["eth0-10.berlin.eu-north.cloud.example", "eth0-30.berlin.eu-north.cloud.example"],
  ],
  ["by address", 2, ["mesh3.example.net"]],
] as const)("[A5.9] the manual's naming %s", async (_, at, want) => {
  expect(named).toHaveLength(3);
  const environment = { DISCD_SITE: "berlin", DISCD_REGION: "eu-north" };
  const result = await loadFiles({ "discd.lua": named[at] as string }, environment, site);
  expect(zonesOf(result)).toEqual(want);
});

test("the manual names every key", () => {
  const missing = allKeys().filter(({ path }) => {
    const key = path.slice(path.lastIndexOf(".") + 1);
    return !new RegExp(`\\b${key}\\b`).test(manual);
  });
  expect(missing).toEqual([]);
});

test("[A1.12] a hundred VLANs by a loop, a variable of the environment, another file", async () => {
  const result = await loadFiles(
    {
      "discd.lua": [
        "local site = env('SITE')",
        "local shared = include('parts/shared.lua')",
        "interfaces = {}",
        "for vlan = 1, 100 do",
        "  interfaces[vlan] = {",
        "    name = 'eth0.' .. vlan,",
        "    subdomain = 'vlan' .. vlan .. '.' .. site .. '.example',",
        "    warm = shared.warm,",
        "  }",
        "end",
      ].join("\n"),
      "parts/shared.lua": "local types = include 'types.lua'\nreturn { warm = types }",
      "parts/types.lua": "return { '_ipp._tcp' }",
    },
    { SITE: "berlin" },
  );
  const zones = zonesOf(result);
  expect(zones).toHaveLength(100);
  expect(zones[99]).toBe("vlan100.berlin.example");
  expect(result.lines).toEqual([]);
  if ("problems" in result.loaded) return;
  const { interfaces } = result.loaded.printable as { interfaces: { warm: unknown }[] };
  expect(interfaces).toHaveLength(100);
  expect(interfaces[41]).toMatchObject({
    name: "eth0.42",
    subdomain: "vlan42.berlin.example",
    warm: ["_ipp._tcp"],
  });
});

test("a problem in a table from another file names that file and its line", async () => {
  const { lines } = await loadFiles({
    "discd.lua":
      "interfaces = {\n  { name = 'a', subdomain = 'a.example' },\n  include('b.lua'),\n}",
    "b.lua":
      "-- the second link\nreturn {\n  name = 'b',\n  subdomain = 'b.example',\n  gahter = 1,\n}",
  });
  expect(lines).toEqual([
    "b.lua:5: interfaces[2].gahter: unknown key; the nearest known one is 'gather'",
  ]);
});

test("globals that an included file sets are configuration too", async () => {
  const result = await loadFiles({
    "discd.lua": "include('a.lua')",
    "a.lua": "interfaces = { { name = 'a', subdomain = 'a.example' } }\nwiat = 1",
  });
  expect(result.lines).toEqual([
    "a.lua:2: wiat: unknown key; the nearest known one is 'wait'; a variable of your own needs `local`",
  ]);
});

test.each([
  [
    "itself",
    { "discd.lua": "\ninclude('discd.lua')" },
    "discd.lua:2: include('discd.lua'): the files include each other in a circle",
  ],
  [
    "in a circle",
    {
      "discd.lua": "include('a.lua')",
      "a.lua": "include('sub/../b.lua')",
      "b.lua": "include('./a.lua')",
    },
    "b.lua:1: include('./a.lua'): the files include each other in a circle",
  ],
  [
    "what is not there",
    { "discd.lua": "\n\ninclude('a.lua')" },
    "discd.lua:3: include('a.lua'): no such file",
  ],
  ["a folder", { "discd.lua": "include('.')" }, "discd.lua:1: include('.'): is not a regular file"],
  [
    "a device",
    { "discd.lua": "include('/dev/zero')" },
    "discd.lua:1: include('/dev/zero'): is not a regular file",
  ],
  [
    "nothing",
    { "discd.lua": "include()" },
    "discd.lua:1: bad argument #1 to 'include' (string expected, got no value)",
  ],
  [
    "a file with a syntax error",
    { "discd.lua": "include('a.lua')", "a.lua": "return {\n  x = ,\n}" },
    "a.lua:2: unexpected symbol near ','",
  ],
  [
    "a file with an error",
    { "discd.lua": "include('a.lua')", "a.lua": "\nerror('no floor plan')" },
    "a.lua:2: no floor plan",
  ],
] as const)("include: %s", async (_, files, want) => {
  expect((await loadFiles(files)).lines).toEqual([want]);
});

test("include: one after the other is no circle, too deep is an error", async () => {
  const twice = await loadFiles({
    "discd.lua": "include('a.lua') include('a.lua')\ninterfaces = { include('b.lua') }",
    "a.lua": "",
    "b.lua": "return { name = 'b', subdomain = 'b.example' }",
  });
  expect(twice.lines).toEqual([]);
  const deep: Record<string, string> = { "discd.lua": "include('1.lua')" };
  for (let at = 1; at < 30; at++) deep[`${at}.lua`] = `include('${at + 1}.lua')`;
  deep["30.lua"] = "";
  expect((await loadFiles(deep)).lines).toEqual([
    "16.lua:1: include('17.lua'): more than 16 files inside each other",
  ]);
});

test("include: a link to itself is a circle under whatever name", async () => {
  const own = mkdtempSync(join(folder, "files-"));
  writeFileSync(join(own, "discd.lua"), "include('other.lua')");
  symlinkSync(join(own, "discd.lua"), join(own, "other.lua"));
  const source = { file: join(own, "discd.lua"), demo: false };
  const loaded = await loadSettings(source, host, {}, program);
  if (!("problems" in loaded)) throw new Error("a circle went through");
  expect(loaded.problems.map((one) => one.text)).toEqual([
    "include('other.lua'): the files include each other in a circle",
  ]);
});

test("a link that leads nowhere is named, with its target", async () => {
  const own = mkdtempSync(join(folder, "files-"));
  const file = join(own, "discd.lua");
  symlinkSync("/nowhere/else.lua", file);
  expect([isNamed(file), isNamed(join(own, "other.lua"))]).toEqual([true, false]);
  const loaded = await loadSettings({ file, demo: false }, host, {}, program);
  expect(linesOf(loaded)).toEqual([
    `${file}:1: the file cannot be read: a symbolic link to /nowhere/else.lua, which is not there`,
  ]);
});

test("a loop in an included file is stopped with that file's line", async () => {
  const { lines } = await loadFiles({
    "discd.lua": "limits = { lua_time = '200ms' }\ninclude('a.lua')",
    "a.lua": "local x = 1\nwhile true do end",
  });
  expect(lines.join()).toContain("a.lua:2: still running after 0.2 s");
});

test("env gives text or nil, and only what the environment holds", async () => {
  const { lines } = await loadFiles(
    {
      "discd.lua":
        "zones = 'x.example'\nprint(env('A'), env('B'), env('constructor'), env('FENGARICONF'))",
    },
    { A: "1" },
  );
  expect(lines).toEqual(["discd.lua:2: warning: print: 1 nil nil nil"]);
});

test("a first line for the shell and a byte-order mark are let through", async () => {
  const { lines } = await loadFiles({ "discd.lua": "\ufeff#!/usr/bin/lua\nzone = 1" });
  expect(lines.join("\n")).toContain(
    "discd.lua:2: zone: unknown key; the nearest known one is 'zones'",
  );
});

test("two hundred interfaces load quickly", async () => {
  const text = [
    "interfaces = {}",
    "for at = 1, 200 do",
    "  table.insert(interfaces, { name = 'v' .. at, subdomain = 'v' .. at .. '.example', warm = { '_ipp._tcp' } })",
    "end",
  ].join("\n");
  await loadFiles({ "discd.lua": text });
  const started = performance.now();
  expect(zonesOf(await loadFiles({ "discd.lua": text }))).toHaveLength(200);
  expect(performance.now() - started).toBeLessThan(2000);
});
