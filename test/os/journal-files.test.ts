// State files on a real disk: names for any labels, lines cut anywhere, files
// that are not ours, folders and files that cannot be written.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Log } from "../../src/log.js";
import { filesMax, JournalFiles, journalName } from "../../src/os/journal-files.js";
import { StartError } from "../../src/os/listening.js";
import { instant } from "../../src/time.js";
import type { Note } from "../../src/update/journal.js";
import { nameOf, parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR, parseRR } from "../../src/wire/text.js";

let folder = "";
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "discd-journal-")), "update");
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

const zone = parseName("Link1.discd.test");
const fileOf = (name = zone) => join(folder, journalName(name));
const host = (octet: number) => parseRR(`h${octet}.link1.discd.test 120 A 192.0.2.${octet}`);
const plus = (...rrs: readonly RR[]): Note[] => rrs.map((rr) => ({ sign: "+", rr }));
const minus = (...rrs: readonly RR[]): Note[] => rrs.map((rr) => ({ sign: "-", rr }));

function files() {
  const logged: string[] = [];
  const log: Log = {
    event: (level, name, fields) =>
      logged.push(`${level} ${name} ${Object.values(fields ?? {}).join(" | ")}`),
  };
  const clock = { at: 0 };
  const made = new JournalFiles(log, () => instant(clock.at));
  made.use(folder);
  return { files: made, logged, clock };
}

/** What the next run finds. */
function found() {
  const { files: next, logged } = files();
  const journals = next.readAll();
  return { own: journals.flatMap(({ own }) => own.map(formatRR)), journals, logged };
}

describe("what is remembered [UP-57] [UP-65]", () => {
  test("is found by the next run: records added, and not those removed", () => {
    const { files: first } = files();
    first.remember(zone, plus(host(1), host(2)));
    first.remember(zone, [...minus(host(1)), ...plus(host(3))]);
    expect(first.isSafe()).toBe(true);
    const { own, journals, logged } = found();
    expect(own).toEqual([host(2), host(3)].map(formatRR));
    expect(journals[0]?.zone.key).toBe(zone.key);
    expect(logged).toEqual([]);
    expect(readFileSync(fileOf(), "latin1").split("\n")[0]).toBe("zone Link1.discd.test.");
  });

  test("nobody else reads: 0700 and 0600", () => {
    files().files.remember(zone, plus(host(1)));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(fileOf()).mode & 0o777).toBe(0o600);
    files().files.replace(zone, [host(1)]);
    expect(statSync(fileOf()).mode & 0o777).toBe(0o600);
  });

  test("is a file: nothing is waited for that a pipe would say", () => {
    files().files.remember(zone, plus(host(1)));
    execFileSync("mkfifo", [join(folder, "link2.discd.test.journal")]);
    mkdirSync(join(folder, "link3.discd.test.journal"));
    const { own, logged } = found();
    expect(own).toEqual([host(1)].map(formatRR));
    const told = expect.stringMatching(/^warn state-file-faulty .*it is no file/);
    expect(logged).toEqual([told, told]);
  });

  test("is replaced by what is our own, and appended to afterwards", () => {
    const { files: first } = files();
    first.remember(zone, plus(...Array.from({ length: 50 }, (_, octet) => host(octet))));
    const long = statSync(fileOf()).size;
    first.replace(zone, [host(7)]);
    expect(statSync(fileOf()).size).toBeLessThan(long / 10);
    first.remember(zone, plus(host(8)));
    expect(found().own).toEqual([host(7), host(8)].map(formatRR));
    expect(readdirSync(folder)).toEqual([journalName(zone)]);
  });

  test("of any zone, with any bytes in names and texts", () => {
    const label = fc
      .array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 40 })
      .map((bytes) => String.fromCharCode(...bytes));
    const names = fc.array(label, { minLength: 1, maxLength: 5 }).map(nameOf);
    fc.assert(
      fc.property(names, fc.array(label, { minLength: 1, maxLength: 4 }), (name, texts) => {
        rmSync(folder, { recursive: true, force: true });
        const strings = texts.map((text) => Buffer.from(text, "latin1"));
        const rr: RR = { ...host(1), name, type: 16, rdata: { kind: "txt", strings } };
        files().files.remember(name, plus(rr));
        const { journals, logged } = found();
        expect(logged).toEqual([]);
        expect(journals.map((one) => one.zone.key)).toEqual([name.key]);
        expect(journals[0]?.own.map(formatRR)).toEqual([formatRR(rr)]);
      }),
      { numRuns: 20 },
    );
  });
});

describe("a file cut in the middle of its last line", () => {
  test("loses that line alone, even one that reads as another record", () => {
    const { files: first } = files();
    first.remember(zone, plus(host(1)));
    const whole = statSync(fileOf()).size;
    first.remember(zone, plus(host(215)));
    const end = statSync(fileOf()).size;
    for (let cut = end - 1; cut > whole; cut--) {
      truncateSync(fileOf(), cut);
      const { own, logged } = found();
      expect(own).toEqual([host(1)].map(formatRR));
      expect(logged).toEqual([expect.stringMatching(/^warn state-file-faulty .*1 lines cannot/)]);
    }
  });

  test("is mended before the next line", () => {
    const { files: first } = files();
    first.remember(zone, plus(host(1), host(215)));
    truncateSync(fileOf(), statSync(fileOf()).size - 2);
    files().files.remember(zone, plus(host(3)));
    const { own, logged } = found();
    expect(own).toEqual([host(1), host(3)].map(formatRR));
    expect(logged).toEqual([]);
  });

  test("is begun anew when not even the zone was written", () => {
    const { files: first } = files();
    writeFileSync(fileOf(), "zone Link1.di");
    first.remember(zone, plus(host(1)));
    expect(found().own).toEqual([host(1)].map(formatRR));
  });
});

describe("names of files", () => {
  test.each([
    ["link1.discd.test", "link1.discd.test.journal"],
    ["LINK1.discd.test", "link1.discd.test.journal"],
    ["0.113.0.203.in-addr.arpa", "0.113.0.203.in-addr.arpa.journal"],
    ["a\\.b.c", "a%2eb.c.journal"],
    ["\\.\\./\\000.c", "%2e%2e%2f%00.c.journal"],
    ["a%2eb.c", "a%252eb.c.journal"],
    ["k\u00fcche.c", "k%c3%bcche.c.journal"],
  ])("%s", (text, file) => expect(journalName(parseName(text))).toBe(file));

  test("are short enough for any name, and never those of two zones", () => {
    const long = (last: string) => nameOf([..."123"].map((c) => c.repeat(63)).concat(last));
    expect(journalName(long("\u00ff".repeat(50)))).toMatch(/^=[0-9a-f]{64}\.journal$/);
    expect(journalName(long("\u00ff".repeat(50)))).not.toBe(journalName(long("\u00fe".repeat(50))));
    expect(journalName(nameOf([]))).toMatch(/^=[0-9a-f]{64}\.journal$/);
  });
});

describe("files that are no journals of ours", () => {
  test.each([
    ["another zone's", "zone other.test.\n+ a.other.test. 1 IN A 192.0.2.1\n", /another zone's/],
    ["no zone", "rubbish\n", /names no zone/],
    ["an impossible zone", "zone a..b\n", /names no zone/],
    ["empty", "", undefined],
  ])("%s", (_, text, want) => {
    const { files: first } = files();
    writeFileSync(fileOf(), text);
    const { own, logged } = found();
    expect(own).toEqual([]);
    expect(logged.join()).toMatch(want ?? /^$/);
    first.remember(zone, plus(host(1)));
    expect(found().own).toEqual([host(1)].map(formatRR));
    expect(readdirSync(folder).includes(`${journalName(zone)}.unread`)).toBe(want !== undefined);
  });

  test("noise in a file costs its own lines, which are counted", () => {
    const { files: first } = files();
    first.remember(zone, plus(host(1)));
    appendFileSync(fileOf(), `\u0000\u00ff\n+ ${"x".repeat(400_000)}\n* a\n`);
    first.remember(zone, plus(host(2)));
    const { own, logged } = found();
    expect(own).toEqual([host(1), host(2)].map(formatRR));
    expect(logged).toEqual([expect.stringMatching(/3 lines cannot be read/)]);
  });

  test("a file too long to be read is set aside", () => {
    const { files: first } = files();
    first.remember(zone, plus(host(1)));
    truncateSync(fileOf(), 65 * 1024 * 1024);
    expect(found().logged).toEqual([expect.stringMatching(/are more than 67108864; set aside as/)]);
  });

  test("more files than are read are told", () => {
    files();
    for (let count = 0; count <= filesMax; count++) {
      writeFileSync(join(folder, `a${count}.journal`), `zone a${count}.\n`);
    }
    const { journals, logged } = found();
    expect(journals).toHaveLength(filesMax);
    expect(logged).toEqual([expect.stringMatching(/of 4097 files, 4096 are read/)]);
  });

  test("a link in the place of a file is not followed", () => {
    const { files: first, logged } = files();
    const elsewhere = join(folder, "..", "elsewhere");
    writeFileSync(elsewhere, "");
    symlinkSync(elsewhere, fileOf());
    first.remember(zone, plus(host(1)));
    expect(first.isSafe()).toBe(false);
    expect(readFileSync(elsewhere, "utf8")).toBe("");
    expect(logged).toHaveLength(1);
  });
});

describe("a file that cannot be written", () => {
  test("is said once, holds updates back, and is made up for later", () => {
    const { files: first, logged, clock } = files();
    mkdirSync(fileOf());
    first.remember(zone, plus(host(1), host(2)));
    first.remember(zone, minus(host(2)));
    for (let count = 0; count < 10; count++) expect(first.isSafe()).toBe(false);
    expect(logged).toEqual([
      expect.stringMatching(/^error state-file-not-written .*EISDIR \| no zone is updated/),
    ]);
    clock.at = 600_001;
    expect(first.isSafe()).toBe(false);
    expect(logged).toHaveLength(2);
    rmdirSync(fileOf());
    expect(first.isSafe()).toBe(true);
    expect(logged[2]).toMatch(/^info state-file-written /);
    expect(found().own).toEqual([host(1)].map(formatRR));
  });

  test("one that cannot be replaced stays as it is", () => {
    const { files: first, logged } = files();
    first.remember(zone, plus(host(1), host(2)));
    mkdirSync(`${fileOf()}.new`);
    writeFileSync(join(`${fileOf()}.new`, "x"), "");
    first.replace(zone, [host(1)]);
    expect(first.isSafe()).toBe(true);
    expect(logged).toEqual([expect.stringMatching(/^error state-file-not-written .* stays$/)]);
    expect(found().own).toEqual([host(1), host(2)].map(formatRR));
  });
});

describe("a folder that cannot be used is a reason not to start", () => {
  test.each([
    ["a file", () => writeFileSync(folder, ""), /a file stands where a folder should be/],
    [
      "a file on the way",
      () => {
        writeFileSync(folder, "");
        folder = join(folder, "update");
      },
      /a file stands where a folder should be/,
    ],
    [
      "no such device",
      () => (folder = "/proc/none/update"),
      /\/proc\/none\/update: .*update\.state$/,
    ],
  ])("%s", (_, prepare, want) => {
    prepare();
    expect(() => files()).toThrow(StartError);
    expect(() => files()).toThrow(want);
    if (folder.startsWith("/proc")) folder = join(mkdtempSync(join(tmpdir(), "x-")), "update");
  });
});
