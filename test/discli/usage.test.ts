// The command line of discli.

import { expect, test } from "vitest";
import { readCommandLine } from "../../src/discli/usage.js";

const plain = { server: undefined, config: undefined, escaped: false, json: false };

test.each([
  ["browse", { ...plain, command: "browse", words: [] }],
  [
    "--server 192.0.2.1 --json browse _ipp._tcp a.example",
    {
      ...plain,
      command: "browse",
      words: ["_ipp._tcp", "a.example"],
      server: "192.0.2.1",
      json: true,
    },
  ],
  // Options may stand anywhere.
  [
    "domains a.example --escaped",
    { ...plain, command: "domains", words: ["a.example"], escaped: true },
  ],
  [
    "-c d.lua --for bind delegation print a.example",
    { ...plain, command: "delegation", words: ["print", "a.example"], config: "d.lua" },
  ],
  [
    "browse --watch _ipp._tcp --pin sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= --no-llq",
    {
      ...plain,
      command: "browse",
      words: ["_ipp._tcp"],
      watch: {
        ca: undefined,
        pins: ["sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
        takesPush: true,
        takesLlq: false,
      },
    },
  ],
  ["--help browse", "help"],
  ["-h", "help"],
  ["--version", "version"],
  [
    "resolve -- -x._ipp._tcp.a.example",
    {
      ...plain,
      command: "resolve",
      words: ["-x._ipp._tcp.a.example"],
    },
  ],
])("%s", (text, want) => expect(readCommandLine(text.split(" "))).toEqual(want));

test.each([
  ["", /^a command is missing$/],
  ["brwose", /^there is no command "brwose"$/],
  ["constructor", /^there is no command/],
  ["browse a b c", /^browse: "c" is one word too many$/],
  ["resolve a b", /^resolve: "b" is one word too many$/],
  ["show zones", /^not yet: show is not built$/],
  ["resolve a._b._tcp.c --watch", /^resolve: only browse can --watch$/],
  ["browse --no-push", /^--no-push says something only with --watch$/],
  ["browse --watch --pin sha1/abc", /^--pin sha1\/abc: write sha256\/ and base64/],
  ["--api=http://127.0.0.1:8053 show", /^not yet: --api=/],
  ["--for knot delegation print x", /^not yet: --for knot is not built; --for bind is$/],
  ["--frob browse", /^Unknown option '--frob'$/],
  ["browse --server", /--server/],
])("%s is refused", (text, want) => {
  expect(() => readCommandLine(text.split(" ").filter(Boolean))).toThrow(want);
});
