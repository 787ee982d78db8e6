// Whether a link still reaches us, in virtual time: queriers that come and go, hosts
// that fall silent, and the many links on which nothing is wrong.

import { expect, test } from "vitest";
import { judgeHealth } from "../../src/api/health.js";
import { metricsText } from "../../src/api/metrics.js";
import { mismatch } from "../../src/api/shape.js";
import { interfaceShape } from "../../src/api/shapes.js";
import { interfaceWith } from "../../src/api/surroundings.js";
import type { QuerierNews } from "../../src/engine/watchdog.js";
import { Histogram, QueryTally, querySteps } from "../../src/tally.js";
import { seconds } from "../../src/time.js";
import { gauges } from "../api/state.js";
import { World } from "./story.js";
import type { StoryLink } from "./story-link.js";

const both = ["ipv4", "ipv6"] as const;

class Story extends World {
  readonly eth0: StoryLink;

  constructor(families: readonly (typeof both)[number][] = both) {
    super();
    this.eth0 = this.link("eth0");
    for (const family of families) this.news(family, "listening");
  }

  news(family: (typeof both)[number], news: QuerierNews): void {
    this.input({ kind: "querier", link: "eth0", family, news });
  }

  /** Lets time pass; another host says something every so often. */
  hearing(count: number, every = 30): void {
    for (let past = 0; past < count; past += every) {
      this.eth0.says("prnt.local. 120 A 203.0.113.7");
      this.run(seconds(Math.min(every, count - past)));
    }
  }

  /** We say something, which somebody may answer. */
  saying(): void {
    this.ask("nobody.bldg-1.example.com A");
  }

  get view() {
    const [view] = this.engine.survey.interfaces(this.now);
    const around = {
      deviceOf: () => undefined,
      faultOf: () => undefined,
      sourceOf: () => undefined,
      learned: [],
    };
    expect(mismatch(interfaceShape, view && interfaceWith(view, around))).toBeUndefined();
    return view as NonNullable<typeof view>;
  }

  /** Names of the lines in the log that are about this. */
  get told(): string[] {
    return this.logged
      .map((line) => line.split(" ")[1] as string)
      .filter((name) => /querier|suspect/.test(name));
  }
}

test("A link with a querier is as it should be, and remains so while it asks", () => {
  const w = new Story();
  expect(w.view).toMatchObject({ hasQuerier: null, problems: [] });
  expect(w.view.querierNote).toContain("too early");
  for (let round = 0; round < 10; round++) {
    w.news("ipv4", "heard");
    w.run(seconds(125));
    expect(w.view).toMatchObject({ hasQuerier: true, querierNote: null, problems: [] });
  }
  expect(w.told).toEqual([]);
});

test("C1 row 24: the usual home: no querier, others are heard all the same: no problem at all", () => {
  const w = new Story();
  w.hearing(259);
  expect(w.view.hasQuerier).toBeNull();
  w.hearing(2000);
  expect(w.view).toMatchObject({ hasQuerier: false, problems: [] });
  expect(w.view.querierNote).toContain("nothing cuts us off");
  // Quiet as such is nothing: a switch that snoops would have cut us off long since.
  w.saying();
  w.run(seconds(4000));
  w.saying();
  w.run(seconds(4000));
  expect(w.view.problems).toEqual([]);
  expect(w.told).toEqual(["no-querier"]);
  expect(w.logged.find((line) => line.includes("no-querier"))).toContain("info no-querier");
});

test("C1 row 24: nobody is heard any more once a switch has forgotten us: told once, softly", () => {
  const w = new Story();
  w.hearing(250);
  w.saying();
  w.run(seconds(40));
  expect(w.view).toMatchObject({ hasQuerier: false, problems: [] });
  expect(w.view.querierNote).toContain("if a switch on this link does multicast snooping");
  w.run(seconds(260));
  const [problem = ""] = w.view.problems;
  expect(problem).toContain("no IGMP or MLD querier was heard");
  expect(problem).toContain("multicast snooping may have cut this link off");
  expect(problem).toContain("switch an IGMP and MLD querier on");
  w.run(seconds(3000));
  expect(w.told).toEqual(["no-querier", "link-suspect"]);
  expect(w.logged.find((line) => line.includes("link-suspect"))).toContain("warn link-suspect");
  // It is told as over as soon as somebody is heard.
  w.hearing(1);
  expect(w.view.problems).toEqual([]);
  expect(w.told).toEqual(["no-querier", "link-suspect", "link-suspect-over"]);
});

test("a suspicion ends with a querier, too", () => {
  const w = new Story();
  w.hearing(250);
  w.saying();
  w.run(seconds(400));
  expect(w.view.problems).toHaveLength(1);
  w.news("ipv6", "heard");
  expect(w.view).toMatchObject({ hasQuerier: true, problems: [] });
  expect(w.told.at(-1)).toBe("link-suspect-over");
});

test("a querier that is gone is told when nobody was heard since a switch has forgotten us", () => {
  const w = new Story();
  w.news("ipv4", "heard");
  w.hearing(200);
  w.run(seconds(61));
  expect(w.view).toMatchObject({ hasQuerier: false, problems: [] });
  w.run(seconds(40));
  expect(w.view.problems[0]).toContain("querier of this link is silent");
  // Whoever says nothing may be cut off as well: a querier was there for a reason.
  expect(w.told).toEqual(["no-querier", "link-suspect"]);
});

test("a querier that is gone, and others are still heard: no problem", () => {
  const w = new Story();
  w.news("ipv4", "heard");
  w.hearing(1000);
  expect(w.view).toMatchObject({ hasQuerier: false, problems: [] });
  w.news("ipv4", "heard");
  expect(w.view.hasQuerier).toBe(true);
  expect(w.told).toEqual(["no-querier", "querier-heard"]);
});

test("where nobody was ever heard, or nobody was asked, silence is no sign", () => {
  const empty = new Story();
  empty.saying();
  empty.run(seconds(4000));
  expect(empty.view).toMatchObject({ hasQuerier: false, problems: [], lastHeardSeconds: null });
  const quiet = new Story();
  quiet.hearing(250);
  quiet.run(seconds(4000));
  expect(quiet.view).toMatchObject({ hasQuerier: false, problems: [] });
});

test("what other programs of this host say, and what comes by unicast, proves nothing", () => {
  const w = new Story();
  w.hearing(250);
  w.saying();
  for (let round = 0; round < 10; round++) {
    w.eth0.says("self.local. 120 A 203.0.113.0", { from: "203.0.113.0" });
    w.eth0.says("prnt.local. 120 A 203.0.113.7", { isMulticast: false });
    w.run(seconds(60));
  }
  expect(w.view.problems).toHaveLength(1);
  const silent = w.engine.survey.interfaces(w.now)[0]?.lastHeardSeconds ?? 0;
  expect(silent).toBeLessThan(61);
});

test("after an address change the groups are joined again, and the time begins anew", () => {
  const w = new Story();
  w.hearing(250);
  w.saying();
  w.run(seconds(340));
  expect(w.view.problems).toHaveLength(1);
  w.eth0.up();
  expect(w.view).toMatchObject({ hasQuerier: null, problems: [] });
  expect(w.told.at(-1)).toBe("link-suspect-over");
});

test("without the right to hear IGMP nothing is claimed, and the reason is told", () => {
  const w = new Story(["ipv6"]);
  w.news("ipv4", "deaf");
  w.hearing(250);
  w.saying();
  w.run(seconds(4000));
  expect(w.view).toMatchObject({ hasQuerier: null, problems: [] });
  expect(w.view.querierNote).toContain("IGMP cannot be heard without CAP_NET_RAW");
  w.news("ipv6", "heard");
  expect(w.view.hasQuerier).toBe(true);
});

test("a family that is switched off, a link that is down, one without sockets: nothing to say", () => {
  const alone = new Story(["ipv4"]);
  alone.run(seconds(261));
  expect(alone.view.querierNote).toContain("no IGMP querier was heard");
  alone.eth0.down();
  expect(alone.view).toMatchObject({ hasQuerier: null, querierNote: null });
  alone.eth0.up();
  alone.run(seconds(1000));
  expect(alone.view).toMatchObject({ hasQuerier: null, querierNote: null });
  const virtual = new Story([]);
  virtual.hearing(10);
  virtual.run(seconds(4000));
  expect(virtual.view).toMatchObject({ hasQuerier: null, querierNote: null, problems: [] });
});

test("metrics and health tell it, and it fails nothing", () => {
  const w = new Story();
  w.hearing(250);
  w.saying();
  w.run(seconds(400));
  const { survey } = w.engine;
  const page = [
    ...metricsText({
      counts: w.counts,
      queries: new QueryTally(),
      latency: new Histogram(querySteps),
      gauges: { ...gauges, links: survey.linkGauges(w.now) },
    }),
  ].join("");
  expect(page).toContain('discd_link_querier{link="eth0"} 0\n');
  expect(page).toContain('discd_link_suspect{link="eth0"} 1\n');
  const well = (name: string) => ({ name, answeredSecondsAgo: 1, askedSecondsAgo: 1 });
  const probes = {
    listeners: [well("10.8.0.53:53/udp")],
    links: [well("eth0"), well("eth1")],
    zones: [
      { zone: "floor1.example.com", link: "eth0" },
      { zone: "floor2.example.com", link: "eth1" },
    ],
    suspicions: survey.suspicions(w.now),
  };
  const all = judgeHealth(probes);
  expect(all).toMatchObject({ ok: true, reasons: [] });
  expect(all.warnings).toEqual([expect.stringMatching(/^link eth0: no IGMP or MLD querier/)]);
  expect(judgeHealth(probes, "floor1.example.com").warnings).toHaveLength(1);
  expect(judgeHealth(probes, "floor2.example.com").warnings).toEqual([]);
});
