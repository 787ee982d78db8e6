// The small parts of the page that need no browser: reading events and metrics,
// searching, texts for people, the path of a chart's line.

import { describe, expect, test } from "vitest";
import { mismatch } from "../../src/api/shape.js";
import { bodyShapes } from "../../src/api/shapes.js";
import { pathOf, scaleOf } from "../../web/curve.js";
import { readMetrics } from "../../web/metrics.js";
import { History, Model, Traffic } from "../../web/model.js";
import { find, wishOf, wordsOf } from "../../web/search.js";
import type { Service, Summary } from "../../web/shapes.js";
import { EventReader } from "../../web/stream.js";
import { duration, hexOf, many, rate, shown, splitShown, when } from "../../web/text.js";
import { interfaces, lists, metrics, service, services, summary } from "./world.js";

describe("a stream of events", () => {
  const text =
    ': hello\r\nevent: a\r\ndata: {"x":1}\r\n\r\ndata: one\ndata:two\n\nevent: b\n\nid: 4\rdata\r\r';
  const want = [
    { name: "a", data: '{"x":1}' },
    { name: "message", data: "one\ntwo" },
    { name: "message", data: "" },
  ];

  test("is read alike in one piece and in pieces of every length", () => {
    for (let size = 1; size <= text.length; size++) {
      const reader = new EventReader();
      const pieces = text.match(new RegExp(`.{1,${size}}`, "gs")) ?? [];
      // A last line's end may be half of one, until something follows.
      expect([...pieces, ":"].flatMap((piece) => reader.read(piece))).toEqual(want);
    }
  });

  test("an event without an end is refused", () => {
    const reader = new EventReader();
    expect(() => {
      for (let at = 0; at < 100; at++) reader.read("x".repeat(100_000));
    }).toThrow("without an end");
  });
});

describe("searching", () => {
  const all = [
    service(1, "Büro-Drucker", "_ipp._tcp", "eth0"),
    service(2, "プリンター", "_ipp._tcp", "floor2"),
    service(3, "build", "_ssh._tcp", "floor2"),
  ] as unknown as Service[];
  const choice = { words: [], type: "", link: "" };
  const ids = (query: string) =>
    find(all, { ...choice, words: wordsOf(query) }).services.map(({ id }) => id);

  test.each([
    ["BURO", ["eth0/1"]],
    ["büro drucker", ["eth0/1"]],
    ["drucker floor2", []],
    ["プリ", ["floor2/2"]],
    ["printer", ["eth0/1", "floor2/2"]],
    ["room 103", ["floor2/3"]],
    ["2001:db8:6::2", ["floor2/2"]],
    ["host-3.floor2", ["floor2/3"]],
    ["_universal", ["eth0/1", "floor2/2"]],
    ["  ", ["eth0/1", "floor2/2", "floor2/3"]],
    [".*", []],
  ])("%j finds %j", (query, want) => {
    expect(ids(query)).toEqual(want);
  });

  test("numbers of types are those on the chosen link, and the other way round", () => {
    const found = find(all, { ...choice, type: "_ipp._tcp", link: "floor2" });
    expect(found.services.map(({ id }) => id)).toEqual(["floor2/2"]);
    expect([...found.types]).toEqual([
      ["_ipp._tcp", 1],
      ["_ssh._tcp", 1],
    ]);
    expect([...found.links]).toEqual([
      ["eth0", 1],
      ["floor2", 1],
    ]);
  });
});

describe("texts", () => {
  test.each([
    [0, "0 s"],
    [59.4, "59 s"],
    [61, "1 min"],
    [3600, "1 h"],
    [5400, "1 h 30 min"],
    [273_600, "3 d 4 h"],
    [-3, "0 s"],
  ])("%d seconds are %s", (seconds, want) => {
    expect(duration(seconds)).toBe(want);
  });

  test("what would mislead is made visible, what scripts need is not", () => {
    expect(shown("a\u202eb\u0007c\nd")).toBe("a\\226\\128\\174b\\007c\\010d");
    expect(shown("می‌خواهم 👩‍💻 é")).toBe("می‌خواهم 👩‍💻 é");
  });

  test("numbers", () => {
    expect([rate(0.25), rate(9.94), rate(1234.5)]).toEqual(["0.3", "9.9", "1,235"]);
    expect([many(1, "service"), many(2000, "service")]).toEqual(["1 service", "2,000 services"]);
    expect(hexOf("AP8Q")).toBe("00 ff 10 (3 bytes)");
    expect(hexOf("%")).toBe("%");
  });
});

describe("charts", () => {
  test("a line is broken where nothing was known, and ends at the right", () => {
    const points = [
      { at: 0, value: 5 },
      { at: 200_000, value: 10 },
      { at: 203_000, value: 0 },
      { at: 300_000, value: 10 },
      { at: 303_000, value: 10 },
    ];
    expect(pathOf(points, 303_000, 10)).toBe("M197.0 2.0L200.0 39.0M297.0 2.0L300.0 2.0");
  });

  test.each([
    [[], 1],
    [[0.2], 1],
    [[1.5], 2],
    [[4, 3], 5],
    [[51], 100],
    [[1999], 2000],
  ])("the scale of %j is %d", (values, want) => {
    expect(scaleOf(values.map((value, at) => ({ at, value })))).toBe(want);
  });

  test("sums become rates, and a server that began anew leaves no dip below nothing", () => {
    const traffic = new Traffic();
    traffic.add(0, { in: 100, out: 10 });
    traffic.add(3000, { in: 130, out: 10 });
    traffic.add(6000, { in: 5, out: 1 });
    traffic.add(9000, { in: 10, out: 1 });
    expect(traffic.in.points).toEqual([
      { at: 3000, value: 600 },
      { at: 9000, value: 100 },
    ]);
    const history = new History();
    for (let at = 0; at < 1000; at++) history.add(at, 1);
    expect(history.points.length).toBe(150);
  });
});

describe("the model", () => {
  const one = service(1, "one", "_ipp._tcp", "eth0") as unknown as Service;
  const two = service(2, "two", "_ipp._tcp", "eth0") as unknown as Service;

  test("tells what came and went, but not of the first list", () => {
    const model = new Model();
    model.takeServices([one], 1);
    expect(model.passings).toEqual([]);
    model.takeServices([two], 2);
    model.put(two, 3);
    model.remove(one, 4);
    expect(model.passings.map(({ sign, service: { instance } }) => sign + instance)).toEqual([
      "-one",
      "+two",
    ]);
    expect(model.gone.get(one.id)?.at).toBe(2);
  });

  test("what it remembers is bounded", () => {
    const model = new Model();
    model.takeServices([], 0);
    for (let at = 0; at < 500; at++) {
      const passing = { ...one, id: `x${at}` };
      model.put(passing, at);
      model.remove(passing, at);
      model.takeSummary({ queries: { perSecond: 1 } } as Summary, at);
    }
    const { passings, gone, services, queries } = model;
    expect([passings.length, gone.size, services.size, queries.points.length]).toEqual([
      40, 40, 0, 150,
    ]);
  });
});

test("metrics are read with what is said of them, without buckets", () => {
  const samples = readMetrics(metrics);
  expect(samples.map(({ name }) => name)).toEqual([
    "discd_queries_total",
    "discd_query_seconds_sum",
    "discd_query_seconds_count",
  ]);
  expect(samples[0]).toMatchObject({
    text: "12,345",
    help: "Queries of clients.",
    kind: "counter",
  });
  expect(samples[2]).toMatchObject({ value: 8, help: "From a query to its answer." });
});

describe("the pretender tells what the API tells", () => {
  const all = services(40);
  const bodies: Record<string, unknown> = {
    ...lists(),
    "/v1/summary": summary(40),
    "/v1/services": { services: all, types: [] },
    "/v1/interfaces": { interfaces: interfaces(all) },
  };
  test.each(Object.entries(bodies))("%s", (path, body) => {
    const shape = bodyShapes[path as keyof typeof bodyShapes];
    expect(mismatch(shape, JSON.parse(JSON.stringify(body)))).toBeUndefined();
  });
});

test.each([
  ["", "", []],
  ["Printer  3rd", "", ["printer", "3rd"]],
  ["link=eth0 type=SRV printer", "link=eth0&type=SRV", ["printer"]],
  ["IF=eth0.10 name=a\\032b._ipp._tcp.local", "link=eth0.10&name=a%5C032b._ipp._tcp.local", []],
  ["type= link", "", ["link"]],
  ["x=1 name=&type=A", "name=%26type%3DA", ["x=1"]],
])("packets are wished for by %j", (text, query, words) => {
  expect(wishOf(text)).toEqual({ query, words });
});

test("an instant of another day has the day with it", () => {
  const now = new Date(2026, 10, 21, 9, 0, 0).getTime();
  expect(when(now - 3_600_000, now)).toBe("08:00:00");
  expect(when(now - 12 * 3_600_000, now)).toBe("Fri 21:00:00");
});

test.each([
  ["plain", ["plain"]],
  ["", [""]],
  ["\u202eend", ["", "\\226\\128\\174", "end"]],
  ["a\u202e\ncb", ["a", "\\226\\128\\174\\010", "cb"]],
  ["مدفسة \\226\\128\\174 12", ["مدفسة ", "\\226\\128\\174", " 12"]],
])("%j is shown in the parts %j, every second one to be kept in order", (text, parts) => {
  expect(splitShown(text)).toEqual(parts);
});

test.each([
  ["discd_certificate_expiry_timestamp_seconds", "1829507400.5", "2027-12-22 20:30:00 UTC"],
  ["process_resident_memory_bytes", "66123456", "66.12 MB"],
  ["discd_link_heard_seconds", "5.994756019", "5.995"],
  ["discd_queries_total", "1234567", "1,234,567"],
  ["discd_queries_total", "NaN", "NaN"],
  ["discd_x_timestamp_seconds", "1e300", "1,000"],
])("%s %s is shown as %s", (name, value, text) => {
  expect(readMetrics(`${name} ${value}`)[0]?.text.slice(0, text.length)).toBe(text);
});
