// Asking a server on loopback: datagrams that are lost, strange, truncated; TCP
// that helps or does not; more than one server.

import { afterEach, describe, expect, test } from "vitest";
import { pointersIn } from "../../src/client/answer.js";
import { browse, browsedName, domainLists, resolve } from "../../src/discli/questions.js";
import { Resolver } from "../../src/os/resolver.js";
import { Rcode, RRType } from "../../src/wire/codes.js";
import { decodeMessage, encodeMessage } from "../../src/wire/message.js";
import { displayName, parseName } from "../../src/wire/name.js";
import { formatRR } from "../../src/wire/text.js";
import { answer, type Behaviour, type Running, serve } from "../os/servers.js";

let running: Running[] = [];
afterEach(async () => {
  for (const one of running) await one.close();
  running = [];
});

async function server(behaviour: Behaviour, host?: string): Promise<Running> {
  const one = await serve(behaviour, host);
  running.push(one);
  return one;
}

const brief = { whole: 400, resend: 100 };
const name = parseName("a.example");
const record = "a.example. 10 A 192.0.2.1";
const ask = (...servers: Running[]) => new Resolver(servers, brief).ask(name, RRType.A);

async function texts(asked: ReturnType<typeof ask>): Promise<string[]> {
  return (await asked).message.answers.map(formatRR);
}

const good = ["a.example. 10 IN A 192.0.2.1"];

describe("over UDP", () => {
  test.each(["127.0.0.1", "::1"])(
    "at %s: one datagram, with EDNS, wanting recursion",
    async (host) => {
      const one = await server({ udp: (query) => [answer(query, record)] }, host);
      expect(await texts(ask(one))).toEqual(good);
      expect(one.heard).toHaveLength(1);
      expect(one.heard[0]?.query).toMatchObject({ rd: true, edns: { udpSize: 1232, version: 0 } });
    },
  );

  test("a lost datagram is sent again", async () => {
    let count = 0;
    const one = await server({ udp: (query) => (++count < 3 ? [] : [answer(query, record)]) });
    expect(await texts(ask(one))).toEqual(good);
    expect(one.heard.length).toBe(3);
  });

  test("strange datagrams are passed over: ID, name, type and class count [TCP-06]", async () => {
    const one = await server({
      udp: (query) => [
        new Uint8Array(3),
        answer({ ...query, id: query.id ^ 1 }, "a.example. 10 A 192.0.2.66"),
        answer(query, "a.example. 10 A 192.0.2.66", { isResponse: false }),
        answer(query, "", { questions: [{ name: parseName("b.example"), type: 1, class: 1 }] }),
        answer(query, "", { questions: [{ name, type: 28, class: 1 }] }),
        answer(query, "", { questions: [{ name, type: RRType.A, class: 3 }] }),
        answer(query, "", { questions: [] }),
        answer(query, record),
      ],
    });
    expect(await texts(ask(one))).toEqual(good);
  });

  test("an error may come without the question", async () => {
    const one = await server({
      udp: (query) => [answer(query, "", { questions: [], rcode: Rcode.FORMERR })],
    });
    expect((await ask(one)).message.rcode).toBe(Rcode.FORMERR);
  });

  test("silence ends with a line that says whom and how long", async () => {
    const one = await server({});
    await expect(ask(one)).rejects.toThrow(`127.0.0.1 port ${one.port}: no answer within 0.4 s`);
    expect(one.heard.length).toBeGreaterThanOrEqual(3);
  });

  test("what cannot be read is said", async () => {
    const one = await server({ udp: (query) => [answer(query, record).subarray(0, -2)] });
    await expect(ask(one)).rejects.toThrow(/no answer within 0.4 s; what came cannot be read \(/);
  });

  test("a port where nobody listens", async () => {
    const gone = await serve({});
    await gone.close();
    await expect(ask(gone)).rejects.toThrow(`port ${gone.port}: nothing listens there`);
  });

  test("an address that cannot be asked", async () => {
    const one = { ...(await server({})), address: "fe80::9" };
    await expect(ask(one)).rejects.toThrow(/fe80::9 port \d+: /);
  });
});

describe("over TCP, when the answer is truncated", () => {
  const udp = (query: Parameters<typeof answer>[0]) => [answer(query, "", { tc: true })];
  const many = Array.from(
    { length: 4000 },
    (_, at) => `a.example. 10 A 10.1.${at >> 8}.${at & 255}`,
  );

  test("all of it, in pieces", async () => {
    const one = await server({
      udp,
      tcp: (query) => [answer({ ...query, id: query.id ^ 1 }, ""), answer(query, many.join("\n"))],
    });
    // So many records take their time on a busy machine.
    const patient = new Resolver([one], { whole: 10_000, resend: 9000 });
    expect(await texts(patient.ask(name, RRType.A))).toHaveLength(4000);
    expect(one.heard.map(({ transport }) => transport)).toEqual(["udp", "tcp"]);
  });

  test.each([
    ["nobody listens", undefined, /too long for UDP: nothing listens there/],
    ["closed", "close", /too long for UDP: the connection was closed without an answer/],
    ["reset", "reset", /too long for UDP: the connection was reset/],
    ["silence", () => [], /too long for UDP: no answer within 0\.4 s/],
  ] as const)("%s", async (_, tcp, want) => {
    const one = await server(tcp === undefined ? { udp } : { udp, tcp });
    await expect(ask(one)).rejects.toThrow(want);
  });
});

describe("more than one server", () => {
  const works = (query: Parameters<typeof answer>[0]) => [answer(query, record)];

  test("the first that answers", async () => {
    const [first, second] = [await server({ udp: works }), await server({ udp: works })];
    expect((await ask(first, second)).server).toBe(first);
    expect(second.heard).toEqual([]);
  });

  test.each([Rcode.SERVFAIL, Rcode.REFUSED, Rcode.NOTIMP])(
    "another one after rcode %i, which is told where none knows better",
    async (rcode) => {
      const refuses = await server({ udp: (query) => [answer(query, "", { rcode })] });
      const silent = await server({});
      expect(await texts(ask(refuses, await server({ udp: works })))).toEqual(good);
      expect((await ask(silent, refuses)).message.rcode).toBe(rcode);
    },
  );

  test("an answer that there is nothing is an answer", async () => {
    const rcode = Rcode.NXDOMAIN;
    const none = await server({ udp: (query) => [answer(query, "", { rcode })] });
    const other = await server({ udp: works });
    expect((await ask(none, other)).message.rcode).toBe(rcode);
    expect(other.heard).toEqual([]);
  });

  test("all silent: all are named", async () => {
    const [first, second] = [await server({}), await server({})];
    await expect(ask(first, second)).rejects.toThrow(
      new RegExp(`port ${first.port}: no answer.*; .*port ${second.port}: no answer`),
    );
  });
});

describe("what an answer says of a name", () => {
  const read = (...records: string[]) =>
    decodeMessage(
      answer(
        decodeMessage(encodeMessage({ questions: [{ name, type: 12, class: 1 }] })),
        records.join("\n"),
      ),
    );

  test("also by way of aliases, which may go in circles", () => {
    const message = read(
      "a.example. 10 CNAME B.example.",
      "b.example. 10 CNAME c.example.",
      "C.example. 10 PTR x.example.",
      "d.example. 10 PTR y.example.",
    );
    expect(pointersIn(message, name).map(displayName)).toEqual(["x.example"]);
    const circle = read("a.example. 10 CNAME b.example.", "b.example. 10 CNAME a.example.");
    expect(pointersIn(circle, name)).toEqual([]);
  });
});

describe("browsing and resolving", () => {
  /** Answers from a zone, matched by name and type. */
  const zone = (...records: string[]) => ({
    udp: (query: Parameters<typeof answer>[0]) => {
      const [question] = query.questions;
      const text = records.filter((line) => {
        const [owner = "", , type] = line.split(" ");
        const isAsked = parseName(owner).key === question?.name.key;
        return isAsked && RRType[type as keyof typeof RRType] === question?.type;
      });
      return [answer(query, text.join("\n"))];
    },
  });
  const instance = parseName("Dr\\. Who._ipp._tcp.a.example");
  const owner = "Dr\\.\\032Who._ipp._tcp.a.example.";

  test("types, instances", async () => {
    const one = await server(
      zone(
        "_services._dns-sd._udp.a.example. 10 PTR _ipp._tcp.a.example.",
        `_ipp._tcp.a.example. 10 PTR ${owner}`,
      ),
    );
    const resolver = new Resolver([one], brief);
    const types = await browse(resolver, browsedName(undefined, name));
    expect(types.map(displayName)).toEqual(["_ipp._tcp.a.example"]);
    const found = await browse(resolver, browsedName(["_ipp", "_tcp"], name));
    expect(found.map(displayName)).toEqual(["Dr\\. Who._ipp._tcp.a.example"]);
    expect(await browse(resolver, browsedName(["_none", "_tcp"], name))).toEqual([]);
  });

  test("an instance: where it is and what it says, on every host", async () => {
    const one = await server(
      zone(
        `${owner} 10 SRV 0 0 631 h.a.example.`,
        `${owner} 10 SRV 1 0 632 g.a.example.`,
        `${owner} 10 TXT "note=x"`,
        "h.a.example. 10 A 192.0.2.1",
        "h.a.example. 10 AAAA 2001:db8::1",
      ),
    );
    const { places, texts } = await resolve(new Resolver([one], brief), instance);
    expect(
      places.map(({ host, port, addresses }) => [displayName(host), port, addresses.length]),
    ).toEqual([
      ["h.a.example", 631, 2],
      ["g.a.example", 632, 0],
    ]);
    expect(texts.map(formatRR)).toEqual([`${owner} 10 IN TXT "note=x"`]);
  });

  test("a target of . is a service that is not there (RFC 2782)", async () => {
    const one = await server(zone(`${owner} 10 SRV 0 0 0 .`));
    expect((await resolve(new Resolver([one], brief), instance)).places).toEqual([]);
  });

  test("the five lists of a domain", async () => {
    const one = await server(zone("lb._dns-sd._udp.a.example. 10 PTR floor1.a.example."));
    const { lists } = await domainLists(new Resolver([one], brief), name);
    expect(lists.map(({ prefix, names }) => [prefix, names.map(displayName)])).toEqual([
      ["b", []],
      ["lb", ["floor1.a.example"]],
      ["db", []],
      ["r", []],
      ["dr", []],
    ]);
  });

  test("a refusal says who, what, and what helps", async () => {
    const one = await server({ udp: (query) => [answer(query, "", { rcode: Rcode.REFUSED })] });
    await expect(
      browse(new Resolver([one], brief), browsedName(["_ipp", "_tcp"], name)),
    ).rejects.toThrow(
      `127.0.0.1 port ${one.port} answers REFUSED for _ipp._tcp.a.example: it does not serve that zone, or does not let this host ask (\`allow\`)`,
    );
  });

  test("a domain too long to browse in", () => {
    const long = parseName(`${"x".repeat(60)}.`.repeat(4));
    expect(() => browsedName(undefined, long)).toThrow(/255 are the most/);
  });
});
