// What the log says of queries, and of packets that could not be sent.

import { describe, expect, test } from "vitest";
import { ms, seconds } from "../../src/time.js";
import { addressList, World } from "./story.js";

const hosts = "bldg-1.example.com";

describe("log.queries", () => {
  function logged(logQueries: "none" | "names" | "full"): string[] {
    const w = new World({ logQueries });
    const link = w.link("eth0");
    link.says("Drücker.local. 120 A 203.0.113.7");
    // The second one is answered from memory, and logged all the same.
    w.ask(`Drücker.${hosts} A`);
    w.ask(`Drücker.${hosts} A`);
    w.ask("www.example.org AAAA");
    w.connect().ask(`nobody.${hosts} SRV`);
    w.run(seconds(7));
    return w.logged;
  }

  test("none: nothing", () => {
    expect(logged("none")).toEqual([]);
  });

  test("names: what was asked and how it ended, not who asked", () => {
    const known = `{"name":"Drücker.${hosts}","type":"A","rcode":"NOERROR","transport":"udp","instance":"px.example.net"}`;
    expect(logged("names")).toEqual([
      `info query ${known}`,
      `info query ${known}`,
      'info query {"name":"www.example.org","type":"AAAA","rcode":"REFUSED","transport":"udp","instance":"px.example.net"}',
      `info query {"name":"nobody.${hosts}","type":"SRV","rcode":"NOERROR","transport":"tcp","instance":"px.example.net"}`,
    ]);
  });

  test("full: who asked as well", () => {
    expect(logged("full")[1]).toContain('"client":"192.0.2.1"');
  });
});

test("A8.18 a line says which server answered: by its NSID where it has one", () => {
  const w = new World({ logQueries: "names", proxy: { nsid: new TextEncoder().encode("px2") } });
  w.link("eth0");
  w.ask(`Building\\0321.example.com SOA`);
  expect(w.logged.at(-1)).toContain('"instance":"px2"');
});

describe("clients that are refused [DP-124]", () => {
  const allow = addressList("192.0.2.0/24");

  test.each(["answer", "drop"] as const)("are named, refuse = '%s'", (refuse) => {
    const w = new World({ proxy: { allow, refuse } });
    w.link("eth0", { served: { allow } });
    w.ask("www.example.org A");
    w.ask(`prnt.${hosts} A`, { client: "192.0.2.1" });
    expect(w.logged).toEqual([]);
    w.ask(`prnt.${hosts} A`, { client: "198.51.100.1" });
    w.ask(`lpt.${hosts} A`, { client: "198.51.100.1" });
    w.ask("www.example.org A", { client: "2001:db8::1" });
    expect(w.logged).toEqual([
      `info refused {"client":"198.51.100.1","name":"prnt.${hosts}"}`,
      'info refused {"client":"2001:db8::1","name":"www.example.org"}',
    ]);
    w.run(seconds(601));
    w.ask(`lpt.${hosts} A`, { client: "198.51.100.1" });
    expect(w.logged).toHaveLength(3);
  });

  test("of one link, by name", () => {
    const w = new World({ proxy: { allow } });
    w.link("eth0", { served: { allow: addressList("198.51.100.0/24") } });
    w.ask(`prnt.${hosts} A`, { client: "192.0.2.1" });
    expect(w.logged).toEqual([`info refused {"client":"192.0.2.1","name":"prnt.${hosts}"}`]);
  });
});

test("packets that could not be sent are counted, and logged now and then", () => {
  const w = new World();
  w.link("eth0");
  for (let n = 0; n < 5; n++) {
    w.input({ kind: "send-failed", link: "eth0", reason: "ENETUNREACH" });
    w.run(ms(100));
  }
  expect(w.logged).toEqual(['warn send-failed {"link":"eth0","reason":"ENETUNREACH"}']);
  expect(w.counts.of("send-failed", "multicast")).toBe(5);
  w.run(seconds(10));
  w.input({ kind: "send-failed", listener: "192.0.2.53", reason: "EPERM" });
  expect(w.logged).toHaveLength(2);
});

test("addresses leave in turn where that is switched on", () => {
  const first = (rotate: boolean) => {
    const w = new World({ proxy: { rotate } });
    w.link("eth0").says("h.local. 120 A 203.0.113.1\nh.local. 120 A 203.0.113.2");
    return [0, 1, 2, 3].map(() => w.ask(`h.${hosts} A`).answers[0]?.slice(-1));
  };
  expect(first(false)).toEqual(["1", "1", "1", "1"]);
  expect(new Set(first(true)).size).toBe(2);
});

test("whoever asks for both families, or for two hosts, meets every address first", () => {
  const w = new World({ proxy: { rotate: true } });
  const link = w.link("eth0");
  for (const host of ["h", "i"]) {
    link.says(`${host}.local. 120 A 203.0.113.1\n${host}.local. 120 A 203.0.113.2`);
    link.says(`${host}.local. 120 AAAA 2001:db8::1\n${host}.local. 120 AAAA 2001:db8::2`);
  }
  const questions = [`h.${hosts} A`, `h.${hosts} AAAA`, `i.${hosts} A`, `i.${hosts} AAAA`];
  const first = questions.map(() => new Set<string | undefined>());
  for (let n = 0; n < 20; n++) {
    for (const [at, question] of questions.entries()) {
      first[at]?.add(w.ask(question).answers[0]?.slice(-1));
    }
  }
  expect(first.map((set) => set.size)).toEqual([2, 2, 2, 2]);
});
