// Key files in BIND's syntax: every way to write one that BIND takes, and what is
// wrong with others, with the line and without a word of their text.

import fc from "fast-check";
import { expect, test } from "vitest";
import { chooseKey, readKeyFile } from "../../src/config/key-file.js";
import { displayName, parseName } from "../../src/wire/name.js";
import type { TsigKey } from "../../src/wire/tsig.js";
import { secret } from "./update-files.js";

const bytes = Uint8Array.from({ length: 32 }, (_, at) => at);

/** Names, algorithms and lengths of secrets, or the fault. */
function read(text: string): readonly string[] | string {
  const keys = readKeyFile(text);
  if ("line" in keys) return `${keys.line}: ${keys.text}`;
  return keys.map((key) => `${displayName(key.name)} ${key.algorithm} ${key.secret.length}`);
}

const usual = `key "discd" {\n\talgorithm hmac-sha256;\n\tsecret "${secret}";\n};\n`;

test("what tsig-keygen writes is read to the byte", () => {
  const keys = readKeyFile(usual) as readonly TsigKey[];
  expect(keys).toEqual([{ name: parseName("discd"), algorithm: "hmac-sha256", secret: bytes }]);
});

test.each([
  ["the other order, on one line", `key discd{secret "${secret}";algorithm hmac-sha256;};`],
  ["without quotes", `key discd { algorithm "hmac-sha256"; secret ${secret}; };`],
  [
    "comments of all kinds",
    `# made by hand\n/* key "x" {\n } */ key // here\n"discd" { # "\n algorithm hmac-sha256; // ;\n secret "${secret}"; /**/ };`,
  ],
  ["capitals and a final dot", `key discd. { algorithm HMAC-SHA256.; secret "${secret}"; };`],
  ["lines ended for Windows", usual.replaceAll("\n", "\r\n")],
  ["space inside the secret", usual.replace("AAEC", "AA EC\t")],
])("read alike: %s", (_, text) => {
  expect(read(text)).toEqual(["discd hmac-sha256 32"]);
});

test("several keys", () => {
  const other = `key "floor.campus.example." { algorithm hmac-sha1; secret "AAAA"; };`;
  expect(read(`${usual}${other}`)).toEqual([
    "discd hmac-sha256 32",
    "floor.campus.example hmac-sha1 3",
  ]);
});

test.each([
  ["nothing at all", "", []],
  ["comments alone", "# no key yet\n", []],
  ["a secret alone", `\n${secret}\n`, '2: something else than key "NAME" { … };'],
  ["another statement", `${usual}options { };`, '5: something else than key "NAME" { … };'],
  ["KEY", usual.replace("key", "KEY"), '1: something else than key "NAME" { … };'],
  ["no name", 'key { algorithm hmac-sha256; secret "AAAA"; };', "1: a key's name is missing"],
  ["an empty name", usual.replace("discd", ""), "1: a key's name is missing"],
  ["the root's name", usual.replace("discd", "."), "1: a key's name is missing"],
  ["no brace", usual.replace("{", ""), "2: '{' is missing"],
  ["no algorithm", `key k {\n secret "AAAA";\n};`, "3: the key has no algorithm"],
  ["no secret", "key k {\n algorithm hmac-sha256;\n};", "3: the key has no secret"],
  ["two secrets", usual.replace("};", ' secret "AAAA"; };'), "4: a key has one algorithm and one"],
  ["two algorithms", usual.replace("};", " algorithm x; };"), "4: a key has one algorithm and"],
  ["another clause", usual.replace("};", " server x; };"), "4: a key has one algorithm and one"],
  ["no base64", usual.replace("AAEC", "(?)"), "3: a secret in base64 is missing"],
  ["a secret cut short", usual.replace("8=", ""), "3: a secret in base64 is missing"],
  ["an empty secret", usual.replace(secret, ""), "3: a secret in base64 is missing"],
  ["no semicolon", usual.replace('";', '"'), "4: ';' is missing"],
  ["no last semicolon", usual.replace("};", "}"), "5: ';' is missing"],
  ["no end", usual.slice(0, -4), "3: '}' is missing"],
  ["a quotation without end", usual.replace('="', "="), "3: a quotation or comment begins and"],
  ["a comment without end", `${usual}/* more`, "5: a quotation or comment begins and does not"],
  ["an unknown algorithm", usual.replace("sha256", "sha3"), "2: the algorithm: is none of hmac-"],
  [
    "HMAC-MD5 [TSIG-6]",
    usual.replace("sha256", "md5"),
    "2: the algorithm: HMAC-MD5 is not secure enough to be offered; make a key with: tsig-keygen",
  ],
  ["a truncated hash", usual.replace("sha256", "sha256-128"), "2: the algorithm: is none of"],
])("%s", (_, text, want) => {
  const found = read(text);
  if (typeof want === "string") expect(found).toContain(want);
  else expect(found).toEqual(want);
  expect(found).not.toContain(secret.slice(0, 10));
});

test("too many keys", () => {
  expect(read(usual.repeat(1001))).toBe("4001: more than 1000 keys");
});

test("the key that is meant", () => {
  const keys = readKeyFile(`${usual}${usual.replace("discd", "other")}`) as readonly TsigKey[];
  const chosen = (all: readonly TsigKey[], name?: string) => {
    const found = chooseKey(all, name === undefined ? undefined : parseName(name));
    return "fault" in found ? found.fault : displayName(found.name);
  };
  expect(chosen(keys, "OTHER.")).toBe("other");
  expect(chosen(keys.slice(1))).toBe("other");
  expect(chosen(keys)).toBe("it holds 2 keys; say which: { file = 'FILE', name = 'NAME' }");
  expect(chosen(keys, "third")).toBe("it holds no key of that name");
  expect(chosen([])).toBe("it holds no key");
  expect(chosen([...keys, ...keys], "other")).toBe(
    "it holds 2 keys of that name; leave one of them",
  );
});

test("random text is keys or a fault on one of its lines", () => {
  const piece = fc.constantFrom(
    ...["key", "discd", "{", "}", ";", '"', "algorithm", "hmac-sha256", "secret", "AAAA", "\n"],
    ...["/*", "*/", "//", "#", " ", "\\", "\0", "é"],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const text = pieces.join("");
      const found = readKeyFile(text);
      if (!("line" in found)) return;
      expect(found.line).toBeGreaterThanOrEqual(1);
      expect(found.line).toBeLessThanOrEqual(text.split("\n").length);
    }),
    { numRuns: 2000, seed: 8945 },
  );
});
