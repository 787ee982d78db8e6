// discli as somebody sits before it: tables and progress in a pseudo-terminal,
// lines in a pipe, Ctrl-C at any time, and servers that would take the terminal over.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { Child } from "./children.js";
import { top } from "./daemon.js";
import { demoStage, discli } from "./discli-stage.js";
import { needs } from "./needs.js";

const it = needs("script");
const stage = demoStage("warm = true\nzones = { 'mesh' }");
let hostile: Child;

beforeAll(async () => {
  if (stage.daemon === undefined) return;
  const script = join(top, "test", "netns", "hostile-server.mjs");
  hostile = new Child([...stage.enter, process.execPath, script]);
  await hostile.says(/^ready$/);
});
afterAll(() => hostile?.stop());

/** What a terminal would obey, apart from taking a line of progress back. */
const obeyed = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e]/;
const taken = /\r\u001b\[K/g;

/** All of a command, in a terminal, and its exit status. */
async function inTerminal(command: string): Promise<{ text: string; status: number }> {
  const terminal = stage.terminal(`${command}; echo "status $?"`);
  await terminal.end();
  const text = terminal.text.replaceAll("\r\n", "\n");
  const [, status] = /status (\d+)\n$/.exec(text) ?? [];
  return { text: text.replace(/status \d+\n$/, ""), status: Number(status) };
}

describe("in a terminal and in a pipe", () => {
  it("A2.1 the same, as a table and as lines", async () => {
    const browse = "browse _ipp._tcp demo.home.arpa";
    const table = await inTerminal(`${discli} ${browse}`);
    const rows = table.text.trimEnd().split("\n");
    expect(rows[0]).toMatch(/^INSTANCE {2,}TYPE {2,}DOMAIN$/);
    expect(rows.slice(1).sort()).toEqual([
      "Dr. Smith's Printer  _ipp._tcp  demo.home.arpa",
      "プリンター           _ipp._tcp  demo.home.arpa",
    ]);
    const piped = await stage.run(browse);
    expect([...piped.out].sort()).toEqual([
      "Dr\\. Smith's Printer._ipp._tcp.demo.home.arpa",
      "プリンター._ipp._tcp.demo.home.arpa",
    ]);
    const through = await inTerminal(`${discli} ${browse} | cat`);
    expect(through.text.trimEnd().split("\n").sort()).toEqual([...piped.out].sort());
  });

  it("A2.1 show: columns in a terminal, fields with tabs in a pipe", async () => {
    const { text, status } = await inTerminal(`${discli} show zones`);
    expect(status).toBe(0);
    expect(text).toMatch(/^ZONE {2,}KIND {2,}INTERFACE {2,}INDEX {2,}SOURCE {2,}QUERIES\b.*\n/);
    expect(text.split(/\r?\n/).filter((line) => line.length > 120)).toEqual([]);
    const { out } = await stage.run("show zones");
    expect(out).toContainEqual(expect.stringMatching(/^mesh\trecords\t-\t-\tconfig\t\d+\t/));
  });

  it("A2.2 resolve: TXT key by key", async () => {
    const { text } = await inTerminal(
      `${discli} resolve "Dr. Smith's Printer._ipp._tcp.demo.home.arpa"`,
    );
    expect(text).toMatch(/^host {2,}dr-smiths-printer\.demo\.home\.arpa$/m);
    expect(text).toMatch(/^port {2,}631$/m);
    expect(text).toMatch(/^txt {2,}\S+=/m);
  });
});

it("A5.6 the doctor warns of a zone without a dot, and shows the suffixes", async () => {
  stage.resolv("nameserver 127.0.0.1\nsearch home\n");
  const { out } = await stage.run("--server 127.0.0.1 doctor --zone mesh");
  stage.resolv("nameserver 127.0.0.1\n");
  const at = out.findIndex((line) => line.startsWith("single-label"));
  expect(out.slice(at, at + 2)).toEqual([
    "single-label    WARN  SINGLE-LABEL: single-label names fail on Windows; use mesh.home",
    "    suffixes that are put behind such names: home",
  ]);
});

describe("what takes longer than a second", () => {
  const slow = `${discli} --server 127.0.0.1:5401 --timeout 2.5 query x.example`;

  it("is told on one line, which goes away again", async () => {
    const { text, status } = await inTerminal(slow);
    expect(status).toBe(2);
    expect(text).toContain("asking for x.example A: 1 s");
    expect(text).toContain("asking for x.example A: 2 s");
    // All that stays is why it failed.
    const left = text.split("\r\u001b[K").at(-1);
    expect(left).toMatch(/^discli: 127\.0\.0\.1 port 5401: no answer within 2\.5 s/);
  });

  it("is not told in a pipe", async () => {
    const { err } = await stage.run("--server 127.0.0.1:5401 --timeout 1.6 query x.example");
    expect(err).toHaveLength(1);
    expect(err[0]).not.toContain("asking");
  });

  it("what is quicker leaves no trace of it", async () => {
    const { text } = await inTerminal(`${discli} query demo.home.arpa SOA`);
    expect(text).not.toContain("\u001b");
  });
});

describe("Ctrl-C leaves the terminal as it was", () => {
  const settings = "stty -a | tr '\\n' ' '; echo";

  for (const [when, pause] of [
    ["before anything is drawn", 400],
    ["while progress is drawn", 1700],
  ] as const) {
    it(when, async () => {
      const slow = `${discli} --server 127.0.0.1:5401 query x.example`;
      const trap = "trap : INT";
      const terminal = stage.terminal(
        `${trap}; ${settings}; ${slow}; echo "status $?"; ${settings}`,
      );
      await terminal.shows(/speed.*\n/);
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (pause > 1000) await terminal.shows(/asking for x\.example A: 1 s/);
      terminal.type("\u0003");
      await terminal.end();
      expect(terminal.text).toContain("status 130\r\n");
      const [before, after] = terminal.text.match(/speed.*\n/g) ?? [];
      expect(after).toBe(before);
      expect(terminal.text).not.toContain("discli:");
      // Nothing but the line that was taken back: no colour, and the cursor never went away.
      expect(terminal.text.replace(taken, "")).not.toMatch(obeyed);
      if (pause > 1000) expect(terminal.text).toMatch(/\r\u001b\[K(\^C)?status|\u001b\[Kstatus/);
    });
  }

  it("browse --watch and show packets end well", async () => {
    for (const command of ["browse _ipp._tcp demo.home.arpa --watch", "show packets"]) {
      const terminal = stage.terminal(`trap : INT; ${discli} ${command}; echo "status $?"`);
      if (command.startsWith("browse")) await terminal.shows(/^\+ /m);
      else await new Promise((resolve) => setTimeout(resolve, 1500));
      terminal.type("\u0003");
      await terminal.end();
      expect(terminal.text, command).toContain("status 0\r\n");
      expect(terminal.text.replace(taken, ""), command).not.toMatch(obeyed);
    }
  });
});

describe("hostile servers", () => {
  const ask = (port: number, words = "query x.example") =>
    `${discli} --server 127.0.0.1:${port} --timeout 1 ${words}`;

  for (const [port, what, says] of [
    [5402, "garbage without an end", /no answer within 1 s/],
    [5403, "names that point at themselves", /no answer within 1 s; what came cannot be read/],
    [5405, "a stream of gigabytes", /over TCP.*no answer within/],
    [5406, "a message that never is whole", /over TCP.*no answer within/],
    [5408, "records that are not there", /no answer within 1 s; what came cannot be read/],
  ] as const) {
    it(`${what}: one line that says what to try next, in time`, async () => {
      const start = Date.now();
      const { status, out, err } = await stage.run(
        `--server 127.0.0.1:${port} --timeout 1 query x.example`,
      );
      expect(Date.now() - start).toBeLessThan(6000);
      expect([status, out, err.length]).toEqual([2, [], 1]);
      expect(err[0]).toMatch(says);
    });
  }

  it("answers of others are passed over", async () => {
    const { text } = await inTerminal(ask(5404));
    expect(text).toContain("192.0.2.1");
    expect(text).not.toContain("192.0.2.66");
  });

  it("names and texts that would take the terminal over are shown and not obeyed", async () => {
    for (const words of [
      "browse _ipp._tcp x.example",
      "--escaped browse _ipp._tcp x.example",
      "--json browse _ipp._tcp x.example",
      "browse x.example",
      "resolve A._ipp._tcp.x.example",
      "--json resolve A._ipp._tcp.x.example",
      "query A._ipp._tcp.x.example TXT",
      "query A._ipp._tcp.x.example SRV",
      "--json query A._ipp._tcp.x.example TXT",
      "domains x.example",
      "--json domains x.example",
    ]) {
      const { text } = await inTerminal(ask(5407, words));
      expect(text.replace(taken, ""), words).not.toMatch(obeyed);
      expect(text, words).toContain("owned");
    }
  });
});
