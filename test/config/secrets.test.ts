// Files that hold a secret: a warning for each that everybody on the host may
// read, wherever the secret stands, and never the secret itself.

import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { problemText } from "../../src/config/check-text.js";
import { loadAgain, loadSettings } from "../../src/config/load.js";
import { entry, host, linesOf, load } from "./lua.js";
import { bundleWorker } from "./worker.js";

const secret = "E5e973e5a6b2a43f48e7dc849e37bfcf";
const sound = `${entry("")}\n`;

let program: URL;
let folder: string;

beforeAll(async () => {
  program = await bundleWorker();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Files = Readonly<Record<string, readonly [mode: number, text: string]>>;

/** Warnings of these files, the first of which is the main one. */
async function warningsOf(files: Files, environment: Record<string, string> = {}) {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = mkdtempSync(join(tmpdir(), "discd-secrets-"));
  for (const [name, [mode, text]] of Object.entries(files)) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), mode);
  }
  const file = join(folder, Object.keys(files)[0] as string);
  const loaded = await loadSettings({ file, demo: false }, host, environment, program);
  if ("problems" in loaded) throw new Error(loaded.problems.map(problemText).join("\n"));
  expect(JSON.stringify(loaded.settings.engine.cookies)).toContain("secret");
  const lines = loaded.warnings.map((one) => problemText(one).replaceAll(`${folder}/`, ""));
  return { loaded, lines };
}

const written = `${sound}cookies = { secret = '${secret}' }`;
const warning = (place: string, file: string) =>
  `${place}: warning: cookies.secret: this file holds it and may be read by every user of this ` +
  `host; take that right away with: chmod o-r ${file}`;

test.each([
  [0o644, true],
  [0o604, true],
  [0o640, false],
  [0o600, false],
  [0o642, false],
])("the mode of the main file: %o", async (mode, isOpen) => {
  const { lines } = await warningsOf({ "discd.lua": [mode, written] });
  expect(lines).toEqual(isOpen ? [warning("discd.lua:2", "discd.lua")] : []);
});

test("the file that is meant is the one that holds it", async () => {
  const main = `${sound}cookies = { secret = include('secret.lua') }`;
  const text = `-- of all servers\nreturn '${secret}'`;
  const closed: Files = { "discd.lua": [0o644, main], "secret.lua": [0o600, text] };
  expect((await warningsOf(closed)).lines).toEqual([]);
  const open: Files = { "discd.lua": [0o600, main], "secret.lua": [0o644, text] };
  expect((await warningsOf(open)).lines).toEqual([warning("secret.lua:2", "secret.lua")]);
});

test("one of the environment stands in no file", async () => {
  const text = `${sound}cookies = { secret = env('DISCD_COOKIES') }`;
  const { lines } = await warningsOf({ "discd.lua": [0o644, text] }, { DISCD_COOKIES: secret });
  expect(lines).toEqual([]);
});

test("judged again, it is the file as it is now", async () => {
  const { loaded } = await warningsOf({ "discd.lua": [0o600, written] });
  const again = async () => {
    const judged = await loadAgain(loaded.origin, host, program);
    return "problems" in judged ? undefined : judged.warnings.length;
  };
  expect(await again()).toBe(0);
  chmodSync(join(folder, "discd.lua"), 0o644);
  expect(await again()).toBe(1);
  rmSync(join(folder, "discd.lua"));
  expect(await again()).toBe(0);
  symlinkSync("nowhere", join(folder, "discd.lua"));
  expect(await again()).toBe(0);
});

test.each([secret.slice(1), `${secret}0`, `${secret.slice(1)}x`, `${secret} `])(
  "what is mistyped is not shown: %s",
  (typed) => {
    const loaded = load(`${sound}cookies = { secret = '${typed}' }`);
    expect(linesOf(loaded)).toHaveLength(1);
    expect(JSON.stringify(loaded)).not.toContain(typed.slice(0, 8));
  },
);

describe("a token of the environment", () => {
  const cookies = `cookies = { secret = env('COOKIES') }`;
  const told = (line: number, name: string) =>
    `discd.lua:${line}: warning: http.token: the variable ${name} is not set, so that there is ` +
    `no token; set it where discd is started, as by Environment=${name}=… in its unit`;

  test.each([
    ["one line", "http = { token = env('DISCD_TOKEN') }", [told(2, "DISCD_TOKEN")]],
    ["a line of its own", 'http = {\n  token = env "TOK",\n}', [told(3, "TOK")]],
    ["the last key", "http = { tls = false,\n token = env('TOK') -- of all\n}", [told(3, "TOK")]],
    ["something instead", `http = { token = env('TOK') or '${secret}' }`, []],
    ["a comment", "http = {} -- token = env('TOK'),", []],
    ["a variable that is set", "http = { token = env('COOKIES') }", []],
    ["no token at all", "http = { listen = '127.0.0.1:1' }", []],
    ["no HTTP at all", "http = false", []],
  ])("%s", async (_, http, want) => {
    const text = `${sound}${http}\n${cookies}`;
    const { lines } = await warningsOf({ "discd.lua": [0o600, text] }, { COOKIES: secret });
    expect(lines).toEqual(want);
  });
});
