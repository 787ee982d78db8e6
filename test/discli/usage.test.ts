// The command line of discli: what is read, what is refused, what help says.

import { expect, test } from "vitest";
import { commands } from "../../src/discli/table.js";
import {
  commandHelp,
  globalOptions,
  helpText,
  readCommandLine,
  synopsis,
  typedCommand,
} from "../../src/discli/usage.js";
import { discli } from "./stage.js";

const plain = {
  words: [] as readonly string[],
  server: undefined,
  api: undefined,
  timeout: undefined,
  style: { escaped: false, json: false },
};
const noWatch = { watch: false, ca: undefined, pin: [], "no-push": false, "no-llq": false };
const pin = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/** What is read, the row by its name. */
function read(text: string): object {
  const line = readCommandLine(text.split(" ").filter(Boolean));
  if ("wish" in line) return { ...line, ...("of" in line ? { of: line.of?.name } : {}) };
  return { ...line, command: line.command.name };
}

test.each([
  ["browse", { ...plain, command: "browse", options: noWatch }],
  [
    "--server 192.0.2.1 --json browse _ipp._tcp a.example",
    {
      ...plain,
      command: "browse",
      words: ["_ipp._tcp", "a.example"],
      options: noWatch,
      server: "192.0.2.1",
      style: { escaped: false, json: true },
    },
  ],
  // Options may stand anywhere.
  [
    "domains a.example --escaped --timeout 2.5 --api /run/x",
    {
      ...plain,
      command: "domains",
      words: ["a.example"],
      options: {},
      api: "/run/x",
      timeout: 2500,
      style: { escaped: true, json: false },
    },
  ],
  [
    "-c d.lua --for bind delegation print a.example",
    {
      ...plain,
      command: "delegation print",
      words: ["a.example"],
      options: { config: "d.lua", for: "bind" },
    },
  ],
  [
    `browse --watch _ipp._tcp --pin ${pin} --no-llq`,
    {
      ...plain,
      command: "browse",
      words: ["_ipp._tcp"],
      options: { ...noWatch, watch: true, pin: [pin], "no-llq": true },
    },
  ],
  ["--help", { wish: "help", of: undefined }],
  ["delegation print -h", { wish: "help", of: "delegation print" }],
  ["--help brwose", { wish: "help", of: undefined }],
  ["--version", { wish: "version" }],
  [
    "resolve -- -x._ipp._tcp.a.example",
    { ...plain, command: "resolve", words: ["-x._ipp._tcp.a.example"], options: {} },
  ],
])("%s", (text, want) => expect(read(text)).toEqual(want));

test.each([
  ["", /^a command is missing$/],
  ["brwose", /^there is no command "brwose"; the nearest is browse$/],
  ["constructor", /^there is no command/],
  ["browse a b c", /^browse: "c" is one word too many$/],
  ["resolve a b", /^resolve: "b" is one word too many$/],
  ["resolve", /^resolve: an INSTANCE is missing$/],
  ["query", /^query: a NAME is missing$/],
  ["delegation", /^delegation: write `delegation print`/],
  ["delegation print", /^delegation print: a DOMAIN is missing$/],
  ["resolve a._b._tcp.c --watch", /^resolve: --watch is an option of browse$/],
  ["--for none delegation print x", /^--for none: write one of bind/],
  ["browse --timeout 0", /^--timeout 0: write seconds, more than 0 and at most 3600$/],
  ["browse --timeout 1h", /^--timeout 1h: write seconds/],
  ["--frob browse", /^Unknown option '--frob'$/],
  ["browse --server", /--server/],
])("%s is refused", (text, want) => {
  expect(() => readCommandLine(text.split(" ").filter(Boolean))).toThrow(want);
});

test("the rows agree with each other", () => {
  const names = commands.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const kinds = new Map<string, boolean>(
    Object.entries(globalOptions).map(([name, { kind }]) => [name, kind === "flag"]),
  );
  const shorts = new Map<string, string>([["h", "help"]]);
  for (const row of commands) {
    for (const [name, option] of Object.entries<{ kind: string; short?: string }>(row.options)) {
      const isFlag = option.kind === "flag";
      expect(kinds.get(name) ?? isFlag, `${row.name} --${name}`).toBe(isFlag);
      kinds.set(name, isFlag);
      if (option.short === undefined) continue;
      expect(shorts.get(option.short) ?? name, `${row.name} -${option.short}`).toBe(name);
      shorts.set(option.short, name);
    }
    // Only the last word may be there any number of times, and none may follow one that may not.
    const needs = row.words.map(({ need }) => need);
    expect(needs.slice(0, -1), row.name).not.toContain("any");
    expect(needs.lastIndexOf("one"), row.name).toBe(
      needs.filter((one) => one === "one").length - 1,
    );
  }
});

test("help names every command, and each its own options, in 100 columns", () => {
  const help = helpText();
  for (const row of commands.filter(({ isHidden }) => isHidden !== true)) {
    expect(help).toContain(`  ${synopsis(row)}`);
    const own = commandHelp(row);
    for (const name of Object.keys(row.options)) expect(own).toContain(`--${name}`);
    for (const line of own.split("\n")) expect(line.length, line).toBeLessThanOrEqual(100);
  }
  for (const line of help.split("\n")) expect(line.length, line).toBeLessThanOrEqual(100);
});

test("each row's file is there and exports run", async () => {
  for (const row of commands) expect(await row.load(), row.name).toHaveProperty("run");
});

test.each([
  ["delegation print --fro bind", "delegation print"],
  ["--server 192.0.2.1 browse --foo a b c d", "browse"],
  ["show printers", "show"],
  ["prowse", undefined],
  ["delegation", undefined],
  ["complete", undefined],
  ["", undefined],
])("%j is about %j", (text, want) => {
  expect(typedCommand(text.split(" ").filter(Boolean))).toBe(want);
});

test.each([
  ["show printers", "(discli show --help)\n"],
  ["browse --pin x", "(discli browse --help)\n"],
  ["browse --foo", "(discli browse --help)\n"],
  ["health a b", "(discli health --help)\n"],
  ["prowse", "(discli --help)\n"],
])("%s: the help of that command explains it", async (text, want) => {
  const { status, err } = await discli(text.split(" "));
  expect([status, err]).toEqual([2, expect.stringContaining(want) as string]);
});
