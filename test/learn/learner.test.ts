// Stories of the search for zones: what is asked in which order, what is believed,
// for how long, and what is never believed.

import { describe, expect, test } from "vitest";
import { displayName, parseName } from "../../src/wire/name.js";
import { ours, parent, subject, World } from "./stage.js";

const base = (kind: string, net = "0.1.10") => `${kind}._dns-sd._udp.0.${net}.in-addr.arpa`;
const floor1 = [...parent, ours("floor1.example.com"), `${base("lb")} PTR floor1.example.com`];

describe("the order of questions", () => {
  test("[UP-3] [A3.2] dr, r, db, b, lb below the base address, one after the other", () => {
    const world = new World(floor1).use(subject("net1", ["10.1.0.0/24"])).run(1);
    const kinds = world.texts.filter((text) => text.includes("_dns-sd"));
    expect(kinds).toEqual(["dr", "r", "db", "b", "lb"].map((kind) => `${base(kind)} PTR`));
    expect(world.zones).toEqual(["net1 floor1.example.com"]);
    // The zone's own server, which is this host, is never made to answer for it yet.
    expect(world.texts).toContain("floor1.example.com NS @192.0.2.53");
    expect(world.texts).not.toContain("floor1.example.com NS");
  });

  test("[UP-3] the first answer ends the search", () => {
    const dns = [...floor1, `${base("db")} PTR floor9.example.com`];
    const world = new World(dns).use(subject("net1", ["10.1.0.0/24"])).run(1);
    const kinds = world.texts.filter((text) => text.includes("_dns-sd"));
    expect(kinds).toEqual(["dr", "r", "db"].map((kind) => `${base(kind)} PTR`));
    expect(world.zones).toEqual(["net1 floor9.example.com"]);
  });

  test("[UP-4] all four octets, all 32 nibbles, whatever the length of the prefix", () => {
    const world = new World([]).use(subject("a", ["10.9.8.0/22", "2001:db8:1:2::/64"])).run(1);
    const zeros = "0.".repeat(16);
    expect(world.texts).toContain("dr._dns-sd._udp.0.8.9.10.in-addr.arpa PTR");
    const six = `lb._dns-sd._udp.${zeros}2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR`;
    expect(world.texts).toContain(six);
  });

  test("[UP-3] one of several names, the same whatever the order and after a restart", () => {
    const names = ["floor2", "floor1", "floor3"].map((n) => `${n}.example.com`);
    for (const order of [names, [...names].reverse()]) {
      const dns = [...parent, ...order.map((name) => `${base("b")} PTR ${name}`)];
      const world = new World(dns, order.length).use(subject("a", ["10.1.0.0/24"])).run(1);
      expect(world.zones).toEqual(["a floor1.example.com"]);
    }
  });

  test("of several names the one that is delegated to this host", () => {
    const dns = [
      ...parent,
      "floor1.example.com NS other.example.com",
      ours("floor2.example.com"),
      ...["example.com", "floor1.example.com", "floor2.example.com"].map(
        (name) => `${base("b")} PTR ${name}`,
      ),
    ];
    const world = new World(dns).use(subject("a", ["10.1.0.0/24"])).run(1);
    expect(world.zones).toEqual(["a floor2.example.com"]);
  });

  test("an alias in the reverse tree is followed (RFC 2317)", () => {
    const dns = [...parent, ours("f.example.com"), `${base("dr")} CNAME lists.example.com`];
    const world = new World([...dns, "lists.example.com PTR f.example.com"]);
    expect(world.use(subject("a", ["10.1.0.0/24"])).run(1).zones).toEqual(["a f.example.com"]);
  });
});

describe("the rounds", () => {
  const starts = (world: World, net: string): number[] =>
    world.asked.filter(({ text }) => text === `${base("dr", net)} PTR`).map(({ at }) => at / 1000);

  test("[UP-5] again after 4.5 to 5.5 minutes, each link at moments of its own", () => {
    const world = new World(floor1);
    world.use(subject("a", ["10.1.0.0/24"]), subject("b", ["10.2.0.0/24"])).run(6 * 3600);
    const gapsOf = (net: string) => {
      const all = starts(world, net);
      return all.slice(1).map((at, index) => at - (all[index] as number));
    };
    const [a, b] = [gapsOf("0.1.10"), gapsOf("0.2.10")];
    for (const gap of [...a, ...b]) {
      expect(gap).toBeGreaterThanOrEqual(270);
      expect(gap).toBeLessThanOrEqual(331);
    }
    expect(a.length).toBeGreaterThan(60);
    expect(Math.max(...a)).toBeGreaterThan(320);
    expect(Math.min(...a)).toBeLessThan(280);
    expect(a.slice(0, 5)).not.toEqual(b.slice(0, 5));
  });

  test("[A1.7] a record that went: withdrawn with the reason; back again: learned again", () => {
    const world = new World(floor1).use(subject("net1", ["10.1.0.0/24"])).run(10);
    world.dns = parent;
    world.run(331);
    expect(world.zones).toEqual([]);
    expect(world.events("zone-withdrawn")).toEqual([
      {
        link: "net1",
        zone: "floor1.example.com",
        record: base("lb"),
        reason: `there is no PTR at dr, r, db, b, lb below ${base("").slice(1)} any more`,
      },
    ]);
    world.dns = floor1;
    expect(world.run(331).zones).toEqual(["net1 floor1.example.com"]);
    expect(world.events("zone-learned")).toHaveLength(2);
  });

  test("[UP-5] another name: the new one, and why the old one went", () => {
    const world = new World(floor1).use(subject("net1", ["10.1.0.0/24"])).run(10);
    world.dns = [...parent, ours("new.example.com"), `${base("lb")} PTR new.example.com`];
    expect(world.refresh().run(2).zones).toEqual(["net1 new.example.com"]);
    expect(world.events("zone-withdrawn")[0]).toMatchObject({
      zone: "floor1.example.com",
      reason: `${base("lb")} names new.example.com now`,
    });
  });

  for (const fault of ["silent", "servfail", "refused"] as const) {
    test(`a resolver that is ${fault} is no disappearance; after three rounds it is`, () => {
      const world = new World(floor1).use(subject("net1", ["10.1.0.0/24"])).run(10);
      world.fault = fault;
      world.run(900);
      expect(world.zones).toEqual(["net1 floor1.example.com"]);
      expect(world.events("zones-not-found-out")).toHaveLength(1);
      world.run(400);
      expect(world.zones).toEqual([]);
      expect(world.events("zone-withdrawn")[0]?.reason).toBe(
        "no server has confirmed it for 990 s",
      );
      expect(world.learner.learned).toMatchObject([{ hasEnded: false }]);
      world.fault = "none";
      expect(world.run(340).zones).toEqual(["net1 floor1.example.com"]);
    });
  }

  test("one question that fails leaves what it might have hidden open", () => {
    const world = new World(floor1);
    world.broken = [base("r")];
    world.use(subject("net1", ["10.1.0.0/24"])).run(5);
    expect(world.zones).toEqual([]);
    expect(world.texts).not.toContain(`${base("db")} PTR`);
    expect(world.learner.learned).toMatchObject([{ hasEnded: false }]);
    // It is asked again soon, not after five minutes only.
    world.broken = [];
    expect(world.run(20).zones).toEqual(["net1 floor1.example.com"]);
  });

  test("a search that failed is repeated soon at first, then as usual", () => {
    const world = new World([]);
    world.fault = "servfail";
    world.use(subject("a", ["10.1.0.0/24"])).run(3600);
    const all = starts(world, "0.1.10");
    const gaps = all.slice(1).map((at, index) => Math.round(at - (all[index] as number)));
    expect(gaps.slice(0, 4)).toEqual([15, 30, 60, 120]);
    for (const gap of gaps.slice(5)) expect(gap).toBeGreaterThanOrEqual(270);
  });

  test("a network whose reverse zone alone is broken is asked for alone, and given up", () => {
    const six = `dr._dns-sd._udp.${"0.".repeat(20)}1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa`;
    const world = new World([]);
    world.broken = [six];
    const within = [parseName("example.com")];
    const networks = ["10.1.0.0/24", "2001:db8:1::/64"];
    world.use(subject("net1", networks, { mode: "update", within })).run(40);
    expect(world.learner.learned).toMatchObject([{ hasEnded: false }]);
    world.run(20);
    expect(world.learner.learned).toMatchObject([{ hasEnded: true }]);
    world.run(1200);
    // UP-5: the other one at the usual pace.
    const all = starts(world, "0.1.10");
    const gaps = all.slice(1).map((at, index) => at - (all[index] as number));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(270);
    expect(world.texts.filter((text) => text === `${six} PTR`).length).toBeGreaterThan(6);
  });

  test("a resolver that refuses what it does not serve says that it has nothing", () => {
    const world = new World([]);
    world.fault = "refused";
    const within = [parseName("example.com")];
    world.use(subject("net1", ["10.1.0.0/24"], { mode: "update", within })).run(1);
    expect(world.learner.learned).toMatchObject([{ hasEnded: true }]);
    for (const fault of ["servfail", "silent"] as const) {
      const other = new World([]);
      other.fault = fault;
      other.use(subject("net1", ["10.1.0.0/24"], { mode: "update", within })).run(3600);
      expect(other.learner.learned).toMatchObject([{ hasEnded: false }]);
    }
  });

  test("a network that had a name is not given up: nobody said that it has none", () => {
    const world = new World(floor1);
    const networks = ["10.1.0.0/24", "10.2.0.0/24"];
    const within = [parseName("example.com")];
    world.use(subject("net1", networks, { mode: "update", within })).run(10);
    world.broken = [base("dr")];
    world.run(1300);
    expect(world.zones).toEqual([]);
    expect(world.learner.learned).toMatchObject([{ hasEnded: false }]);
  });

  test("nothing is known to be missing before a search has ended", () => {
    const world = new World([]);
    world.use(subject("a", ["10.1.0.0/24"]));
    expect(world.learner.isFirstRound).toBe(true);
    expect(world.learner.learned).toMatchObject([{ hasEnded: false }]);
    world.run(1);
    expect(world.learner.isFirstRound).toBe(false);
    expect(world.learner.learned).toMatchObject([{ hasEnded: true }]);
    const failing = new World([]);
    failing.fault = "servfail";
    failing.use(subject("a", ["10.1.0.0/24"])).run(1);
    // Whoever waits for it at the start need not wait any longer, but knows nothing.
    expect(failing.learner.isFirstRound).toBe(false);
    expect(failing.learner.learned).toMatchObject([{ hasEnded: false }]);
  });

  test("refreshed over and over, a link is searched once a second at most", () => {
    const world = new World(floor1).use(subject("net1", ["10.1.0.0/24"]));
    for (let times = 0; times < 100; times++) world.refresh().run(0.05);
    expect(starts(world, "0.1.10").length).toBeLessThanOrEqual(6);
    expect(world.run(2).zones).toEqual(["net1 floor1.example.com"]);
  });

  test("sixteen links are searched at once, all of them in the end", () => {
    const world = new World([]);
    world.delay = 100;
    const subjects = Array.from({ length: 100 }, (_, at) => subject(`v${at}`, [`10.1.${at}.0/24`]));
    world.use(...subjects).run(0.05);
    expect(new Set(world.texts.map((text) => text.split(".")[4])).size).toBe(16);
    world.run(20);
    expect(world.learner.learned.every(({ hasEnded }) => hasEnded)).toBe(true);
  });

  test("an address in another network: what was learned of the old one goes", () => {
    const world = new World(floor1).use(subject("net1", ["10.1.0.0/24"])).run(10);
    world.use(subject("net1", ["10.5.0.0/24"])).run(2);
    expect(world.zones).toEqual([]);
    expect(world.events("zone-withdrawn")[0]?.reason).toBe(
      "the interface has no address in 10.1.0.0/24 any more",
    );
    world.use().run(1);
    expect(world.learner.learned).toEqual([]);
    expect(world.learner.nextDeadline()).toBeUndefined();
  });

  test("[UP-10] mode 'update': a name for each network, without looking for delegations", () => {
    const six = `b._dns-sd._udp.${"0.".repeat(16)}0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa`;
    const networks = ["10.1.0.0/24", "2001:db8:1::/64", "10.3.0.0/16"];
    const within = [parseName("example.com")];
    const world = new World([...floor1, `${six} PTR six.example.com`]);
    world.use(subject("net1", networks, { mode: "update", within })).run(5);
    const [link] = world.learner.learned;
    expect(link?.networks.map(({ name }) => name && displayName(name.zone))).toEqual([
      "floor1.example.com",
      "six.example.com",
      undefined,
    ]);
    expect(link).toMatchObject({ hasEnded: true });
    expect(world.texts.every((text) => / PTR$/.test(text) && text.includes("_dns-sd"))).toBe(true);
  });

  test("[UP-7] mode 'update': what discd has put on a list gives way to what others have", () => {
    const within = [parseName("example.com")];
    const lists = ["0a010000", "floor1floor1"].map((n) => `${base("lb")} PTR ${n}.example.com`);
    const world = new World([...parent, ...lists]);
    world.use(subject("net1", ["10.1.0.0/24"], { mode: "update", within })).run(5);
    expect(world.zones).toEqual(["net1 floor1floor1.example.com"]);
    world.dns = [...parent, ...lists.slice(0, 1)];
    expect(world.refresh().run(5).zones).toEqual(["net1 0a010000.example.com"]);
  });

  test("[UP-9] mode 'update': only names within update.within, one warning", () => {
    const within = [parseName("campus.example"), parseName("f.example.com")];
    const world = new World(floor1);
    world.use(subject("net1", ["10.1.0.0/24"], { mode: "update", within })).run(1200);
    expect(world.zones).toEqual([]);
    expect(world.events("zone-refused")).toMatchObject([
      { zone: "floor1.example.com", reason: "it is not within any name of update.within" },
    ]);
    // No leave to make up a name: nothing is to be published.
    expect(world.learner.learned).toMatchObject([{ hasEnded: false }]);
  });
});

describe("names that are not believed", () => {
  const hostile = (names: readonly string[], more = {}): World => {
    const dns = [...parent, ...names.map((name) => `${base("b")} PTR ${name}`)];
    return new World(dns).use(subject("net1", ["10.1.0.0/24"], more)).run(5);
  };

  test.each([
    [".", "it is the root"],
    ["com", "it has one label only"],
    ["local", "names below local are not in the DNS"],
    ["printers.LOCAL", "names below local are not in the DNS"],
    ["x.invalid", "names below invalid are not in the DNS"],
    ["0.1.10.in-addr.arpa", "it is a reverse name"],
    ["8.b.d.0.1.0.0.2.ip6.arpa", "it is a reverse name"],
    ["*.example.com", "it begins like no domain"],
    ["_ipp._tcp.example.com", "it begins like no domain"],
    ["example.com", "the server px.example.com is inside of it"],
    ["px.example.com", "the server px.example.com is inside of it"],
    [
      `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(50)}.example.com`,
      "it leaves no room for the names of services",
    ],
  ])("[UP-9] a PTR to %s: nothing is learned, and one warning says why", (name, reason) => {
    const world = hostile([name]);
    world.run(1200);
    expect(world.zones).toEqual([]);
    expect(world.events("zone-refused")).toMatchObject([
      { link: "net1", record: base("b"), reason },
    ]);
  });

  test("a zone that is delegated to others only", () => {
    const dns = [
      ...floor1.filter((line) => !line.includes(" NS px")),
      "floor1.example.com NS other.example.com",
      "other.example.com A 192.0.2.99",
    ];
    const world = new World(dns).use(subject("net1", ["10.1.0.0/24"])).run(5);
    expect(world.zones).toEqual([]);
    expect(world.events("zone-refused")[0]?.reason).toMatch(/names other servers/);
    // The other name may be one of this host's, which its address tells.
    world.addresses = ["192.0.2.99"];
    world.use(subject("net1", ["10.1.0.0/24"]));
    expect(world.refresh().run(5).zones).toEqual(["net1 floor1.example.com"]);
  });

  test("a server that does not serve the parent knows nothing of delegations", () => {
    const world = new World([]);
    // Somebody above has an SOA, and its server answers for nothing.
    world.dns = [
      "com SOA ns.com root.com 1 1 1 1 1",
      "com NS ns.com",
      "ns.com A 192.0.2.1",
      `${base("b")} PTR floor1.example.com`,
    ];
    world.isLame = true;
    world.use(subject("net1", ["10.1.0.0/24"])).run(5);
    expect(world.events("zone-learned")[0]?.delegation).toBe("unknown");
    expect(world.events("zone-not-delegated")).toEqual([]);
  });

  test("a zone without delegation is served, with a warning", () => {
    const world = hostile(["floor1.example.com"]);
    expect(world.zones).toEqual(["net1 floor1.example.com"]);
    expect(world.events("zone-not-delegated")).toHaveLength(1);
  });

  test("a thousand PTRs: one name, and no flood of questions", () => {
    const names = Array.from({ length: 1000 }, (_, at) => `z${1000 + at}.example.com`);
    const world = hostile(names);
    expect(world.zones).toEqual(["net1 z1000.example.com"]);
    expect(world.asked.length).toBeLessThan(40);
  });

  test("a list of domains that leads everywhere: questions have a bound", () => {
    const names = Array.from({ length: 60 }, (_, at) => `z${at}.d${at}.example${at}`);
    const around = names.flatMap((name, at) => [
      `b._dns-sd._udp.example.com PTR ${name}`,
      `d${at}.example${at} SOA ns.d${at}.example${at} r.d${at}.example${at} 1 1 1 1 1`,
      `d${at}.example${at} NS ns.d${at}.example${at}`,
      `ns.d${at}.example${at} A 192.0.2.53`,
    ]);
    const world = new World([...parent, ...around]).use(subject("a", ["10.1.0.0/24"])).run(5);
    expect(world.asked.length).toBeLessThan(150);
    expect(world.zones).toEqual([]);
  });

  test("questions about servers go to no address that is no server's", () => {
    const dns = floor1.filter((line) => !line.startsWith("ns.example.com"));
    const bad = ["127.0.0.1", "169.254.1.1", "224.0.0.251", "255.255.255.255", "0.0.0.0"];
    const world = new World([
      ...dns,
      ...bad.map((text) => `ns.example.com A ${text}`),
      ...["::1", "fe80::1", "ff02::fb"].map((text) => `ns.example.com AAAA ${text}`),
    ]);
    world.use(subject("net1", ["10.1.0.0/24"])).run(5);
    expect(world.texts.filter((text) => text.includes("@"))).toEqual([]);
    // Nobody can say to whom it is delegated: the network's record is enough.
    expect(world.zones).toEqual(["net1 floor1.example.com"]);
  });
});

describe("lists of domains", () => {
  const list = [
    ...parent,
    ours("floor1.example.com"),
    "floor2.example.com NS other.example.com",
    ...["example.com", "floor1.example.com", "floor2.example.com"].map(
      (name) => `b._dns-sd._udp.example.com PTR ${name}`,
    ),
  ];

  test("[A1.6] found by the host's name: the only zone for the only link", () => {
    const world = new World(list).use(subject("net1", ["10.1.0.0/24"])).run(5);
    expect(world.zones).toEqual(["net1 floor1.example.com"]);
    const [link] = world.learner.view(world.now).links;
    const times = { refreshed: 5, timesOut: 985 };
    expect(link?.domains).toEqual([
      { name: "example.com", via: ["hostname"], browseable: true, ...times },
    ]);
    expect(link?.listed).toMatchObject([
      { name: "floor1.example.com", nsActive: true, netRevAddr: false, used: true },
    ]);
    world.dns = parent;
    expect(world.run(340).zones).toEqual([]);
    expect(world.events("zone-withdrawn")[0]?.reason).toMatch(/lists it no more/);
  });

  test("[A1.6] found by resolv.conf, and by what an address is called", () => {
    const bySearch = new World(list);
    bySearch.hostname = "px.home.arpa";
    bySearch.learner.setSearch([parseName("example.com"), parseName("local")]);
    bySearch.addresses = ["10.8.0.53"];
    expect(bySearch.use(subject("a", ["10.1.0.0/24"])).run(5).zones).toEqual([
      "a floor1.example.com",
    ]);
    expect(bySearch.texts).not.toContain("b._dns-sd._udp.local PTR");
    const byAddress = new World([...list, "53.0.8.10.in-addr.arpa PTR px.example.com"]);
    byAddress.hostname = "px.home.arpa";
    const own = subject("a", ["10.8.0.0/24"]);
    const address = { family: "ipv4" as const, bytes: Uint8Array.of(10, 8, 0, 53) };
    expect(byAddress.use({ ...own, addresses: [address] }).run(5).zones).toEqual([
      "a floor1.example.com",
    ]);
  });

  test("with two links to choose from nothing is guessed, and the record is named", () => {
    const world = new World(list);
    world.use(subject("a", ["10.1.0.0/24"]), subject("b", ["10.2.0.0/24"])).run(1000);
    expect(world.zones).toEqual([]);
    expect(world.events("zones-without-link")).toEqual([
      {
        zones: ["floor1.example.com"],
        links: ["a", "b"],
        reason: "they are delegated to this host, but nothing says which link each is of",
        remedy: `add a PTR record such as ${base("lb")} for the network of each`,
      },
    ]);
  });

  test("nothing is given away before the other links have been searched", () => {
    const world = new World([...list, ours("f2.example.com"), `${base("lb")} PTR f2.example.com`]);
    world.broken = [base("dr")];
    world.use(subject("a", ["10.1.0.0/24"]), subject("b", ["10.2.0.0/24"])).run(5);
    expect(world.zones).toEqual([]);
    world.broken = [];
    expect(world.run(20).zones).toEqual(["a f2.example.com", "b floor1.example.com"]);
    expect(world.events("zones-without-link")).toEqual([]);
  });

  test("a domain that lists itself, as each zone served here does, says nothing", () => {
    const zone = "floor1.example.com";
    const world = new World([...parent, ours(zone), `b._dns-sd._udp.${zone} PTR ${zone}`]);
    world.learner.setSearch([parseName(zone)]);
    expect(world.use(subject("a", ["10.1.0.0/24"])).run(5).zones).toEqual([]);
  });

  test("not for a link that the file does not list, nor a zone that it names", () => {
    const unlisted = new World(list).use(subject("a", ["10.1.0.0/24"], { takesListed: false }));
    expect(unlisted.run(5).zones).toEqual([]);
    const claimed = new World(list);
    claimed.claimed = ["floor1.example.com"];
    expect(claimed.use(subject("a", ["10.1.0.0/24"])).run(5).zones).toEqual([]);
  });

  test("a record for the network takes over from the list", () => {
    const world = new World(list).use(subject("net1", ["10.1.0.0/24"])).run(5);
    world.dns = [...list, ours("floor3.example.com"), `${base("lb")} PTR floor3.example.com`];
    expect(world.refresh().run(5).zones).toEqual(["net1 floor3.example.com"]);
    expect(world.events("zone-withdrawn")[0]?.reason).toMatch(/has a name of its own/);
  });
});
