// What an answer to a question about one name says, and when it says nothing: a
// part of it must not be taken for the whole.

import { expect, test } from "vitest";
import { Counts } from "../../src/counts.js";
import { seededRandom } from "../../src/random.js";
import { instant } from "../../src/time.js";
import { Exchange, recordsIn } from "../../src/update/exchange.js";
import { encodeQuestion } from "../../src/update/messages.js";
import { encodeFrame } from "../../src/wire/frame.js";
import { encodeMessage, type Message } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import { formatRR, parseRR } from "../../src/wire/text.js";

const lines = ["a.link1.discd.test. 120 IN A 192.0.2.1", "a.link1.discd.test. 120 IN A 192.0.2.2"];

/** What comes of an answer with these two records; `spoil` changes its bytes. */
function answered(head: Partial<Message>, spoil: (bytes: Uint8Array) => void = () => {}) {
  const now = instant(1_000_000);
  const exchange = new Exchange(undefined, () => 0, seededRandom(1), new Counts());
  exchange.send(now, { message: encodeQuestion(parseName("a.link1.discd.test"), 255) });
  exchange.opened(now);
  const [, written] = exchange.takeEffects();
  if (written?.kind !== "write") expect.fail("nothing was sent");
  const id = ((written.bytes[2] ?? 0) << 8) | (written.bytes[3] ?? 0);
  const answers = lines.map(parseRR);
  const bytes = encodeMessage({ id, isResponse: true, answers, ...head }).slice();
  spoil(bytes);
  exchange.received(now, encodeFrame(bytes));
  const outcome = exchange.takeOutcome() ?? expect.fail("no outcome");
  return recordsIn(outcome)?.map(formatRR);
}

test("a whole answer tells all that stands at a name, NXDOMAIN that nothing does", () => {
  expect(answered({})).toEqual(lines);
  expect(answered({ rcode: 3, answers: [] })).toEqual([]);
});

test.each([
  ["the server failed", { rcode: 2 }, undefined],
  ["the server cut it short", { tc: true }, undefined],
  // The second record's address has three bytes.
  ["a record cannot be read", {}, (bytes: Uint8Array) => bytes.set([3], bytes.length - 5)],
])("nothing is known of the name when %s", (_, head, spoil) => {
  expect(answered(head, spoil)).toBeUndefined();
});
