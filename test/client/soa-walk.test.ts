// From a name to its zone and to the zone's servers, against resolvers that tell
// much or little.

import { describe, expect, test } from "vitest";
import { answersMax, serversMax, walkStepsMax } from "../../src/client/limits.js";
import { Lookup } from "../../src/client/lookup.js";
import { hostText, inOrder } from "../../src/client/soa-walk.js";
import { seededRandom } from "../../src/random.js";
import { RRType } from "../../src/wire/codes.js";
import { decodeMessage, encodeMessage } from "../../src/wire/message.js";
import { formatName, parseName } from "../../src/wire/name.js";
import { parseRR, parseRRs } from "../../src/wire/text.js";
import { at } from "../dso/stage.js";
import { ipp, type Names, Stage, type Told } from "./stage.js";

const soa = (zone: string, ttl = 600, minimum = 10) =>
  `${zone} ${ttl} SOA px.example.com. a.example.com. 0 7200 3600 86400 ${minimum}`;

/** What is asked until the question itself. */
function walk(names: Names, name = ipp): string[] {
  const stage = new Stage(names, {}, { takesLlq: false }).follow(name);
  return stage.asked.map(({ what }) => what);
}

describe("the zone [PUSH-04]", () => {
  const srv = "_dns-push-tls._tcp.lab.example.com. SRV";

  test("in one step where the authority section names it", () => {
    const names = { [`${ipp} SOA`]: { authority: soa("lab.example.com.") } };
    expect(walk(names)).toEqual([`${ipp} SOA`, srv, `${ipp} PTR`]);
  });

  test("label by label where it does not", () => {
    const names = { "lab.example.com. SOA": { answer: soa("lab.example.com.") } };
    expect(walk(names)).toEqual([
      `${ipp} SOA`,
      "_tcp.lab.example.com. SOA",
      "lab.example.com. SOA",
      srv,
      `${ipp} PTR`,
    ]);
  });

  test("no further than to a single label", () => {
    expect(walk({})).toEqual([
      `${ipp} SOA`,
      "_tcp.lab.example.com. SOA",
      "lab.example.com. SOA",
      "example.com. SOA",
      `${ipp} PTR`,
    ]);
  });

  test("errors without an SOA are walked past, silence is not", () => {
    expect(walk({ [`${ipp} SOA`]: { rcode: 5 } })).toHaveLength(5);
    expect(walk({ [`${ipp} SOA`]: "silent" })).toEqual([`${ipp} SOA`, `${ipp} PTR`]);
  });

  test("an SOA of the root, or of another name, is none", () => {
    for (const owner of [".", "lab.example.net.", "b.example.com."]) {
      const names = { [`${ipp} SOA`]: { authority: soa(owner), rcode: 3 } };
      expect(walk(names)).toHaveLength(5);
    }
  });

  test("long names are not walked to the end", () => {
    const long = `${"a.".repeat(100)}example.com.`;
    expect(walk({}, long)).toHaveLength(walkStepsMax + 1);
  });

  test("an apex so long that no label fits in front has no servers", () => {
    const zone = `${`${"a".repeat(60)}.`.repeat(4)}`;
    expect(walk({ [`${zone} SOA`]: { answer: soa(zone) } }, zone)).toEqual([
      `${zone} SOA`,
      `${zone} PTR`,
    ]);
  });
});

describe("the servers [PUSH-04]", () => {
  const zone = { [`${ipp} SOA`]: { authority: soa("lab.example.com.") } };
  const srv = "_dns-push-tls._tcp.lab.example.com.";
  const named = (told: Told): Names => ({ ...zone, [`${srv} SRV`]: told });
  const tried = (names: Names) => {
    const stage = new Stage(names, {}, { takesLlq: false }).follow();
    return stage.channels.map(({ effect }) => `${effect.address} ${effect.port}`);
  };

  test("lower priorities first, the next when one fails", () => {
    const names = named({
      answer: `${srv} 60 SRV 20 0 2 b.example.\n${srv} 60 SRV 10 0 1 a.example.`,
      additional: "a.example. 60 A 192.0.2.1\nb.example. 60 A 192.0.2.2",
    });
    expect(tried(names)).toEqual(["192.0.2.1 1", "192.0.2.2 2"]);
  });

  test("weights are chances, and nothing is left out", () => {
    const rrs = [3, 1, 0].map((weight) =>
      parseRR(`${srv} SRV 0 ${weight} 853 w${weight}.example.`),
    );
    const random = seededRandom(1);
    const firsts = new Map<string, number>();
    for (let turn = 0; turn < 4000; turn++) {
      const order = inOrder(random, rrs).map(({ host }) => formatName(host));
      expect(new Set(order).size).toBe(3);
      firsts.set(order[0] as string, (firsts.get(order[0] as string) ?? 0) + 1);
    }
    // Of 0 … 4 the first is drawn by 0 alone, the second by 1, the third by the rest.
    expect(firsts.get("w3.example.") ?? 0).toBeGreaterThan(1.4 * (firsts.get("w1.example.") ?? 0));
    expect(firsts.get("w0.example.") ?? 0).toBeGreaterThan(0);
  });

  test("the root as target, or port 0, means that there is none", () => {
    const answer = `${srv} 60 SRV 0 0 853 .\n${srv} 60 SRV 0 0 0 a.example.`;
    expect(tried(named({ answer, additional: "a.example. 60 A 192.0.2.1" }))).toEqual([]);
  });

  test("each address is tried, IPv6 first, four at most", () => {
    const addresses = [1, 2, 3, 4, 5].map((n) => `px.example. 60 A 192.0.2.${n}`).join("\n");
    const names = {
      ...named({ answer: `${srv} 60 SRV 0 0 853 px.example.` }),
      "px.example. AAAA": { answer: "px.example. 60 AAAA 2001:db8::1" },
      "px.example. A": { answer: addresses },
    };
    expect(tried(names)).toEqual(
      ["2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"].map((one) => `${one} 853`),
    );
  });

  test("additional addresses of other hosts are not taken", () => {
    const additional = "evil.example. 60 A 192.0.2.66";
    expect(tried(named({ answer: `${srv} 60 SRV 0 0 853 px.example.`, additional }))).toEqual([]);
  });

  test("a host without addresses is the zone's own server that named it, if one did", () => {
    const told = { answer: `${srv} 60 SRV 0 0 853 px.example.` };
    expect(tried(named(told))).toEqual([]);
    expect(tried(named({ ...told, aa: true }))).toEqual(["192.0.2.53 853"]);
  });

  test("a thousand servers are as good as eight", () => {
    const lines = Array.from({ length: 1000 }, (_, n) => `${srv} 60 SRV 0 0 ${n + 1} a.example.`);
    const told = { answer: lines.join("\n"), additional: "a.example. 60 A 192.0.2.1" };
    expect(tried(named(told))).toHaveLength(serversMax);
  });
});

describe("what has been found", () => {
  test("is true as long as its TTL says, and while a search runs", () => {
    const lookup = new Lookup();
    const name = parseName("a.example.");
    const bytes = encodeMessage({
      isResponse: true,
      questions: [{ name, type: RRType.A, class: 1 }],
      answers: parseRRs("a.example. 20 A 192.0.2.1\na.example. 10 A 192.0.2.2"),
    });
    lookup.answered(at(0), name, RRType.A, decodeMessage(bytes), "192.0.2.53");
    lookup.begin(at(9.9));
    expect(lookup.find(name, RRType.A)?.rrs).toHaveLength(2);
    lookup.begin(at(10));
    expect(lookup.find(name, RRType.A)).toBe(undefined);
  });

  test("has room for two hundred answers", () => {
    const lookup = new Lookup();
    const name = (n: number) => parseName(`a${n}.example.`);
    for (let n = 0; n <= answersMax; n++) lookup.failed(at(0), name(n), 1, "no answer");
    expect(lookup.find(name(0), 1)).toBe(undefined);
    expect(lookup.find(name(1), 1)).toBeDefined();
  });
});

test("only host names can be proven by a certificate [TLS-08]", () => {
  expect(hostText(parseName("Lab.Example.com"))).toBe("lab.example.com");
  for (const text of ["Building 1.example.com", "a\\.b.example.com", "bücher.example", "."]) {
    expect(hostText(parseName(text))).toBe(undefined);
  }
});
