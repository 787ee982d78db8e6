// Lines to copy: whatever a device calls itself, a shell hands dig and discli
// the words that were meant, and those read them as the name that was meant.

import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { typedBrowse, typedInstance } from "../../src/discli/names.js";
import { readCommandLine } from "../../src/discli/usage.js";
import { displayName, formatName, labelText, nameOf, parseName } from "../../src/wire/name.js";
import { Lines, quoted, serverOf, zoneText } from "../../web/lines.js";
import { strangeNames } from "./world.js";

beforeAll(() => rmSync("/tmp/taken", { force: true }));

/** The words that a shell makes of a line. */
function wordsOf(line: string, shell = "sh"): string[] {
  const script = line.replace(/^\w+/, "args");
  const text = `args() { for word; do printf '%s\\0' "$word"; done; }\n${script}`;
  const { stdout, stderr, status } = spawnSync(shell, ["-c", text], { encoding: "utf8" });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout.split("\0").slice(0, -1);
}

const domain = parseName("Building 1.example.com");

function named(instance: string) {
  const type = "_ipp._tcp";
  const name = nameOf([instance, "_ipp", "_tcp"].map(labelText).concat(domain.labels));
  const escaped = formatName(name).replace(/\.$/, "");
  return { name, service: { instance, escaped, type, domain: displayName(domain) } };
}

const more = [
  "-4",
  "+short",
  "@192.0.2.1",
  "back\\slash",
  "x._foo._tcp.y",
  "x._foo._tcp",
  "!! !$ %d {a,b} ~ *",
  "\u0085\u2028",
  "a.b",
  "'",
  "''''",
  '"',
  "\ufffd",
  "#fragment",
  ";",
];
const usual = new Lines({ address: "10.8.0.53", port: 53 });

describe("a line is the same words in any shell, and they name the instance", () => {
  test.each([...strangeNames, ...more])("%j", (instance) => {
    const { name, service } = named(instance);
    const [resolve = "", srv = "", txt = ""] = usual.instance(service);
    for (const line of [resolve, srv, txt]) {
      expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/);
      expect(wordsOf(line, "bash")).toEqual(wordsOf(line));
    }
    const [server, type, owner = ""] = wordsOf(srv);
    expect([server, type]).toEqual(["@10.8.0.53", "SRV"]);
    expect(owner).not.toMatch(/^[-+@]/);
    expect(parseName(owner).key).toBe(name.key);
    const command = readCommandLine(wordsOf(resolve));
    if ("wish" in command) throw new Error(`read as --${command.wish}`);
    expect([command.command.name, command.server]).toEqual(["resolve", "10.8.0.53"]);
    expect(typedInstance(command.words[0] as string).key).toBe(name.key);
  });

  test("nothing was run on the way", () => {
    expect(existsSync("/tmp/taken")).toBe(false);
  });
});

describe("other lines", () => {
  test("a type in a domain with a space", () => {
    const [browse = "", watch = "", ptr = ""] = usual.type("_ipp._tcp", "Building 1.example.com");
    expect(watch).toBe(`${browse} --watch`);
    const command = readCommandLine(wordsOf(watch));
    if ("wish" in command) throw new Error(command.wish);
    const typed = typedBrowse(command.words[0], command.words[1]);
    expect(typed.type).toEqual(["_ipp", "_tcp"]);
    expect(typed.domain?.key).toBe(domain.key);
    expect(ptr).toBe("dig @10.8.0.53 PTR '_ipp._tcp.Building\\0321.example.com'");
  });

  test("another port, and IPv6", () => {
    const lines = new Lines({ address: "2001:db8::53", port: 5300 });
    expect(lines.zone("example.com")[0]).toBe("dig @2001:db8::53 -p 5300 SOA example.com");
    const [discli = ""] = lines.domain("example.com");
    expect(wordsOf(discli)).toEqual(["--server", "[2001:db8::53]:5300", "browse", "example.com"]);
    const plain = new Lines({ address: "2001:db8::53", port: 53 });
    expect(plain.domain("example.com")[0]).toBe("discli --server 2001:db8::53 browse example.com");
  });

  test("without a server the system's resolver is asked", () => {
    const lines = new Lines(undefined);
    expect(lines.host("a.example.com.")[1]).toBe("dig A a.example.com");
    expect(lines.domain("a.example")[0]).toBe("discli browse a.example");
  });

  test("what is on a link in update mode is asked of whoever answers for it", () => {
    const lines = new Lines({ address: "10.8.0.53", port: 53 }, new Set(["floor3"]));
    expect(lines.on("floor3").zone("a.example")[0]).toBe("dig SOA a.example");
    expect(lines.on("floor2").zone("a.example")[0]).toBe("dig @10.8.0.53 SOA a.example");
    expect(lines.on(null).zone("a.example")[0]).toBe("dig @10.8.0.53 SOA a.example");
    expect(lines.elsewhere.zone("a.example")[0]).toBe("dig SOA a.example");
  });

  test.each([
    ["Dr\\. Who.example", "Dr\\.\\032Who.example"],
    ["\\000\\.x", "\\000\\.x"],
    ["büro", "b\\195\\188ro"],
    ["\\ü", "\\195\\188"],
    ["a@b;c", "a\\@b\\;c"],
  ])("zone-file text of %j", (text, want) => {
    expect(zoneText(text)).toBe(want);
    expect(parseName(want).key).toBe(parseName(text).key);
  });

  test("plain words need no quotes, empty ones do", () => {
    expect(quoted("_ipp._tcp.example.com")).toBe("_ipp._tcp.example.com");
    expect(quoted("")).toBe("''");
    expect(quoted("~root")).toBe("'~root'");
  });
});

test.each([
  [["127.0.0.1:53/udp", "10.8.0.53:53/udp"], "127.0.0.1", "127.0.0.1"],
  [["127.0.0.1:53/udp", "10.8.0.53:53/udp"], "px.example.com", "10.8.0.53"],
  [["127.0.0.1:53/udp", "[2001:db8::1]:53/udp"], "[2001:db8::1]", "2001:db8::1"],
  [["127.0.0.1:5300/udp", "10.8.0.53:53/tcp"], "px.example.com", "127.0.0.1"],
  [["nonsense"], "px.example.com", undefined],
])("of %j, found as %s, lines name %s", (listeners, hostname, want) => {
  expect(serverOf(listeners, hostname)?.address).toBe(want);
});
