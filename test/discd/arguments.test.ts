// The command line of discd, and the lines to try that it prints.

import { describe, expect, test } from "vitest";
import { type Arguments, readArguments } from "../../src/discd/arguments.js";
import { tryLines } from "../../src/discd/try-lines.js";
import { parseName } from "../../src/wire/name.js";

describe("command line", () => {
  const cases: readonly { words: string; want: Arguments | RegExp }[] = [
    { words: "", want: { kind: "run", file: undefined, demo: false } },
    { words: "-c a.lua", want: { kind: "run", file: "a.lua", demo: false } },
    { words: "--config a.lua --demo", want: { kind: "run", file: "a.lua", demo: true } },
    { words: "--config=a.lua", want: { kind: "run", file: "a.lua", demo: false } },
    { words: "--check", want: { kind: "check", file: undefined, demo: false, json: false } },
    {
      words: "--check --print-json -c a.lua",
      want: { kind: "check", file: "a.lua", demo: false, json: true },
    },
    { words: "--version", want: { kind: "version" } },
    { words: "--help", want: { kind: "help" } },
    { words: "--help --check", want: { kind: "help" } },
    { words: "--print-json", want: /--print-json goes with --check/ },
    { words: "--chekc", want: /'--chekc'/ },
    { words: "-x", want: /'-x'/ },
    { words: "-c", want: /--config/ },
    { words: "--config=", want: /--config/ },
    { words: "--demo=yes", want: /--demo/ },
    { words: "discd.lua", want: /discd\.lua/ },
  ];
  for (const { words, want } of cases) {
    test(words === "" ? "(nothing)" : words, () => {
      const args = readArguments(words.split(" ").filter(Boolean));
      if (!(want instanceof RegExp)) expect(args).toEqual(want);
      else {
        expect(args).toEqual({ kind: "wrong", text: expect.stringMatching(want) });
        expect((args as { text: string }).text).not.toMatch(/\n|\.$/);
      }
    });
  }
});

describe("lines to try", () => {
  const zone = parseName("demo.home.arpa");
  const linesAt = (...listeners: string[]) =>
    tryLines(zone, listeners, [])
      .split("\n")
      .filter((line) => line.startsWith("  dig ") || line.startsWith("  bin/"));

  test("ask the nearest address at its port", () => {
    const moved = linesAt("192.0.2.1:5300/udp", "127.0.0.1:5300/udp", "127.0.0.1:5300/tcp");
    expect(moved.length).toBeGreaterThanOrEqual(4);
    const watch = moved.pop();
    expect(watch).toMatch(
      /^ {2}bin\/discli --server 127\.0\.0\.1:5300 browse _ssh\._tcp .* --watch$/,
    );
    expect(moved.every((line) => line.startsWith("  dig @127.0.0.1 -p 5300 "))).toBe(true);
    const usual = linesAt("[2001:db8::1]:53/udp");
    expect(usual.pop()).toContain(" --server 2001:db8::1 ");
    expect(
      usual.every((line) => line.startsWith("  dig @2001:db8::1 ") && !/ -p /.test(line)),
    ).toBe(true);
  });

  test("hold names that the shell hands over whole", () => {
    const [line] = linesAt("127.0.0.1:53/udp").filter((text) => text.includes("SRV"));
    expect(line).toBe(
      `  dig @127.0.0.1 "Dr\\.\\032Smith's\\032Printer._ipp._tcp.demo.home.arpa" SRV`,
    );
  });

  test("are none where nothing is listened on", () => {
    expect(tryLines(zone, [], [])).toBe("");
    expect(tryLines(zone, ["127.0.0.1:53/tcp"], [])).toBe("");
  });

  test("say where the page is, or where the API is without one", () => {
    const both = ["127.0.0.1:53/udp"];
    const page = (pages: readonly string[]) => tryLines(zone, both, pages).split("\n").at(-3);
    expect(page(["/run/discd/http", "http://127.0.0.1:8053/"])).toBe(
      "Everything on one page: http://127.0.0.1:8053/",
    );
    const socket = "Everything at once: curl --unix-socket /run/discd/http";
    expect(page(["/run/discd/http"])).toBe(`${socket} http://localhost/v1/summary`);
    expect(tryLines(zone, [], ["/run/discd/http"])).toMatch(/^Everything at once: /);
  });
});
