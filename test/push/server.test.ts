// Streams and their sessions as the engine sees them: ordinary messages pass,
// configurations change, links come and go, everything ends; and bytes that no
// client would send.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PushServer } from "../../src/push/server.js";
import { seconds } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";
import { example, exampleIds } from "../dso/examples.js";
import { answerTo } from "../dso/stage.js";
import { listOf } from "../proxy/floor.js";
import { at, lab, labLink, labOptions, limits, Stage, secure } from "./stage.js";
import type { Subscriber } from "./subscriber.js";

const lobby = "_ipp._tcp.local. 4500 PTR Lobby._ipp._tcp.local.";
const type = `_ipp._tcp.${lab}`;
const plain = "0d01 0000 0001 0000 0000 0000 036c616200 0006 0001";
const withOption11 =
  "0e03 0000 0001 0000 0000 0001 036c616200 0006 0001 00 0029 04d0 00000000 0004 000b 0000";

describe("ordinary messages", () => {
  test("pass, before the session and on it [DSO-08]", () => {
    const stage = new Stage();
    const client = stage.client();
    expect(stage.says(client, plain)).toBe(true);
    expect(stage.server.isSession(1)).toBe(false);
    stage.says(client, "E01");
    expect(stage.server.isSession(1)).toBe(true);
    expect(stage.says(client, plain)).toBe(true);
    expect(stage.server.answered(stage.now, 1)).toBe(true);
    expect(client.heard()).toEqual(answerTo("E02"));
  });

  test("keep the session while they wait for an answer, and begin its idle time then [DSO-28] [DSO-29]", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.says(client, "E01");
    stage.says(client, plain);
    stage.says(client, plain);
    stage.run(200);
    stage.server.answered(stage.now, 1);
    stage.run(300);
    stage.server.dropped(stage.now, 1);
    stage.run(359.9);
    expect(client.isReset).toBe(false);
    stage.run(360);
    expect(client.isReset).toBe(true);
    expect(stage.counts.of("dso-aborts", "inactive")).toBe(1);
  });

  test("with option 11 they end the session [EDNS-10]", () => {
    const stage = new Stage();
    const client = stage.client();
    expect(stage.says(client, withOption11)).toBe(true);
    stage.server.dropped(stage.now, 1);
    stage.says(client, "E01");
    expect(stage.says(client, withOption11)).toBe(false);
    expect(client.isReset).toBe(true);
  });

  test("of streams that are gone are nobody's", () => {
    const stage = new Stage();
    expect(stage.server.receive(stage.now, 7, example("E01"))).toBe(false);
    expect(stage.server.answered(stage.now, 7)).toBe(false);
    stage.server.dropped(stage.now, 7);
    stage.server.streamClosed(stage.now, 7);
    expect(stage.server.takeOutputs()).toEqual([]);
  });
});

/** Three clients, each with two subscriptions, and a record that all know. */
function settled(options = labOptions()): [Stage, readonly Subscriber[]] {
  const stage = new Stage(options);
  const clients = [1, 2, 3].map((stream) => stage.client(stream));
  for (const client of clients) {
    stage.subscribe(client, 1, type, "PTR");
    stage.subscribe(client, 2, `_http._tcp.${lab}`, "PTR");
  }
  stage.announce(lobby);
  stage.run(20);
  for (const client of clients) client.news();
  return [stage, clients];
}

describe("another configuration", () => {
  const elsewhere = labLink({ service: parseName("x.example."), host: parseName("x.example.") });

  test("a zone that is gone ends its subscriptions, and no others [DSO-25]", () => {
    const other = labLink({ service: parseName("x.example."), host: parseName("x.example.") });
    const [stage, [client]] = settled(
      labOptions({ links: [labLink({ aliases: [parseName("alias.example.")] })] }),
    );
    stage.subscribe(client!, 0x102, "_ipp._tcp.alias.example.", "PTR");
    client!.news();
    stage.configure(labOptions());
    expect(client!.heard()).toEqual(answerTo("E22"));
    expect(client!.copy.length).toBe(1);
    stage.announce(lobby.replaceAll("Lobby", "Foyer"));
    expect(client!.copy.length).toBe(2);
    client!.heard();
    stage.configure(labOptions({ links: [other] }));
    expect(client!.heard().map((message) => message.slice(0, 8))).toEqual(["0001b009", "0002b009"]);
    stage.announce(lobby.replaceAll("Lobby", "Attic"));
    expect(client!.heard()).toEqual([]);
    expect(stage.link.questionCount).toBe(0);
  });

  test("a client that may not ask any more is told so [DSO-25]", () => {
    const [stage, clients] = settled();
    stage.configure(labOptions({ links: [labLink({ allow: listOf("198.51.100.0/24") })] }));
    for (const client of clients) {
      expect(client.heard().map((message) => message.slice(0, 8))).toEqual([
        "0001b005",
        "0002b005",
      ]);
    }
    expect(stage.server.dump()).toEqual({ sessions: 3, subscriptions: 0, topics: 0 });
  });

  test("what is hidden now is removed, what is shown again is added", () => {
    const [stage, clients] = settled();
    const services = { allow: [], deny: ["_ipp._tcp"], default: "allow" } as const;
    stage.configure(labOptions({ links: [labLink({ services })] }));
    for (const client of clients) expect(client.news()).toEqual([[`-- ${type} PTR`]]);
    stage.configure(labOptions());
    for (const client of clients) {
      // The link was not asked meanwhile; what it still holds is told at once.
      expect(client.news()).toEqual([[`+ ${type} 4500 PTR Lobby.${type}`]]);
    }
  });

  test("the same once more: nothing is said, and no question starts anew", () => {
    const [stage, clients] = settled();
    stage.run(600);
    stage.asked = [];
    stage.configure(labOptions());
    stage.run(601);
    expect(stage.asked).toEqual([]);
    for (const client of clients) expect(client.heard()).toEqual([]);
    expect(stage.server.dump()).toEqual({ sessions: 3, subscriptions: 6, topics: 2 });
    for (const client of clients) stage.leave(client);
    expect(stage.server.dump()).toEqual({ sessions: 0, subscriptions: 0, topics: 0 });
    expect(stage.link.questionCount).toBe(0);
  });

  test("other timeouts are told to the sessions that are there [DSO-35]", () => {
    const [stage, clients] = settled();
    stage.configure(labOptions(), { dsoInactivity: seconds(15) });
    for (const client of clients) {
      expect(client.heard()).toEqual([`0000300${"0".repeat(17)}0001000800003a980036ee80`]);
    }
  });

  test("a link that is not used any more: what it said is removed", () => {
    const [stage, clients] = settled();
    stage.linkDown();
    for (const client of clients) expect(client.news()).toEqual([[`-- ${type} PTR`]]);
    stage.isUsed = false;
    stage.configure(labOptions({ links: [elsewhere] }));
    for (const client of clients) expect(client.heard().length).toBe(2);
    expect(stage.server.dump()).toMatchObject({ subscriptions: 0 });
  });

  test("a zone whose link takes no questions: SERVFAIL [DSO-25]", () => {
    const [stage, [client]] = settled();
    stage.isUsed = false;
    stage.configure(labOptions());
    expect(client!.heard().map((message) => message.slice(0, 8))).toEqual(["0001b002", "0002b002"]);
  });

  test("classes that no record has, and static topics, move along", () => {
    const [stage, [client]] = settled();
    stage.subscribe(client!, 7, type, "PTR", 3);
    stage.subscribe(client!, 8, lab, "SOA");
    client!.news();
    stage.configure(labOptions());
    expect(client!.heard()).toEqual([]);
    expect(stage.server.dump()).toMatchObject({ subscriptions: 8 });
  });
});

describe("links", () => {
  test("down: removals; up again: what is said again is added", () => {
    const [stage, clients] = settled();
    stage.linkDown();
    for (const client of clients) expect(client.news()).toEqual([[`-- ${type} PTR`]]);
    stage.linkUp();
    stage.announce(lobby);
    for (const client of clients) expect(client.copy.length).toBe(1);
    stage.check();
  });

  test("one that nobody subscribed to, and names that nobody looks at", () => {
    const [stage, [client]] = settled();
    stage.server.linkChanged(stage.now, "net9", [{ kind: "deny", name: parseName("a.local.") }]);
    stage.server.linkDown(stage.now, "net9");
    stage.announce("_other._tcp.local. 4500 PTR x._other._tcp.local.");
    expect(client!.news()).toEqual([]);
  });

  test("subscribers of the same questions are given the same bytes", () => {
    const stage = new Stage();
    const outputs: Uint8Array[] = [];
    const findLink = () => stage.link;
    const server = new PushServer(
      { isOn: true, proxy: labOptions(), limits },
      findLink,
      stage.counts,
    );
    for (let stream = 0; stream < 50; stream++) {
      server.open(at(0), stream, { ...secure, address: `192.0.2.${stream}` });
      server.receive(at(0), stream, example("E20"));
    }
    server.takeOutputs();
    stage.announce(lobby);
    // The stage has drained the changes for its own server.
    server.linkChanged(at(0), "net1", [{ kind: "deny", name: parseName("_ipp._tcp.local.") }]);
    for (const output of server.takeOutputs()) {
      if (output.kind === "message") outputs.push(output.bytes);
    }
    expect(outputs.length).toBe(50);
    expect(new Set(outputs).size).toBe(1);
    expect([...new Set(outputs)].map((bytes) => Buffer.from(bytes).toString("hex"))).toEqual(
      answerTo("E23"),
    );
  });
});

describe("the end", () => {
  test("of a stream: its subscriptions end, the link is asked no more", () => {
    const [stage, [one, two, three]] = settled();
    stage.leave(one!);
    stage.leave(two!);
    expect(stage.link.questionCount).toBe(2);
    stage.leave(three!);
    expect(stage.link.questionCount).toBe(0);
    expect(stage.server.dump()).toEqual({ sessions: 0, subscriptions: 0, topics: 0 });
    expect(stage.server.nextDeadline()).toBe(undefined);
  });

  test("of the daemon: each session is told another time to come back [DSO-43] [DSO-44] [DSO-41] [DSO-42]", () => {
    const [stage, clients] = settled();
    const idle = stage.client(9);
    stage.server.stop(stage.now);
    stage.settle();
    const delays = clients.map((client) => {
      const [message = "", ...more] = client.heard();
      expect(more).toEqual([]);
      expect(message.slice(0, 32)).toBe(`00003000${"0".repeat(16)}00020004`);
      return message.slice(32);
    });
    expect(new Set(delays).size).toBe(3);
    expect(idle.heard()).toEqual([]);
    stage.announce(lobby.replaceAll("Lobby", "Foyer"));
    for (const client of clients) {
      expect(stage.says(client, plain)).toBe(false);
      stage.says(client, "E12");
      expect(client.heard()).toEqual([]);
      expect(client.isReset).toBe(false);
    }
    expect(stage.server.isSession(1)).toBe(true);
    stage.run(25);
    expect(clients.map((client) => client.isReset)).toEqual([true, true, true]);
    expect(idle.isReset).toBe(false);
  });

  test("of one session is no other's: a fatal message [DSO-13]", () => {
    const [stage, [one, two]] = settled();
    stage.says(one!, "E12");
    expect(one!.isReset).toBe(true);
    stage.announce(lobby.replaceAll("Lobby", "Foyer"));
    expect(two!.copy.length).toBe(2);
    expect(stage.counts.of("dso-aborts", "stray-one-way")).toBe(1);
  });
});

test("whatever is sent: no exception, nothing on streams that are gone, others unharmed", () => {
  const bent = fc.record({
    id: fc.constantFrom(...exampleIds),
    at: fc.nat(60),
    byte: fc.nat(255),
    kind: fc.nat(3),
  });
  const message = bent.map(({ id, at: place, byte, kind }) => {
    const bytes = example(id);
    if (place < bytes.length && kind < 2) bytes[place] = byte;
    return kind === 3 ? bytes.slice(0, place) : bytes;
  });
  const sent = fc.array(fc.oneof(message, message, fc.uint8Array({ maxLength: 60 })), {
    maxLength: 25,
  });
  fc.assert(
    fc.property(sent, (messages) => {
      const stage = new Stage();
      const good = stage.client(1);
      stage.subscribe(good, 1, type, "PTR");
      let stream = 9;
      for (const bytes of messages) {
        if (!stage.server.isSession(stream)) {
          stream += 1;
          stage.client(stream);
          if (bytes.length % 2 === 0) stage.server.receive(stage.now, stream, example("E01"));
        }
        // A bare subscriber would complain of what it did not subscribe to.
        if (stage.server.receive(stage.now, stream, bytes)) stage.server.dropped(stage.now, stream);
        for (const output of stage.server.takeOutputs()) {
          expect(output.stream).toBe(stream);
          if (output.kind === "abort") expect(stage.server.isSession(stream)).toBe(false);
        }
      }
      for (let gone = 10; gone <= stream; gone++) stage.server.streamClosed(stage.now, gone);
      stage.announce(lobby);
      expect(good.copy.length).toBe(1);
      expect(stage.server.dump()).toEqual({ sessions: 1, subscriptions: 1, topics: 1 });
    }),
    { numRuns: 400, seed: 3 },
  );
});
