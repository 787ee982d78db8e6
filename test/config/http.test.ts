// `http` of discd.lua: where it may listen, what the token may be, and what does
// not fit together.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { placeText } from "../../src/api/place.js";
import { problemText } from "../../src/config/check-text.js";
import { type Judged, loadSettings } from "../../src/config/load.js";
import { entry, host, linesOf, load, settingsOf } from "./lua.js";
import { bundleWorker } from "./worker.js";

const good = `${entry("")}\n`;
const token = "EHXe53RdnEfH0DQf4LyAxX8cB1JqTfTS";
const tls = "certificate = 'self-signed'";

function wishOf(text: string, on = settingsOf(`${good}${text}`)) {
  const { http } = on.settings;
  return http === false ? http : { ...http, listen: http.listen.map(placeText) };
}

const usual = { listen: ["127.0.0.1:8053", "/run/discd/http"], isTls: false, isDefault: true };

test.each([
  ["absent", "", usual, { listen: usual.listen, token: null, tls: false }],
  ["an empty table", "http = {}", usual, { listen: usual.listen, token: null, tls: false }],
  ["false", "http = false", false, false],
  [
    "a token, and the usual places",
    `http = { token = '${token}' }`,
    { ...usual, token },
    { listen: usual.listen, token: "***", tls: false },
  ],
  [
    "one place",
    "http = { listen = '[::1]:65535' }",
    { listen: ["[::1]:65535"], isTls: false, isDefault: false },
    { listen: ["[::1]:65535"], token: null, tls: false },
  ],
  [
    "every kind of place",
    `${tls} http = { tls = true, token = '${token}', listen = { '[::]:1', '0.0.0.0:1',
      '[fe80::1%eth0]:8053', '192.0.2.1:8053', '[2001:DB8:0::1]:8053', '/run/a socket' } }`,
    {
      listen: [
        "[::]:1",
        "0.0.0.0:1",
        "[fe80::1%eth0]:8053",
        "192.0.2.1:8053",
        "[2001:db8::1]:8053",
        "/run/a socket",
      ],
      token,
      isTls: true,
      isDefault: false,
    },
    { token: "***", tls: true },
  ],
] as const)("%s", (_, text, wish, printed) => {
  const loaded = settingsOf(`${good}${text}`);
  expect(linesOf(loaded)).toEqual([]);
  expect(wishOf(text, loaded)).toEqual(wish);
  const { http } = loaded.printable as { http: unknown };
  if (printed === false) expect(http).toBe(false);
  else expect(http).toMatchObject(printed);
  expect(JSON.stringify(loaded.printable)).not.toContain(token);
});

test("without a file it is this host alone", () => {
  const loaded = load("", host, {}, { demo: false } as never);
  expect("problems" in loaded).toBe(false);
  expect(wishOf("", loaded as ReturnType<typeof settingsOf>)).toEqual(usual);
});

const form = "must be '127.0.0.1:8053', '[::1]:8053' or '/run/discd/http', not";

test.each([
  ["true", "http: must be false or a table, as in { listen = '127.0.0.1:8053' }, not true"],
  ["'127.0.0.1:8053'", "http: must be false or a table"],
  [
    "{ port = 8053 }",
    "http.port: unknown key; the nearest known one is 'token', of listen, token, tls",
  ],
  ["{ tokens = 'x' }", "http.tokens: unknown key; the nearest known one is 'token'"],
  ["{ listen = 8053 }", "http.listen: must be a list { … }, not 8053"],
  ["{ listen = { 8053 } }", `http.listen[1]: ${form} 8053`],
  ["{ listen = '8053' }", `http.listen: ${form} '8053'`],
  ["{ listen = '' }", `http.listen: ${form} ''`],
  ["{ listen = '127.0.0.1' }", `${form} '127.0.0.1'; with a port: '127.0.0.1:8053'`],
  ["{ listen = '::1' }", `${form} '::1'; with a port: '[::1]:8053'`],
  ["{ listen = '[::1]' }", `${form} '[::1]'; with a port: '[::1]:8053'`],
  ["{ listen = '::1:8053' }", `${form} '::1:8053'`],
  ["{ listen = '[127.0.0.1]:8053' }", `${form} '[127.0.0.1]:8053'`],
  ["{ listen = '127.1:8053' }", `${form} '127.1:8053'`],
  ["{ listen = '127.0.0.1:8053:1' }", form],
  ["{ listen = '127.0.0.1:' }", form],
  ["{ listen = '127.0.0.1:-1' }", form],
  ["{ listen = '127.0.0.1:8e3' }", form],
  ["{ listen = '127.0.0.1:0' }", "http.listen: the port must be from 1 to 65535, not 0"],
  ["{ listen = '127.0.0.1:65536' }", "the port must be from 1 to 65535, not 65536"],
  ["{ listen = 'px.example.com:8053' }", `${form} 'px.example.com:8053'`],
  ["{ listen = 'localhost:8053' }", "that is 127.0.0.1 and ::1: { '127.0.0.1:8053', '[::1]:8053'"],
  ["{ listen = 'http://127.0.0.1:8053' }", "leave out what stands before the place"],
  ["{ listen = 'unix:/run/discd/http' }", "leave out what stands before the place"],
  ["{ listen = 'run/http' }", "the path of a socket begins with /"],
  ["{ listen = '/run/discd/' }", "http.listen: is a folder; name the socket in it"],
  ["{ listen = '/run/\\0' }", "http.listen: holds a byte 0, which no path does"],
  ["{ listen = '/run/\\255' }", form.slice(0, -5)],
  [`{ listen = '/${"x".repeat(107)}' }`, "has 108 bytes; the path of a socket has 107 at most"],
  ["{ listen = '224.0.0.1:8053' }", "224.0.0.1 is not one host's address"],
  ["{ listen = '[ff02::1%eth0]:8053' }", "ff02::1%eth0 is not one host's address"],
  ["{ listen = '[fe80::1]:8053' }", "is on every link; name the interface: '[fe80::1%eth0]:8053'"],
  [
    "{ listen = { '127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:1' } }",
    "http.listen[3]: 127.0.0.1:1 is listened on already, by 127.0.0.1:1; leave one of them out",
  ],
  [
    "{ token = '0123456789abcdef', listen = { '0.0.0.0:1', '127.0.0.1:1' } }",
    "http.listen[2]: 127.0.0.1:1 is listened on already, by 0.0.0.0:1; leave one of them out",
  ],
  ["{ listen = { '/run/x', '/run/./x' } }", "/run/x is listened on already, by /run/x"],
  ["{ listen = '127.0.0.1:53' }", "127.0.0.1:53 is where DNS is answered, by port.tcp; take"],
  ["{ listen = { '127.0.0.1:1', '[::1]:853' } }", "http.listen[2]: [::1]:853 is where DNS is ans"],
  ["{ listen = '127.0.0.1:5352' }", "127.0.0.1:5352 is where DNS is answered, by port.llq"],
  ["{ tls = 'yes' }", "http.tls: must be true or false, not 'yes'"],
] as const)("http = %s", (text, wanted) => {
  const problems = linesOf(refused(`${good}http = ${text}`)).filter((line) => !isWarning(line));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^discd\.lua:2: http/);
  expect(problems[0]).toContain(wanted);
});

const isWarning = (line: string) => line.includes(": warning: ");

function refused(text: string): Judged {
  const loaded = load(text);
  if (!("problems" in loaded)) throw new Error("it was taken");
  return loaded;
}

test("ports of DNS are free where no DNS is answered", () => {
  const closed = "port = { tls = false, push = false } listen = '192.0.2.53'";
  const places = "{ '127.0.0.1:53', '[::1]:853', '127.0.0.1:5352' }";
  expect(linesOf(settingsOf(`${good}${closed} http = { listen = ${places} }`))).toEqual([]);
  const same = load(`${good}${closed} http = { token = '${token}', listen = '192.0.2.53:53' }`);
  expect(linesOf(same).join()).toContain("192.0.2.53:53 is where DNS is answered, by port.tcp");
  // By datagrams alone there is no conflict.
  const datagrams = "port = { tcp = false }";
  expect(linesOf(settingsOf(`${good}${datagrams} http = { listen = '127.0.0.1:53' }`))).toEqual([]);
});

test("a path of 107 bytes is one", () => {
  expect(wishOf(`http = { listen = '/${"x".repeat(106)}' }`)).toMatchObject({
    listen: [`/${"x".repeat(106)}`],
  });
});

test.each([
  ["123456", "it is no text"],
  ["''", "it is empty"],
  [`'${token} '`, "there are others in it"],
  [`'${token}\\n'`, "there are others in it"],
  [`'${token}ü'`, "there are others in it"],
  [`'${token}\\127'`, "there are others in it"],
  [`'${token.repeat(17)}'`, "it has 544 characters, more than 512"],
  ["{}", "it is no text"],
])("a token that is none: %s, and no word of it", (text, fault) => {
  const lines = linesOf(refused(`${good}http = { token = ${text} }`));
  const want = "http.token: must be of ASCII characters without spaces";
  expect(lines).toEqual([`discd.lua:2: ${want}; ${fault}; make one with: openssl rand -hex 32`]);
});

test("a short token is a warning, and so is one that has no certificate to hide behind", () => {
  const lines = linesOf(
    settingsOf(`${good}http = { token = 's3cret', listen = {
    '127.0.0.1:1', '127.9.9.9:1', '[::1]:1', '/run/discd/http',
    '192.0.2.1:1',
    '[::]:2' } }`),
  );
  const bare = "is not loopback, and without TLS whoever is on the way reads the token too";
  const remedy = "set http.tls = true, or listen on 127.0.0.1";
  const guess = "has 6 characters, which can be guessed; make one with: openssl rand -hex 32";
  expect(lines).toEqual([
    `discd.lua:2: warning: http.token: ${guess}`,
    `discd.lua:4: warning: http.listen[5]: 192.0.2.1:1 ${bare}; ${remedy}`,
    `discd.lua:5: warning: http.listen[6]: [::]:2 ${bare}; ${remedy}`,
  ]);
});

test("a token of one letter has 1 character", () => {
  const [line] = linesOf(settingsOf(`${good}http = { token = 'x' }`));
  expect(line).toContain("http.token: has 1 character, which can be guessed");
});

test("who listens for others without a token is told that none of them may read", () => {
  const open = `http = { tls = true, listen = '192.0.2.1:1' }`;
  expect(linesOf(settingsOf(`${good}${tls}\n${open}`))).toEqual([
    "discd.lua:3: warning: http.listen: 192.0.2.1:1 answers nobody elsewhere while there is no " +
      "token; set http.token, or listen on 127.0.0.1",
  ]);
});

test("an empty list is a warning", () => {
  const text = "is empty: nothing listens; write http = false for that";
  const loaded = settingsOf(`${good}http = { listen = {} }`);
  expect(linesOf(loaded)).toEqual([`discd.lua:2: warning: http.listen: ${text}`]);
  expect(wishOf("", loaded)).toMatchObject({ listen: [], isDefault: false });
  const wrong = linesOf(refused(`${good}http = { listen = { '127.0.0.1' } }`));
  expect(wrong.filter((line) => line.includes("is empty"))).toEqual([]);
});

test("the environment's token; one that is not set is none", () => {
  const text = `${good}http = { token = env('DISCD_TOKEN') }`;
  const some = load(text, host, { DISCD_TOKEN: token }) as ReturnType<typeof settingsOf>;
  expect(wishOf("", some)).toMatchObject({ token });
  expect(wishOf(text)).not.toHaveProperty("token");
});

test("TLS without a certificate is an error with its line", () => {
  const text = `${good}certificate = false\nhttp = { listen = '127.0.0.1:1',\n  tls = true }`;
  expect(linesOf(refused(text))).toEqual([
    "discd.lua:4: http.tls: needs a certificate, and certificate is false; " +
      "leave it out, or set files",
  ]);
});

test("TLS of HTTP alone is a use of the certificate", () => {
  const closed = "port = { tls = false, push = false } listen = {}";
  const { settings } = settingsOf(`${good}${closed} ${tls}\nhttp = { tls = true }`);
  expect(settings.certificate.choice).toEqual({ kind: "self-signed" });
  expect(settings.certificate.neededAt).toEqual({ file: "discd.lua", line: 3 });
  const without = settingsOf(`${good}${closed} ${tls}`).settings.certificate;
  expect(without.choice.kind).toBe("none");
  expect(without.neededAt).toBeUndefined();
});

test.each([
  [0o644, `http = { token = '${token}' }`, true],
  [0o640, `http = { token = '${token}' }`, false],
  [0o644, `http = { token = "discd" }`, true],
  [0o644, `http = { token = env('DISCD_TOKEN') } -- not discd`, false],
])("a file of mode %o: %s", async (mode, text, isError) => {
  const program = await bundleWorker();
  const folder = mkdtempSync(join(tmpdir(), "discd-http-"));
  const file = join(folder, "discd.lua");
  writeFileSync(file, `${good}${text}`);
  chmodSync(file, mode);
  const loaded = await loadSettings({ file, demo: false }, host, { DISCD_TOKEN: "discd" }, program);
  rmSync(folder, { recursive: true });
  const lines = ("problems" in loaded ? loaded.problems : []).map(problemText);
  const fault = "this file holds it and may be read by every user of this host";
  const errors = lines.filter((line) => !isWarning(line));
  expect(errors).toEqual(
    isError
      ? [`${file}:2: http.token: ${fault}; take that right away with: chmod o-r ${file}`]
      : [],
  );
});
