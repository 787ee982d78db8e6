// Subscriptions as they are listed for operators.

import { expect, test } from "vitest";
import { elapsed } from "../../src/time.js";
import { displayName } from "../../src/wire/name.js";
import { lab, Stage } from "./stage.js";

const type = `_ipp._tcp.${lab}`;

/** `client, question, records, seconds` of each subscription. */
const listed = (stage: Stage) =>
  [...stage.server.subscriptions()].map(({ stream, id, address, question, records, since }) =>
    [
      `${stream}/${id}`,
      address,
      displayName(question.name),
      question.type,
      records,
      elapsed(since, stage.now) / 1000,
    ].join(" "),
  );

test("each with its client, its question, what was told of it, and its age", () => {
  const stage = new Stage();
  const [one, two] = [stage.client(1), stage.client(2, { address: "2001:db8::7" })];
  expect(listed(stage)).toEqual([]);
  stage.subscribe(one, 0x101, type, "PTR");
  stage.run(10);
  stage.subscribe(two, 0x201, type, "PTR");
  stage.subscribe(two, 0x202, `h.${lab}`, "A");
  stage.announce("_ipp._tcp.local. 4500 PTR Lobby._ipp._tcp.local.");
  stage.run(12);
  expect(listed(stage)).toEqual([
    "1/257 192.0.2.99 _ipp._tcp.lab.example.com 12 1 12",
    "2/513 2001:db8::7 _ipp._tcp.lab.example.com 12 1 2",
    "2/514 2001:db8::7 h.lab.example.com 1 0 2",
  ]);
  stage.unsubscribe(two, 0x201);
  stage.leave(one);
  expect(listed(stage)).toEqual(["2/514 2001:db8::7 h.lab.example.com 1 0 2"]);
});
