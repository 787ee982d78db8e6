// The book of probes: what it says of each socket, and that it forgets those that
// are gone.

import { expect, test } from "vitest";
import { judgeHealth } from "../../src/api/health.js";
import { ProbeBook } from "../../src/api/probes.js";
import { instant } from "../../src/time.js";

test("a socket is good for ten seconds after each answer", () => {
  const book = new ProbeBook();
  const isOk = (now: number) =>
    judgeHealth({ listeners: book.states(instant(now)), links: [], zones: [] }).ok;
  book.keep(["a"]);
  expect(isOk(0)).toBe(false);
  book.asked(instant(100), "a");
  book.answered(instant(200), "a");
  expect(book.states(instant(1200))).toEqual([
    { name: "a", askedSecondsAgo: 1.1, answeredSecondsAgo: 1 },
  ]);
  expect(isOk(10_200)).toBe(true);
  expect(isOk(10_201)).toBe(false);
});

test("a failure counts at once, until the next answer", () => {
  const book = new ProbeBook();
  book.keep(["a"]);
  book.answered(instant(0), "a");
  book.failed("a", "ECONNREFUSED");
  expect(book.states(instant(0))[0]?.reason).toBe("ECONNREFUSED");
  book.answered(instant(1), "a");
  expect(book.states(instant(1))[0]?.reason).toBeUndefined();
});

test("what is closed is forgotten, and an answer that comes late makes nothing new", () => {
  const book = new ProbeBook();
  book.keep(["a", "b"]);
  book.answered(instant(0), "a");
  book.keep(["b"]);
  book.answered(instant(1), "a");
  book.failed("a", "x");
  expect(book.states(instant(1)).map(({ name }) => name)).toEqual(["b"]);
  book.keep(["a", "b"]);
  expect(book.states(instant(1)).find(({ name }) => name === "a")?.answeredSecondsAgo).toBeNull();
});
