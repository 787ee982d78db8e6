// Every counter of the metrics, against the traffic that moved it: what clients were
// answered, what tcpdump saw on the link, what openssl says of the certificate.

import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { until } from "./children.js";
import { LlqPeer } from "./llq-peer.js";
import { fetchPage, fetchText, moved, type Page } from "./metrics-page.js";
import { needs } from "./needs.js";
import { flush, message, rec } from "./packet.js";
import { E, subscribe, unsubscribe } from "./session-bytes.js";
import { selfSigned, sessionLinks, sessionStage, Z, Z2 } from "./session-stage.js";

const it = needs("promtool", "tcpdump", "dig", "kdig", "openssl");
const s = sessionStage(`${selfSigned}\n${sessionLinks}`);

const page = () => fetchPage(s.discd);

/** What an act moves, of the samples whose names begin so. */
async function movedBy(name: string, act: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await page();
  await act();
  return moved(before, await page(), name);
}

const answered = (transport: string, type: string, rcode: string, zone: string): string =>
  `discd_queries_total{transport="${transport}",type="${type}",rcode="${rcode}",zone="${zone}"}`;

const only = { limit: 3000 };

it("A8.14 promtool accepts the page, and it is what clients of Prometheus expect", async () => {
  const run = spawnSync("promtool", ["check", "metrics"], {
    input: await fetchText(s.discd, "/metrics"),
  });
  expect(`${run.stdout}${run.stderr}`).toBe("");
  expect(run.status).toBe(0);
});

it("A8.17 health probes move no counter, and neither does whoever reads the page", async () => {
  // Announcements of a start are over, and so is what the first test asked for.
  await sleep(6000);
  const counters = (all: Page) =>
    new Map([...all].filter(([name]) => /_total\b|_bucket|_sum|_count/.test(name)));
  const before = counters(await page());
  await sleep(9000);
  const health = JSON.parse(await fetchText(s.discd, "/healthz"));
  expect(health).toMatchObject({ ok: true });
  expect(health.listeners.length).toBeGreaterThan(3);
  expect(moved(before, counters(await page()))).toEqual({});
});

it("queries by transport, type, rcode and zone, each once", async () => {
  const { client } = s;
  const found = await movedBy("discd_queries_total", async () => {
    for (let count = 0; count < 3; count++) await client.ask(Z, "SOA", only);
    await client.ask(Z2, "NS", only);
    await client.ask(Z, "SOA", { ...only, tcp: true });
    await s.lab.kdig("+tls", "+nocookie", Z2, "SOA");
    await client.ask("www.example.org", "A", only);
    await client.ask(`no.such.${Z2}`, "DS", only);
    // An opcode that nobody has, and a message with two questions.
    const id = 77;
    await client.exchange(message({ id, flags: 0x3000, questions: [{ name: Z, type: "A" }] }));
    const questions = [Z, Z2].map((name) => ({ name, type: "A" as const }));
    await client.exchange(message({ id: 78, questions }));
  });
  const { [answered("udp", "DS", "NOERROR", Z2)]: ds = 0, ...others } = found;
  expect(ds).toBe(1);
  expect(others).toEqual({
    [answered("udp", "SOA", "NOERROR", Z)]: 3,
    [answered("udp", "NS", "NOERROR", Z2)]: 1,
    [answered("tcp", "SOA", "NOERROR", Z)]: 1,
    [answered("tls", "SOA", "NOERROR", Z2)]: 1,
    [answered("udp", "A", "REFUSED", "")]: 1,
    [answered("udp", "other", "NOTIMP", "")]: 1,
    [answered("udp", "other", "FORMERR", "")]: 1,
  });
});

it("the latency of each, waiting for the link included", async () => {
  s.dev1.answers("slow.local", "A", [flush(rec("slow.local", "A", 120, "10.1.0.9"))], {
    delay: 700,
  });
  const found = await movedBy("discd_query_seconds", async () => {
    for (let count = 0; count < 4; count++) await s.client.ask(Z, "SOA", only);
    const reply = await s.client.ask(`slow.${Z}`, "A");
    expect(reply.answers).toHaveLength(1);
    expect(reply.ms).toBeGreaterThan(650);
  });
  const bucket = (le: string) => found[`discd_query_seconds_bucket{le="${le}"}`] ?? 0;
  expect(found.discd_query_seconds_count).toBe(5);
  expect(bucket("+Inf")).toBe(5);
  expect(bucket("0.5")).toBe(4);
  expect(bucket("2.5")).toBe(5);
  expect(found.discd_query_seconds_sum).toBeGreaterThan(0.65);
  expect(found.discd_query_seconds_sum).toBeLessThan(2);
});

it("hits and misses of the cache of ready answers", async () => {
  const name = `hits.${Z2}`;
  const found = await movedBy("discd_cache", async () => {
    // The first makes the answer; the others come within the second that it is good for.
    for (let count = 0; count < 6; count++) await s.client.ask(name, "DS", only);
  });
  expect(found).toEqual({ discd_cache_hits_total: 5, discd_cache_misses_total: 1 });
  const { total } = JSON.parse(await fetchText(s.discd, "/v1/summary")).queries;
  const all = await page();
  expect(
    (all.get("discd_cache_hits_total") ?? 0) + (all.get("discd_cache_misses_total") ?? 0),
  ).toBe(
    // All but the two that could not be taken for queries.
    total - 2,
  );
});

/** What tcpdump has seen on net1 since before discd was started. */
function seen(family: 4 | 6, direction: "in" | "out"): number {
  return s.ear1.frames.filter(
    (frame) => frame.family === family && (frame.mac === s.mac1) === (direction === "out"),
  ).length;
}

it("mDNS packets by link, family and direction are those that tcpdump saw", async () => {
  s.dev1.announce([rec("_ipp._tcp.local", "PTR", 4500, "Lobby._ipp._tcp.local")]);
  await s.client.ask(`_ipp._tcp.${Z}`, "PTR");
  await s.client.ask(`_none._tcp.${Z}`, "PTR");
  const told = (all: Page) =>
    (["ipv4", "ipv6"] as const).flatMap((family) =>
      (["in", "out"] as const).map((direction) =>
        all.get(
          `discd_mdns_packets_total{link="net1",family="${family}",direction="${direction}"}`,
        ),
      ),
    );
  await until("both say the same", async () => {
    const all = told(await page());
    const frames = ([4, 6] as const).flatMap((family) =>
      (["in", "out"] as const).map((direction) => seen(family, direction)),
    );
    return all.join() === frames.join();
  });
  const counted = told(await page());
  expect(counted.every((count) => count !== undefined)).toBe(true);
  expect(counted[1]).toBeGreaterThan(2);
  expect(counted[0]).toBeGreaterThan(0);
  const heard = (await page()).get('discd_link_heard_seconds{link="net1"}');
  expect(heard).toBeLessThan(30);
});

it("Push sessions and subscriptions while they last", async () => {
  const gauges = (all: Page) => [
    all.get("discd_push_sessions"),
    all.get("discd_push_subscriptions"),
  ];
  expect(gauges(await page())).toEqual([0, 0]);
  const peer = await s.peer();
  await peer.exchange(E("E01"));
  peer.send(subscribe(0x0102, `_ipp._tcp.${Z}`, "PTR"), subscribe(0x0103, `_x._tcp.${Z}`, "PTR"));
  await until("two subscriptions", async () => gauges(await page()).join() === "1,2");
  peer.send(unsubscribe(0x0102));
  await until("one subscription", async () => gauges(await page()).join() === "1,1");
  peer.close();
  await until("none", async () => gauges(await page()).join() === "0,0");
});

it("LLQs while they last", async () => {
  const live = async () => (await page()).get("discd_llq_active");
  expect(await live()).toBe(0);
  const peer = await LlqPeer.open(await s.lab.agent("cli"), s.lab.server);
  const { id } = await peer.begin(`_ipp._tcp.${Z}`, "PTR");
  expect(await live()).toBe(1);
  await peer.refresh(`_ipp._tcp.${Z}`, "PTR", id, 0);
  await until("none", async () => (await live()) === 0);
});

it("questions alive on a link are those that the API lists", async () => {
  const asking = s.client.ask(`_still._tcp.${Z}`, "PTR");
  const count = await until("a question", async () =>
    (await page()).get('discd_questions_active{link="net1"}'),
  );
  const { questions } = JSON.parse(await fetchText(s.discd, "/v1/questions"));
  expect(questions.length).toBeGreaterThanOrEqual(count);
  await asking;
});

it("drops by their reason", async () => {
  const found = await movedBy("discd_drops_total", async () => {
    for (let count = 0; count < 4; count++) s.dev1.say(Buffer.alloc(5));
    for (let count = 0; count < 2; count++) {
      s.dev1.say(message({ flags: 0x2800, questions: [{ name: "a.local", type: "A" }] }));
    }
    // A response that nobody asked for.
    await s.client.silence(message({ id: 9, flags: 0x8000, questions: [{ name: Z, type: "A" }] }));
  });
  expect(found).toEqual({
    'discd_drops_total{reason="mdns-short"}': 4,
    'discd_drops_total{reason="mdns-opcode"}': 2,
    'discd_drops_total{reason="query-response"}': 1,
  });
});

it("C1 row 22: the end of the certificate is what openssl reads at the listener", async () => {
  const { server } = s.lab;
  const line = `openssl s_client -connect ${server}:853 </dev/null 2>/dev/null | openssl x509 -noout -enddate`;
  const said = s.lab.run("cli", line);
  const notAfter = Date.parse(said.trim().replace("notAfter=", "")) / 1000;
  expect(notAfter).toBeGreaterThan(Date.now() / 1000);
  expect((await page()).get("discd_certificate_expiry_timestamp_seconds")).toBe(notAfter);
});

it("whatever clients ask for, they make no new labels without bound", async () => {
  const series = (all: Page) => [...all.keys()].filter((name) => !name.includes("_bucket"));
  await s.client.ask("x.example.net", 65_000, only);
  const before = series(await page());
  for (let count = 0; count < 150; count++) {
    await s.client.ask(`h${count}"\\\\.example.net`, 40_000 + count, only);
    await s.client.ask(`h${count}.host.${Z2}`, 60_000 + count, { limit: 20 }).catch(() => {});
  }
  for (let count = 0; count < 50; count++) {
    s.dev1.announce([rec(`_h${count}._tcp.local`, "PTR", 120, `x._h${count}._tcp.local`)]);
  }
  await sleep(7000);
  const after = await page();
  const more = series(after).filter((name) => !before.includes(name));
  expect(more.length, more.join("\n")).toBeLessThan(5);
  expect(after.get(answered("udp", "other", "REFUSED", ""))).toBeGreaterThanOrEqual(150);
  const run = spawnSync("promtool", ["check", "metrics"], {
    input: await fetchText(s.discd, "/metrics"),
  });
  expect(run.status, `${run.stdout}${run.stderr}`).toBe(0);
});
