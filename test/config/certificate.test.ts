// `certificate` of discd.lua: what is taken, where paths begin, and which names
// clients will look for.

import { expect, test } from "vitest";
import { loadSettings } from "../../src/config/load.js";
import { entry, host, linesOf, load, settingsOf } from "./lua.js";

const good = `${entry("")}\n`;
const settingFor = (text: string) => settingsOf(text).settings.certificate;

test("files: paths begin at the configuration file's folder", () => {
  const text = `${good}certificate = { crt = 'tls/cert.pem', key = '/k.pem', chain = '../c.pem' }`;
  const loaded = load(text, host, {}, { file: "/etc/discd/east.lua", demo: false });
  if ("problems" in loaded) throw new Error(linesOf(loaded).join("\n"));
  const files = { crt: "/etc/discd/tls/cert.pem", key: "/k.pem", chain: "/etc/c.pem" };
  expect(loaded.settings.certificate.choice).toEqual({ kind: "files", files });
  expect(loaded.printable).toMatchObject({ certificate: files });
  const none = settingFor(`${good}certificate = { crt = 'a', key = 'b' }`).choice;
  expect(none).toEqual({
    kind: "files",
    files: { crt: `${process.cwd()}/a`, key: `${process.cwd()}/b` },
  });
});

test("problems with what the files hold get the lines of their keys", () => {
  const text = `${good}certificate = {\n  key = 'b',\n  crt = 'a' }`;
  expect(settingFor(text).places).toEqual({
    certificate: { file: "discd.lua", line: 2 },
    key: { file: "discd.lua", line: 3 },
    crt: { file: "discd.lua", line: 4 },
    chain: { file: "discd.lua", line: 2 },
  });
});

test("self-signed and false", () => {
  const own = settingsOf(`${good}certificate = 'self-signed'`);
  expect(own.settings.certificate.choice).toEqual({ kind: "self-signed" });
  expect(own.printable).toMatchObject({ certificate: "self-signed" });
  const none = settingsOf(`${good}certificate = false`);
  expect(none.settings.certificate.choice).toMatchObject({
    kind: "none",
    reason: "certificate is false",
  });
  expect(none.printable).toMatchObject({ certificate: false });
  const closed = settingFor(`${good}port = { tls = false, push = false }`).choice;
  expect(closed).toMatchObject({ kind: "none", reason: "port.tls and port.push are false" });
  const half = settingFor(`${good}port = { tls = false }`).choice;
  expect(half).toMatchObject({ kind: "unwritten" });
});

test("nothing written: the host's folder, else self-signed without a file and none with one", async () => {
  const folder = "/etc/letsencrypt/live/px.campus.example";
  expect(settingFor(good).choice).toEqual({ kind: "unwritten", folder, otherwise: "none" });
  expect(settingFor(`${good}hostname = 'PX2.Example'`).choice).toMatchObject({
    folder: "/etc/letsencrypt/live/px2.example",
  });
  // A name that could lead out of the folder is none that certificates have.
  for (const hostname of ["Dr\\\\. Who.example", "\\\\.\\\\./x.example", "büro.example"]) {
    expect(settingFor(`${good}hostname = '${hostname}'`).choice).toMatchObject({
      folder: undefined,
    });
  }
  const loaded = await loadSettings({ demo: false }, host, {});
  if ("problems" in loaded) throw new Error(linesOf(loaded).join("\n"));
  expect(loaded.settings.certificate.choice).toEqual({
    kind: "unwritten",
    folder,
    otherwise: "self-signed",
  });
  expect(loaded.settings.certificate.places.crt).toEqual({ file: "", line: 1 });
});

test("[TLS-06] the names: the host's and those of every zone that a certificate can hold", () => {
  const text = `
    hostname = 'px.example.com'
    interfaces = {
      { name = 'eth0.10', subdomain = 'Building 1.example.com', hosts = 'Bldg-1.example.com',
        aliases = { 'b1.example.com', 'büro.example.com' } },
      { name = 'eth0.20', subdomain = 'floor_2.example.com', reverse = true },
    }
    zones = { 'mesh' }`;
  expect(settingFor(text).names).toEqual([
    "px.example.com",
    "bldg-1.example.com",
    "b1.example.com",
    "floor_2.example.com",
    "mesh",
  ]);
});

const wanted = "must be { crt = 'FILE', key = 'FILE' }, 'self-signed' or false";

test.each([
  ["true", `certificate: ${wanted}, not true`],
  ["'cert.pem'", `certificate: ${wanted}, not 'cert.pem'`],
  ["{ crt = 'a' }", "certificate.key: is missing: the file with its private key"],
  ["{ key = 'a' }", "certificate.crt: is missing: the file with the server's certificate"],
  ["{ cert = 'a', key = 'b' }", "unknown key; the nearest known one is 'crt'"],
  ["{ crt = '', key = 'b' }", "certificate.crt: must be text of 1 to 4095 characters"],
  ["{ crt = 'a\\0b', key = 'b' }", "certificate.crt: holds a byte 0, which no path does"],
  ["{ crt = 'a', key = 5 }", "certificate.key: must be text"],
  ["{ crt = 'a', key = 'b', chain = {} }", "certificate.chain: must be text"],
])("wrong: certificate = %s", (source, want) => {
  const lines = linesOf(load(`${good}certificate = ${source}`));
  expect(lines.join("\n")).toContain(`discd.lua:2: ${want}`.replace(/^discd.lua:2: unk/, "unk"));
});
