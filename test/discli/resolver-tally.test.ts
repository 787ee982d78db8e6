// Which of some servers is the bad one.

import { expect, test } from "vitest";
import { ResolverTally, type Sample, windowLength } from "../../src/discli/resolver-tally.js";
import { Rcode } from "../../src/wire/codes.js";

const answer = (ms: number, rcode: number = Rcode.NOERROR): Sample => ({
  kind: "answer",
  ms,
  rcode,
});
const timeout: Sample = { kind: "timeout" };

/** Two questions a second to A, which is well, and to B, which is as `of` says. */
function minute(of: (at: number) => Sample): ResolverTally {
  const tally = new ResolverTally(["A", "B"]);
  for (let at = 0; at < 120; at++) {
    tally.take("A", at * 500, answer(at % 2 === 0 ? 10 : 12));
    tally.take("B", at * 500, of(at));
  }
  return tally;
}

const flagsOf = (tally: ResolverTally, now = 60_000) =>
  tally.reports(now).map(({ flags }) => flags);

test("A8.18 the share of timeouts, of SERVFAIL, of failures", () => {
  const lossy = minute((at) => (at % 5 === 0 ? timeout : answer(11)));
  expect(flagsOf(lossy)).toEqual([[], ["20 % timeouts"]]);
  expect(lossy.reports(60_000)[1]).toMatchObject({
    asked: 120,
    answered: 96,
    timeouts: 24,
    servfail: 0,
    p50: 11,
    p95: 11,
  });
  const failing = minute((at) => answer(11, at % 10 === 0 ? Rcode.SERVFAIL : Rcode.NOERROR));
  expect(flagsOf(failing)).toEqual([[], ["10 % SERVFAIL"]]);
  const closed = minute(() => ({ kind: "failure", reason: "nothing listens there" }));
  expect(flagsOf(closed)).toEqual([[], ["100 % failures"]]);
});

test("one packet lost is no reason, nor is one of twenty slow", () => {
  expect(flagsOf(minute((at) => (at === 7 ? timeout : answer(11))))).toEqual([[], []]);
  expect(flagsOf(minute((at) => answer(at % 40 === 0 ? 900 : 11)))).toEqual([[], []]);
});

test("slow is slower than the fastest by far", () => {
  expect(flagsOf(minute(() => answer(80)))).toEqual([[], ["slow: 80 ms against 12 ms (p95)"]]);
  // Times three, and yet nobody notices.
  expect(flagsOf(minute(() => answer(40)))).toEqual([[], []]);
});

test("what is older than a minute is forgotten", () => {
  const tally = minute((at) => (at < 60 ? timeout : answer(11)));
  expect(flagsOf(tally)).toEqual([[], ["50 % timeouts"]]);
  expect(flagsOf(tally, 30_000 + windowLength)).toEqual([[], []]);
  expect(tally.reports(600_000)[1]).toMatchObject({ asked: 0, p50: null, p95: null, flags: [] });
});

test("no server holds more than a thousand samples", () => {
  const tally = new ResolverTally(["A"]);
  for (let at = 0; at < 5000; at++) tally.take("A", at, answer(1));
  expect(tally.reports(5000)[0]?.asked).toBe(1000);
});
