// Judging an accepted configuration anew for other interfaces: what counts is
// what was accepted, not what an editor is halfway through writing.

import { mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Host,
  type Loaded,
  loadAgain,
  loadSettings,
  type PresentInterface,
} from "../../src/config/load.js";
import { displayName } from "../../src/wire/name.js";
import { eth, linesOf } from "./lua.js";
import { bundleWorker } from "./worker.js";

let program: URL;
let top: string;

beforeAll(async () => {
  program = await bundleWorker();
  top = mkdtempSync(join(tmpdir(), "discd-"));
});

afterAll(() => rmSync(top, { recursive: true, force: true }));

const hostWith = (...names: string[]): Host => ({
  fqdn: "px.campus.example",
  interfaces: names.map((name, at) => eth(name, at + 1, `10.${at + 1}.0.7/24`)),
});

/** Writes files into a folder of their own. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(top, "files-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

async function accepted(loading: Promise<Loaded>) {
  const loaded = await loading;
  if ("problems" in loaded) throw new Error(linesOf(loaded).join("\n"));
  const { links } = loaded.settings.engine.proxy;
  const zones = links.map(({ link, service }) => `${link} ${displayName(service)}`);
  return { origin: loaded.origin, zones, warnings: linesOf(loaded) };
}

const load = (folder: string, environment: Record<string, string> = {}, host = hostWith("a")) =>
  accepted(
    loadSettings({ file: join(folder, "discd.lua"), demo: false }, host, environment, program),
  );

const main = `
local shared = include('shared.lua')
interfaces = {
  { name = '*', subdomain = function (interface)
      return interface.name .. '.' .. shared .. '.' .. env('SITE') .. '.example'
    end },
}
`;

test("other interfaces, the same texts: edits of any file wait", async () => {
  const folder = folderWith({ "discd.lua": main, "shared.lua": "return 'old'" });
  const environment: Record<string, string> = { SITE: "berlin" };
  const first = await load(folder, environment);
  expect(first.zones).toEqual(["a a.old.berlin.example"]);
  environment.SITE = "paris";
  writeFileSync(join(folder, "discd.lua"), "zones = 'half a f");
  writeFileSync(join(folder, "shared.lua"), "return 'new'");
  const again = await accepted(loadAgain(first.origin, hostWith("a", "b"), program));
  expect(again.zones).toEqual(["a a.old.berlin.example", "b b.old.berlin.example"]);
  rmSync(folder, { recursive: true });
  const last = await accepted(loadAgain(again.origin, hostWith("c"), program));
  expect(last.zones).toEqual(["c c.old.berlin.example"]);
});

test("a file that was missing stays missing, one that nobody asked for is read once", async () => {
  const folder = folderWith({
    "discd.lua": `
local has = pcall(include, 'local.lua')
interfaces = {
  { name = '*', subdomain = function (interface)
      local zone = interface.name == 'a' and 'a' or include(interface.name .. '.lua')
      return zone .. '.' .. tostring(has) .. '.example'
    end },
}
`,
    "b.lua": "return 'first'",
  });
  const { origin } = await load(folder);
  writeFileSync(join(folder, "local.lua"), "");
  const again = await accepted(loadAgain(origin, hostWith("a", "b"), program));
  expect(again.zones).toEqual(["a a.false.example", "b first.false.example"]);
  writeFileSync(join(folder, "b.lua"), "return 'second'");
  const third = await accepted(loadAgain(again.origin, hostWith("b"), program));
  expect(third.zones).toEqual(["b first.false.example"]);
});

test("one run reads a file once, so that it is one text", async () => {
  const folder = folderWith({
    "discd.lua": `
local one, other = include('n.lua'), include('./n.lua')
zones = { one .. '.example' }
print(one == other)
`,
    "n.lua": "return 'x'",
  });
  const { warnings, origin } = await load(folder);
  expect(warnings).toEqual([`${join(folder, "discd.lua")}:4: warning: print: true`]);
  expect([...(origin.script?.included.keys() ?? [])]).toEqual([join(folder, "n.lua")]);
});

test("problems of a judgement anew have the lines of the accepted text", async () => {
  const folder = folderWith({
    "discd.lua": "interfaces = {\n  include('entry.lua'),\n}",
    "entry.lua": `return {
  name = '*',
  -- every interface the same
  subdomain = function () return 'same.example' end,
}`,
  });
  const { origin } = await load(folder);
  rmSync(folder, { recursive: true });
  const refused = await loadAgain(origin, hostWith("a", "b"), program);
  expect(linesOf(refused)).toEqual([
    expect.stringMatching(/entry\.lua:4: interfaces\[1\]\.subdomain: .*same\.example/),
  ]);
});

/** A function that takes the first prefix for granted. */
const byPrefix = (name: string) => `interfaces = {
  { name = '${name}', subdomain = function (interface)
      return interface.prefixes[1]:match('^10%.(%d+)') .. '.example'
    end },
}
`;

const lo = { ...eth("lo", 9, "127.0.0.1/8", "::1/128"), isLoopback: true };
const mute = { ...eth("t0", 8, "10.8.0.1/24"), canMulticast: false };

test("a function is asked about what can be a link: an address that comes late names it then", async () => {
  const folder = folderWith({ "discd.lua": byPrefix("*") });
  const on = (...interfaces: readonly PresentInterface[]): Host => ({
    fqdn: "px.campus.example",
    interfaces: [lo, { ...lo, name: "lo2", addresses: [] }, mute, ...interfaces],
  });
  const first = await load(folder, {}, on(eth("a", 1, "10.1.0.7/24"), eth("b", 2)));
  expect([first.zones, first.warnings]).toEqual([["a 1.example"], []]);
  const later = on(eth("a", 1, "10.1.0.7/24"), eth("b", 2, "10.2.0.7/24"));
  const again = await accepted(loadAgain(first.origin, later, program));
  expect(again.zones).toEqual(["a 1.example", "b 2.example"]);
});

test("a function fails for want of a prefix: a warning, and a name when there is one", async () => {
  const folder = folderWith({ "discd.lua": byPrefix("a") });
  const on = (...addresses: string[]): Host => ({
    fqdn: "px.campus.example",
    interfaces: [eth("a", 1, ...addresses)],
  });
  const bare = await load(folder, {}, on());
  expect(bare.zones).toEqual([]);
  expect(bare.warnings).toEqual([
    expect.stringMatching(/discd\.lua:2: warning: .* interface a, which has no address: /),
  ]);
  const rising = await load(folder, {}, on("fe80::1/64"));
  expect(rising.zones).toEqual([]);
  expect(rising.warnings).toEqual([
    expect.stringMatching(/discd\.lua:3: warning: .*, for a: .*nil.*until it has a prefix$/),
  ]);
  const risen = await accepted(loadAgain(rising.origin, on("fe80::1/64", "10.4.0.1/24"), program));
  expect([risen.zones, risen.warnings]).toEqual([["a 4.example"], []]);
});

test("a function that fails for what has a prefix is wrong", async () => {
  const folder = folderWith({ "discd.lua": byPrefix("a") });
  const host = { ...hostWith(), interfaces: [eth("a", 1, "2001:db8::1/64")] };
  const file = join(folder, "discd.lua");
  expect("problems" in (await loadSettings({ file, demo: false }, host, {}, program))).toBe(true);
});

test("a circle is one, whatever the link has led to since", async () => {
  const folder = folderWith({
    "discd.lua": "local ok = pcall(include, 'other.lua')\nprint(ok)\nzones = 'x.example'",
  });
  symlinkSync(join(folder, "discd.lua"), join(folder, "other.lua"));
  const { origin, warnings } = await load(folder);
  unlinkSync(join(folder, "other.lua"));
  const again = await accepted(loadAgain(origin, hostWith("b"), program));
  expect(again.warnings).toEqual(warnings);
});

test("without a file there is nothing to keep", async () => {
  const source = { demo: false };
  const first = await accepted(loadSettings(source, hostWith("a"), {}, program));
  const again = await accepted(loadAgain(first.origin, hostWith("a", "b"), program));
  expect(again.zones).toEqual(["a a.home.arpa", "b b.home.arpa"]);
});
