// The journal of what is ours: read again it says the same, also when it was cut
// in the middle of a line or of an update.

import { describe, expect, test } from "vitest";
import { formatNote, type Note, readJournal, snapshotOf } from "../../src/update/journal.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { gone, linesOf, printer, ZoneStage } from "./zone-stage.js";

const a = parseRR("h.link1.discd.test 120 A 192.0.2.5");
const txt = parseRR('Dr\\.\\032Who._ipp._tcp.link1.discd.test 120 TXT "a=\\"b\\"" "\\000\\255"');

const textOf = (rrs: Iterable<Parameters<typeof formatRR>[0]>) =>
  Array.from(rrs, (rr) => formatRR(rr)).sort();

describe("a journal [UP-57] [UP-65]", () => {
  test("keeps names, octets and TTLs", () => {
    const { own, faults } = readJournal(snapshotOf([a, txt]));
    expect(own).toEqual([a, txt]);
    expect(faults).toBe(0);
  });

  test("what was taken out is not in it, what came again is", () => {
    const notes: Note[] = [
      { sign: "+", rr: a },
      { sign: "+", rr: txt },
      { sign: "-", rr: a },
      { sign: "-", rr: txt },
      { sign: "+", rr: txt },
    ];
    expect(readJournal(notes.map(formatNote)).own).toEqual([txt]);
  });

  test("lines that cannot be read are passed over and counted", () => {
    const line = formatNote({ sign: "+", rr: a });
    const lines = ["", "rubbish", "* x", "+ h.link1 120 A 999.1.1.1", line, line.slice(0, -9)];
    const { own, faults } = readJournal(lines);
    expect(own).toEqual([a]);
    expect(faults).toBe(4);
  });

  test("says at every moment at least what is ours in the zone", () => {
    const stage = new ZoneStage();
    const proxy = stage.proxy().start();
    const written: string[] = [];
    const laser = printer("Laser");
    const inkjet = printer("Inkjet");
    const write = () => written.push(...proxy.publisher.takeNotes().map(formatNote));
    const scenes = [
      () => proxy.offer(laser, inkjet),
      () => proxy.offer(gone(laser)),
      () => proxy.offer(laser, printer("Inkjet", { address: "192.0.2.9" })),
      () => proxy.offer(gone(inkjet)),
    ];
    for (const [index, scene] of scenes.entries()) {
      stage.at(10 * index + 5);
      scene();
      for (let step = 0; step < 100; step++) {
        stage.at(10 * index + 5 + step / 20);
        write();
        const own = new Set(textOf(readJournal(written).own));
        const there = stage.primary.published(true).map((line) => formatRR(parseRR(line)));
        expect(there.filter((line) => !own.has(line))).toEqual([]);
      }
      // And when all is said and done, exactly that.
      const own = textOf(readJournal(written).own);
      expect(own).toEqual(stage.primary.published(true).map((line) => formatRR(parseRR(line))));
    }
    expect(stage.primary.published()).toEqual(linesOf(laser));
  });
});
