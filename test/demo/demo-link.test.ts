// The devices of the demo link, judged by what dns-packet reads in their packets
// and by the times RFC 6762 asks for.

import type { Answer } from "dns-packet";
import { describe, expect, test } from "vitest";
import { DemoLink } from "../../src/demo/demo-link.js";
import { seededRandom } from "../../src/random.js";
import { instant } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import { parseRR } from "../../src/wire/text.js";
import { asker, Bench, legacyAsker, question, type SaidAt } from "./bench.js";

const ipp = "_ipp._tcp.local";
const printer = "Dr. Smith's Printer._ipp._tcp.local";

type Record = Answer & { ttl: number; flush: boolean; data: unknown };

const answersOf = (said: readonly SaidAt[]) =>
  said.flatMap(({ packet }) => packet.answers ?? []) as Record[];
const additionalsOf = (said: readonly SaidAt[]) =>
  said.flatMap(({ packet }) => packet.additionals ?? []) as Record[];
const brief = (records: readonly Record[]) =>
  records.map(({ name, type, data }) => {
    const shown = type === "SRV" ? (data as { target: string }).target : data;
    return `${name} ${type} ${String(shown)}`;
  });

/** The link after its devices have come up, the visitor among them. */
function settled(seed = 1): Bench {
  const bench = new Bench(seed);
  bench.run(5000);
  return bench;
}

describe("coming up", () => {
  const said = new Bench().run(5000);
  const fromPrinter = said.filter(
    ({ datagram }) => datagram.source.address.bytes.at(-1) === 11 && datagram.family === "ipv4",
  );

  test("a device probes three times, 250 ms apart, with its RRs in the authority section", () => {
    const probes = fromPrinter.filter(({ packet }) => packet.type === "query");
    expect(probes.map(({ at }) => at - probes[0]!.at)).toEqual([0, 250, 500]);
    for (const { packet } of probes) {
      expect(packet.questions?.every(({ type }) => String(type) === "ANY")).toBe(true);
      const proposed = (packet.authorities ?? []) as Record[];
      expect(brief(proposed)).toContain("dr-smiths-printer.local A 192.0.2.11");
      expect(proposed.every(({ flush }) => !flush)).toBe(true);
    }
  });

  test("then announces everything twice, one second apart", () => {
    const probes = fromPrinter.filter(({ packet }) => packet.type === "query");
    const announced = fromPrinter.filter(({ packet }) => packet.type === "response");
    expect(announced.map(({ at }) => at - probes[2]!.at)).toEqual([250, 1250]);
    expect(brief(answersOf(announced.slice(0, 1))).sort()).toEqual(
      [
        "11.2.0.192.in-addr.arpa PTR dr-smiths-printer.local",
        `1.1${".0".repeat(22)}.8.b.d.0.1.0.0.2.ip6.arpa PTR dr-smiths-printer.local`,
        `1.1${".0".repeat(27)}.8.e.f.ip6.arpa PTR dr-smiths-printer.local`,
        `${ipp} PTR ${printer}`,
        "_printer._tcp.local PTR Dr. Smith's Printer._printer._tcp.local",
        `_print._sub.${ipp} PTR ${printer}`,
        "_services._dns-sd._udp.local PTR _ipp._tcp.local",
        "_services._dns-sd._udp.local PTR _printer._tcp.local",
        `_universal._sub.${ipp} PTR ${printer}`,
        "dr-smiths-printer.local A 192.0.2.11",
        "dr-smiths-printer.local AAAA 2001:db8::11",
        "dr-smiths-printer.local AAAA fe80::11",
        `${printer} SRV dr-smiths-printer.local`,
        "Dr. Smith's Printer._printer._tcp.local SRV dr-smiths-printer.local",
        `${printer} TXT txtvers=1,qtotal=1,rp=ipp/print,ty=Example LaserWriter 3100,` +
          "note=2nd floor, room 2.14,adminurl=http://dr-smiths-printer.local/," +
          "pdl=application/pdf,image/urf,URF=W8,SRGB24,RS600,Color=F,Duplex=T",
        "Dr. Smith's Printer._printer._tcp.local TXT txtvers=1,rp=print," +
          "ty=Example LaserWriter 3100",
      ].sort(),
    );
  });

  test("unique RRs carry the flush bit, shared ones do not; hosts live 120 s, others 4500 s", () => {
    const announced = fromPrinter.filter(({ packet }) => packet.type === "response");
    for (const { name, type, flush, ttl } of answersOf(announced)) {
      const isShared = type === "PTR" && !name.endsWith(".arpa");
      expect([name, type, flush]).toEqual([name, type, !isShared]);
      const isOfHost = ["A", "AAAA", "SRV"].includes(type) || name.endsWith(".arpa");
      expect([name, type, ttl]).toEqual([name, type, isOfHost ? 120 : 4500]);
    }
  });

  test("every packet has ID 0, and responses are authoritative", () => {
    for (const { packet } of said) {
      expect(packet.id).toBe(0);
      if (packet.type === "response") expect(packet.flag_aa).toBe(true);
    }
  });

  test("says the same for the same seed, something else for another", () => {
    const bytes = (seed: number) =>
      new Bench(seed).run(100_000).map(({ at, datagram }) => [at, datagram.bytes]);
    expect(bytes(7)).toEqual(bytes(7));
    expect(bytes(7)).not.toEqual(bytes(8));
  });
});

describe("answering", () => {
  test("a browse question is answered after 20 to 120 ms, with what the asker needs next", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const bench = settled(seed);
      const start = bench.now;
      bench.ask({ questions: [question(ipp, RRType.PTR)] });
      const said = bench.run(1000);
      expect(brief(answersOf(said)).sort()).toEqual([
        `${ipp} PTR ${printer}`,
        `${ipp} PTR プリンター._ipp._tcp.local`,
      ]);
      for (const { at } of said) {
        expect(at - start).toBeGreaterThanOrEqual(20);
        expect(at - start).toBeLessThanOrEqual(120);
      }
      const additionals = brief(additionalsOf(said));
      expect(additionals).toContain(`${printer} SRV dr-smiths-printer.local`);
      expect(additionals).toContain("dr-smiths-printer.local A 192.0.2.11");
      expect(additionals).toContain("dr-smiths-printer.local AAAA 2001:db8::11");
      expect(additionals).toContain("プリンター._ipp._tcp.local SRV purinta.local");
    }
  });

  test("a question about a unique name is answered within 10 ms, by its owner alone", () => {
    const bench = settled();
    const start = bench.now;
    bench.ask({ questions: [question("archive.local", RRType.A)] });
    const said = bench.run(1000);
    expect(said.length).toBe(1);
    expect(said[0]!.at - start).toBeLessThanOrEqual(10);
    expect(brief(answersOf(said))).toEqual(["archive.local A 192.0.2.14"]);
  });

  test("names are compared without ASCII case", () => {
    const bench = settled();
    bench.ask({ questions: [question("ARCHIVE.Local", RRType.A)] });
    expect(answersOf(bench.run(1000)).length).toBe(1);
  });

  test("a type that is not there is denied by an NSEC", () => {
    const bench = settled();
    bench.ask({ questions: [question("purinta.local", RRType.AAAA)] });
    const [answer] = answersOf(bench.run(1000));
    expect(answer).toMatchObject({ name: "purinta.local", type: "NSEC", ttl: 120, flush: true });
    expect((answer!.data as { rrtypes: string[] }).rrtypes).toEqual(["A"]);
  });

  test("a name that nobody owns is met with silence", () => {
    const bench = settled();
    bench.ask({ questions: [question("nobody.local", RRType.A)] });
    expect(bench.run(10_000)).toEqual([]);
  });

  test("ANY gives every RR of the name", () => {
    const bench = settled();
    bench.ask({ questions: [question("archive.local", RRType.ANY)] });
    expect(brief(answersOf(bench.run(1000))).sort()).toEqual([
      "archive.local A 192.0.2.14",
      "archive.local AAAA 2001:db8::14",
    ]);
  });

  test("the types, the subtypes and the reverse names are there", () => {
    const bench = settled();
    const asked: readonly (readonly [string, string[]])[] = [
      [
        "_services._dns-sd._udp.local",
        ["_ipp._tcp.local", "_printer._tcp.local", "_smb._tcp.local", "_ssh._tcp.local"],
      ],
      [`_universal._sub.${ipp}`, [printer, "プリンター._ipp._tcp.local"]],
      ["12.2.0.192.in-addr.arpa", ["purinta.local"]],
    ];
    for (const [name, want] of asked) {
      bench.ask({ questions: [question(name, RRType.PTR)] });
      const told = new Set(answersOf(bench.run(3000)).map(({ data }) => String(data)));
      expect([...told].sort()).toEqual(want);
    }
  });

  test("devices that speak IPv6 only are heard there only", () => {
    const bench = settled();
    const scanners = question("_uscan._tcp.local", RRType.PTR);
    bench.ask({ questions: [scanners] });
    expect(bench.run(1000)).toEqual([]);
    bench.ask({ questions: [scanners] }, { family: "ipv6" });
    const said = bench.run(1000);
    expect(brief(answersOf(said))).toEqual([
      "_uscan._tcp.local PTR Büro Scanner ☕._uscan._tcp.local",
    ]);
    expect(said[0]?.datagram.family).toBe("ipv6");
  });
});

describe("keeping the air free", () => {
  const known = (ttlSeconds: number) =>
    parseRR(`${ipp}. ${ttlSeconds} IN PTR Dr\\.\\032Smith's\\032Printer.${ipp}.`);

  test.each([
    { ttl: 2250, want: ["プリンター._ipp._tcp.local"] },
    { ttl: 2249, want: [printer, "プリンター._ipp._tcp.local"] },
  ])("a known answer with $ttl s of 4500 s left: $want", ({ ttl, want }) => {
    const bench = settled();
    bench.ask({ questions: [question(ipp, RRType.PTR)], answers: [known(ttl)] });
    const told = answersOf(bench.run(1000)).map(({ data }) => String(data));
    expect(told.sort()).toEqual(want);
  });

  test("after a truncated query answers wait 400 to 500 ms, and heed what follows", () => {
    const bench = settled();
    const start = bench.now;
    bench.ask({ tc: true, questions: [question(ipp, RRType.PTR)] });
    bench.run(100);
    bench.ask({ answers: [known(4000)] });
    const said = bench.run(1000);
    expect(answersOf(said).map(({ data }) => data)).toEqual(["プリンター._ipp._tcp.local"]);
    expect(said[0]!.at - start).toBeGreaterThanOrEqual(400);
    expect(said[0]!.at - start).toBeLessThanOrEqual(500);
  });

  test("an RR is not multicast twice within a second", () => {
    const bench = settled();
    const times: number[] = [];
    for (let turn = 0; turn < 40; turn++) {
      bench.ask({ questions: [question("archive.local", RRType.A)] });
      for (const { at } of bench.run(100)) times.push(at);
    }
    expect(times.length).toBeGreaterThanOrEqual(3);
    for (let at = 1; at < times.length; at++) {
      expect(times[at]! - times[at - 1]!).toBeGreaterThanOrEqual(1000);
    }
  });

  test("what another device has just told is not told again", () => {
    const bench = settled();
    const told = new Map<string, number>();
    bench.ask({ questions: [question("_services._dns-sd._udp.local", RRType.PTR)] });
    for (const { data } of answersOf(bench.run(1000))) {
      told.set(String(data), (told.get(String(data)) ?? 0) + 1);
    }
    // Two printers and two SSH servers own one and the same RR each.
    expect(told.get("_ipp._tcp.local")).toBe(1);
    expect(told.get("_ssh._tcp.local")).toBe(1);
  });
});

describe("answers to one", () => {
  test("QU: by unicast when the RR was multicast lately, by multicast when not", () => {
    const bench = settled();
    const qu = question("archive.local", RRType.A, 0x8001);
    bench.ask({ questions: [qu] });
    expect(bench.run(1000).map(({ datagram }) => datagram.isMulticast)).toEqual([false]);
    bench.run(40_000);
    bench.ask({ questions: [qu] });
    const later = bench
      .run(1000)
      .filter(({ packet }) =>
        brief((packet.answers ?? []) as Record[]).includes("archive.local A 192.0.2.14"),
      );
    expect(later.map(({ datagram }) => datagram.isMulticast)).toEqual([true]);
  });

  test("legacy: ID and question repeated, no flush bit, 10 s at most", () => {
    const bench = settled();
    bench.ask(
      { id: 4711, questions: [question("archive.local", RRType.A)] },
      { source: legacyAsker },
    );
    const [said] = bench.run(1000);
    expect(said?.datagram.isMulticast).toBe(false);
    expect(said?.packet.id).toBe(4711);
    expect(said?.packet.questions?.map(({ name }) => name)).toEqual(["archive.local"]);
    const records = [...answersOf([said!]), ...additionalsOf([said!])];
    expect(records.map(({ flush, ttl }) => [flush, ttl])).toEqual(records.map(() => [false, 10]));
  });
});

describe("coming and going", () => {
  test("the visitor says goodbye after 60 s and is back 30 s later", () => {
    const bench = new Bench();
    const said = bench.run(100_000).filter(({ packet }) => packet.type === "response");
    const about = (ttlTest: (ttl: number) => boolean) =>
      said
        .filter(({ datagram }) => datagram.family === "ipv4")
        .filter(({ packet }) =>
          ((packet.answers ?? []) as Record[]).some(
            ({ data, ttl }) => data === "Visitor's Laptop._ssh._tcp.local" && ttlTest(ttl),
          ),
        )
        .map(({ at }) => at);
    const [goodbye] = about((ttl) => ttl === 0);
    const announced = about((ttl) => ttl > 0);
    expect(announced.length).toBe(4);
    // Probing takes up to a second of the minute.
    expect(goodbye! - announced[0]!).toBeGreaterThan(58_000);
    expect(goodbye! - announced[0]!).toBeLessThan(60_000);
    expect(announced[2]! - goodbye!).toBeGreaterThan(30_000);
    expect(announced[2]! - goodbye!).toBeLessThan(32_000);
  });

  test("a shared RR is told anew by the one who stays", () => {
    const bench = new Bench();
    const said = bench.run(70_000).filter(({ datagram }) => datagram.family === "ipv4");
    const ssh = said.flatMap(({ at, packet }) =>
      ((packet.answers ?? []) as Record[])
        .filter(({ data }) => data === "_ssh._tcp.local")
        .map(({ ttl }) => ({ at, ttl })),
    );
    const goodbye = ssh.findIndex(({ ttl }) => ttl === 0);
    const rescue = ssh[goodbye + 1];
    expect(rescue?.ttl).toBe(4500);
    expect(rescue!.at - ssh[goodbye]!.at).toBeLessThanOrEqual(120);
  });

  test("at the end everybody says goodbye, and nothing follows", () => {
    const bench = settled();
    bench.link.stop(bench.now);
    const said = bench.run(60_000);
    expect(said.every(({ at }) => at === 5000)).toBe(true);
    const answers = answersOf(said);
    expect(answers.length).toBeGreaterThan(30);
    expect(answers.every(({ ttl }) => ttl === 0)).toBe(true);
  });
});

test("junk, looping names and cut packets are passed over", () => {
  const bench = settled();
  const cut = (bytes: number[]) =>
    bench.link.receive(bench.now, { family: "ipv4", source: asker, bytes: Uint8Array.from(bytes) });
  cut([]);
  cut([0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  cut([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1]);
  cut([0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 63]);
  expect(bench.run(5000)).toEqual([]);
});

test("a link without devices is silent", () => {
  const link = new DemoLink(instant(0), seededRandom(1), []);
  expect(new Bench(1, link).run(60_000)).toEqual([]);
});
