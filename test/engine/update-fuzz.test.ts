// What resolvers and primaries say is hostile until proven otherwise: mangled and
// invented answers, at any moment, and bytes for connections that there are not.
// Nothing throws, nothing is believed, and afterwards all is as it should be.

import { expect, test } from "vitest";
import { below, seededRandom } from "../../src/random.js";
import { ms, seconds } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";
import { parseRR } from "../../src/wire/text.js";
import { listLines, office, printer, printerLines, zone } from "./update-world.js";

const all = [...printerLines(zone, "Laser"), ...listLines(zone, zone)].sort();

test.each([1, 2, 3, 4, 5, 6])("mangled answers, seed %i [UP-32] [TSIG-11]", (seed) => {
  const random = seededRandom(seed);
  const { w, server, link, primary } = office();
  const answer = server.answer.bind(server);
  let isHostile = true;
  server.answer = (second, request) => {
    const answers = answer(second, request);
    if (!isHostile || below(random, 3) > 0) return answers;
    return answers?.map((bytes) => {
      const mangled = Uint8Array.from(bytes.subarray(0, bytes.length - below(random, 20)));
      for (let flips = below(random, 8); flips > 0; flips--) {
        mangled[below(random, mangled.length)] = below(random, 256);
      }
      return mangled;
    });
  };
  for (let round = 0; round < 60; round++) {
    w.run(seconds(10));
    link.says(printer("Plotter", "plotter", 1 + below(random, 200)));
    const dial = below(random, 50);
    const bytes = Uint8Array.from({ length: below(random, 300) }, () => below(random, 256));
    w.input({ kind: "dial-bytes", dial, bytes });
    w.input({ kind: "dial-opened", dial: dial + 1000 });
    w.input({ kind: "dial-closed", dial: dial + 1000, reason: "?" });
  }
  link.says(printer("Plotter", "plotter", 1).replace(/ (120|4500) /g, " 0 "));
  isHostile = false;
  w.run(seconds(4000));
  expect(primary.published().filter((line) => !/plotter/i.test(line))).toEqual(all);
  expect(primary.lines()).toContain(`keep.${zone}. 120 A 192.0.2.77`);
});

test.each([1, 2, 3])("answers of a resolver that nobody asked for, seed %i [UP-9]", (seed) => {
  const random = seededRandom(seed);
  const { w, primary } = office();
  const names = [zone, `_dns-update._tcp.${zone}`, `ns1.${zone}`, "discd.test", "com"];
  const texts = [
    "SRV 0 0 0 evil.test",
    "SOA evil.test evil.test 1 1 1 1 1",
    "A 192.0.2.66",
    "A 0.0.0.0",
  ];
  for (let round = 0; round < 300; round++) {
    w.run(ms(below(random, 3000)));
    const pick = <T>(list: readonly T[]): T => list[below(random, list.length)] as T;
    const rr = parseRR(`${pick(names)} 60 ${pick(texts)}`);
    const question = { name: parseName(pick(names)), type: pick([1, 6, 28, 33]) };
    const answer = { rcode: below(random, 16), answers: [rr], authorities: [rr, rr] };
    w.input({ kind: "looked-up", question, answer: below(random, 4) === 0 ? undefined : answer });
  }
  w.run(seconds(1500));
  expect(primary.published()).toEqual(all);
});
