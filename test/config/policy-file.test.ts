// The policy file: what it says, and how mistakes in it are told.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatAddress } from "../../src/address.js";
import { readPolicy, usualPolicy } from "../../src/config/policy-file.js";
import { displayName } from "../../src/wire/name.js";
import { bundleWorker } from "./worker.js";

const folder = mkdtempSync(join(tmpdir(), "discd-policy-"));
const file = join(folder, "policy.lua");
let program: URL;
beforeAll(async () => {
  program = await bundleWorker();
});
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string) {
  writeFileSync(file, text);
  return readPolicy(file, program);
}

test("A8.27 every key, and what is meant where a key is absent", async () => {
  const text = `local inside = '10.8.0.53'
policy = { leak = 'all', doh = 'deny', servers = { inside, '2001:db8::53' },
           outside = 'example.net', doh_list = 'doh.txt' }`;
  const policy = await read(text);
  if ("problems" in policy) throw new Error(policy.problems);
  const { servers, outside, ...rest } = policy;
  expect(rest).toEqual({ leak: "all", doh: "deny", dohList: join(folder, "doh.txt") });
  expect(servers.map(formatAddress)).toEqual(["10.8.0.53", "2001:db8::53"]);
  expect(displayName(outside)).toBe("example.net");
  expect(await read("policy = {}")).toEqual(usualPolicy);
});

test.each([
  ["policy = { leak = 'some' }", /policy\.lua:1: policy\.leak: must be .*internal.*'some'/],
  ["policy = {\n  dho = 'deny',\n}", /policy\.lua:2: policy\.dho: unknown key; .*'doh'/],
  ["policy = { servers = 'px' }", /policy\.servers(\[1\])?: must be an address/],
  ["polcy = {}", /policy\.lua:1: .*'policy'/],
  ["", /policy: is missing: the policy, a table/],
  ["policy = {", /policy\.lua:1: /],
  ["while true do end", /still running after/],
  ["os.exit(1)", /policy\.lua:1: /],
])("a mistake is told with its line: %s", async (text, says) => {
  const policy = await read(text);
  expect("problems" in policy ? policy.problems : "").toMatch(says);
});

test("a file that cannot be read is told with the reason", async () => {
  mkdirSync(join(folder, "folder"));
  for (const [name, says] of [
    ["none.lua", "no such file"],
    ["folder", "it is not a regular file"],
  ] as const) {
    const path = join(folder, name);
    expect(await readPolicy(path, program)).toEqual({ problems: `${path}: ${says}` });
  }
});
