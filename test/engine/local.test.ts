// What is answered without the link (RFC 8766 §5.2, §6): apexes, metadata and
// enumeration names, shortcuts, static records; refusals. In every case the
// answer is there at once and the link stays silent.

import { afterEach, describe, expect, test } from "vitest";
import { type Prefix, parsePrefix } from "../../src/address.js";
import { seconds } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";
import { parseRRs } from "../../src/wire/text.js";
import { addressList, World, type WorldSetting } from "./story.js";
import type { Asked, AskOptions } from "./story-clients.js";

const rich = "Building\\0321.example.com";
const hosts = "bldg-1.example.com";
const reverse4 = "113.0.203.in-addr.arpa";
const reverse6 = "8.7.6.5.4.3.2.1.8.b.d.0.1.0.0.2.ip6.arpa";
const zones = [rich, hosts, reverse4, reverse6];

let w: World | undefined;

function world(setting: WorldSetting = {}): World {
  w = new World(setting);
  w.link("eth0");
  return w;
}

/** Asks, and expects the answer at once. */
function ask(text: string, options?: AskOptions): Asked {
  const asked = (w ?? world()).ask(text, options);
  expect(asked.took).toBe(0);
  return asked;
}

afterEach(() => {
  // Nothing in this file is the link's affair.
  w?.run(seconds(20));
  expect(w?.sent() ?? []).toEqual([]);
  w = undefined;
});

describe("the apex", () => {
  test.each(zones)("SOA of %s [DP-1] [DP-95] [DP-96] [DP-97] [DP-100]", (zone) => {
    const asked = ask(`${zone} SOA`);
    expect(asked.message.aa).toBe(true);
    expect(asked.answers).toEqual([
      `${zone}. 10 IN SOA px.example.net. hostmaster.example.net. 0 7200 3600 86400 10`,
    ]);
  });

  test.each(zones)("NS of %s: this proxy and its fellows [DP-98] [DP-50]", (zone) => {
    world({ proxy: { nameservers: [parseName("px2.example.net")] } });
    expect(ask(`${zone} NS`).answers).toEqual([
      `${zone}. 10 IN NS px.example.net.`,
      `${zone}. 10 IN NS px2.example.net.`,
    ]);
  });

  test("two instances differ in MNAME alone [DP-10]", () => {
    world({ proxy: { hostname: parseName("px2.example.net") } });
    expect(ask(`${hosts} SOA`).answers[0]).toContain(" SOA px2.example.net. hostmaster");
  });

  test.each(["A", "AAAA", "TXT", "PTR", "MX", "DS", "SRV", "DNSKEY", "CDS", "NSEC3PARAM"])(
    "%s is NODATA [DP-100] [DP-102] [DP-117]",
    (type) => {
      for (const zone of zones) expect(ask(`${zone} ${type}`).isNodata).toBe(true);
    },
  );

  test("ANY is SOA and NS [DP-100]", () => {
    const types = ask(`${hosts} ANY`).message.answers.map((rr) => rr.type);
    expect(types.sort()).toEqual([2, 6]);
  });
});

test.each(["SOA", "NS", "DS"])("%s below the apex: NODATA with the apex's SOA [DP-101]", (type) => {
  for (const zone of zones) {
    const asked = ask(`_ipp._tcp.${zone} ${type}`);
    expect(asked.isNodata).toBe(true);
    expect(asked.authorities[0]?.startsWith(`${zone}. 10 IN SOA`)).toBe(true);
  }
});

describe("metadata names", () => {
  const names = [
    "_dns-llq._udp",
    "_dns-llq._tcp",
    "_dns-llq-tls._tcp",
    "_dns-push-tls._tcp",
    "_dns-update._udp",
    "_dns-update._tcp",
    "_dns-update-tls._tcp",
  ];
  test.each(names)(
    "%s is NODATA in every zone while it is not offered [DP-103] [DP-104] [DP-105] [DP-106]",
    (name) => {
      for (const zone of zones) {
        for (const type of ["SRV", "TXT", "A"])
          expect(ask(`${name}.${zone} ${type}`).isNodata).toBe(true);
      }
    },
  );

  test("what is offered has an SRV with its port, updates never [DP-103] [DP-104] [DP-105]", () => {
    const offers = new Map(names.map((name) => [name, 853]));
    world({ proxy: { offers } });
    expect(ask(`_dns-push-tls._tcp.${rich} SRV`).answers).toEqual([
      `_dns-push-tls._tcp.${rich}. 10 IN SRV 0 0 853 px.example.net.`,
    ]);
    expect(ask(`_dns-llq._udp.${rich} SRV`).answers).toHaveLength(1);
    expect(ask(`_dns-update-tls._tcp.${rich} SRV`).isNodata).toBe(true);
  });
});

describe("domain enumeration", () => {
  const base4 = `0.${reverse4}`;
  const base6 = `${"0.".repeat(16)}${reverse6}`;

  test.each([rich, hosts, base4, base6])("below %s [DP-20] [DP-21] [DP-22] [DP-24]", (domain) => {
    world();
    for (const kind of ["b", "lb", "db"]) {
      expect(ask(`${kind}._dns-sd._udp.${domain} PTR`).answers).toEqual([
        `${kind}._dns-sd._udp.${domain}. 10 IN PTR ${rich}.`,
      ]);
    }
    for (const kind of ["r", "dr"])
      expect(ask(`${kind}._dns-sd._udp.${domain} PTR`).isNodata).toBe(true);
  });

  test("at another address of the zone it is NODATA [DP-21]", () => {
    expect(ask(`lb._dns-sd._udp.7.${reverse4} PTR`).isNodata).toBe(true);
  });

  test("`browse` replaces the lists, for some clients others [DP-20] [DP-24]", () => {
    const one = [parseName("one.example")];
    const two = [parseName("two.example")];
    world({
      proxy: {
        browse: { lb: one, r: one },
        browseFor: [{ client: addressList("10.5.0.0/16"), lists: { lb: two } }],
      },
    });
    const lb = (client: string) => ask(`lb._dns-sd._udp.${rich} PTR`, { client }).answers[0];
    expect(lb("192.0.2.1")).toMatch(/ PTR one\.example\.$/);
    expect(lb("10.5.1.1")).toMatch(/ PTR two\.example\.$/);
    expect(lb("192.0.2.9")).toMatch(/ PTR one\.example\.$/);
    expect(ask(`r._dns-sd._udp.${rich} PTR`).answers).toHaveLength(1);
  });

  test("200 domains leave whole over TCP [DP-25]", () => {
    const long = "x".repeat(60);
    const lb = Array.from({ length: 200 }, (_, n) =>
      parseName(`${n}.${long}.${long}.${long}.example`),
    );
    const opened = world({ proxy: { browse: { lb } } });
    expect(ask(`lb._dns-sd._udp.${rich} PTR`).message.tc).toBe(true);
    const tcp = opened.connect();
    tcp.ask(`lb._dns-sd._udp.${rich} PTR`);
    expect(tcp.received[0]?.message.answers).toHaveLength(200);
  });
});

describe("shortcuts", () => {
  test.each([
    `_tcp.${rich} A`,
    `_udp.${rich} PTR`,
    `_sub._http._tcp.${rich} TXT`,
    `_dns-sd._udp.${rich} PTR`,
    `_ipp._tcp.${rich} A`,
    `_ipp._tcp.${hosts} AAAA`,
    `0.${reverse6} A`,
    `0.8.${reverse6} PTR`,
  ])("%s is NODATA [DP-19]", (question) => {
    expect(ask(question).isNodata).toBe(true);
  });
});

describe("static records", () => {
  const records = parseRRs(
    [
      `intranet.${hosts}. 300 A 192.0.2.7`,
      `9.${reverse4}. 300 PTR gate.example.net.`,
      "www.mesh. 300 CNAME web.mesh.",
      "web.mesh. 300 A 192.0.2.8",
    ].join("\n"),
  );
  const setting = { proxy: { records, zones: [parseName("mesh")] } };

  test("stand in front of the link, in reverse zones too [DP-18] [DP-45]", () => {
    world(setting);
    expect(ask(`intranet.${hosts} A`).answers).toEqual([`intranet.${hosts}. 10 IN A 192.0.2.7`]);
    expect(ask(`9.${reverse4} PTR`).answers).toEqual([
      `9.${reverse4}. 10 IN PTR gate.example.net.`,
    ]);
  });

  test("are all there is in a zone of their own", () => {
    world(setting);
    expect(ask("www.mesh A").answers).toEqual([
      "www.mesh. 300 IN CNAME web.mesh.",
      "web.mesh. 300 IN A 192.0.2.8",
    ]);
    expect(ask("nobody.mesh A").rcode).toBe("NXDOMAIN");
  });
});

test("types that are not shown are NODATA, and the link is not asked", () => {
  w = new World();
  w.link("eth0", {
    served: { services: { default: "allow", allow: [], deny: ["_ssh._tcp"] } },
  });
  expect(ask(`_ssh._tcp.${rich} PTR`).isNodata).toBe(true);
  expect(ask(`box._ssh._tcp.${rich} SRV`).isNodata).toBe(true);
});

describe("outside the zones", () => {
  test.each(["www.example.org A", "example.com SOA", `x.x${hosts} A`])(
    "%s is REFUSED, without AA or RA [DP-5] [DP-109]",
    (question) => {
      const { message, rcode } = ask(question, { rd: true });
      expect(rcode).toBe("REFUSED");
      expect([message.aa, message.ra, message.rd]).toEqual([false, false, true]);
      expect(message.answers.length + message.authorities.length).toBe(0);
    },
  );

  test.each([
    "prnt.local A",
    "local SOA",
    "1.2.254.169.in-addr.arpa PTR",
    "1.8.e.f.ip6.arpa PTR",
    "9.e.f.ip6.arpa NS",
    "a.e.f.ip6.arpa PTR",
    "1.b.e.f.ip6.arpa PTR",
  ])("%s is NXDOMAIN [DP-110]", (question) => {
    expect(ask(question).rcode).toBe("NXDOMAIN");
  });
});

describe("who may ask", () => {
  const allow = addressList("!192.0.2.66/32", "192.0.2.0/24");

  test("the others are REFUSED [DP-124]", () => {
    w = new World({ proxy: { allow } });
    w.link("eth0", { served: { allow } });
    expect(ask(`${hosts} SOA`, { client: "192.0.2.1" }).rcode).toBe("NOERROR");
    for (const client of ["192.0.2.66", "198.51.100.1", "2001:db8::1"]) {
      for (const name of [`${hosts} SOA`, `prnt.${hosts} A`, "www.example.org A"]) {
        expect(ask(name, { client }).rcode).toBe("REFUSED");
      }
    }
  });

  test("or not answered at all [DP-124]", () => {
    const opened = new World({ proxy: { allow, refuse: "drop" } });
    w = opened;
    opened.link("eth0", { served: { allow } });
    const client = "198.51.100.1";
    expect(opened.ask(`${hosts} SOA`, { client }).isAnswered).toBe(false);
    expect(opened.askBytes(new Uint8Array(12), { client }).isAnswered).toBe(false);
    expect(opened.ask(`${hosts} SOA`, { client: "192.0.2.1" }).isAnswered).toBe(true);
    expect(opened.counts.of("drops", "query-client")).toBe(2);
  });

  test("a link may have a list of its own [DP-124]", () => {
    w = new World({ proxy: { allow } });
    w.link("eth0", { served: { allow } });
    const own = { service: "two.example", reverse: [parsePrefix("198.51.100.0/24") as Prefix] };
    w.link("eth1", { ...own, served: { allow: addressList("198.51.100.0/24") } });
    expect(ask("two.example SOA", { client: "198.51.100.1" }).rcode).toBe("NOERROR");
    expect(ask("two.example SOA", { client: "192.0.2.1" }).rcode).toBe("REFUSED");
    expect(ask(`${hosts} SOA`, { client: "198.51.100.1" }).rcode).toBe("REFUSED");
  });
});

describe("the message", () => {
  test("class ANY is answered as IN, others are REFUSED [DP-112]", () => {
    expect(ask(`${hosts} SOA`, { class: 255 }).answers[0]).toContain(" IN SOA ");
    expect(ask(`${hosts} TXT`, { class: 3 }).rcode).toBe("REFUSED");
  });

  test("AXFR, NOTIFY, UPDATE [DP-112]", () => {
    expect(ask(`${hosts} AXFR`).rcode).toBe("REFUSED");
    expect(ask(`${hosts} SOA`, { opcode: 4 }).rcode).toBe("NOTIMP");
    expect(ask(`${hosts} SOA`, { opcode: 5 }).rcode).toBe("NOTIMP");
  });

  test("responses and short packets are dropped [DP-112]", () => {
    const opened = world();
    const header = Buffer.from("000180000001000000000000", "hex");
    expect(opened.askBytes(header).isAnswered).toBe(false);
    expect(opened.askBytes(header.subarray(0, 11)).isAnswered).toBe(false);
    expect(opened.counts.of("drops", "query-response")).toBe(1);
    expect(opened.counts.of("drops", "query-short")).toBe(1);
  });

  test("from port 0, to which nothing can be sent: dropped", () => {
    const opened = world();
    expect(opened.ask(`${hosts} SOA`).isAnswered).toBe(true);
    // A ready answer would leave by another way.
    for (const text of [`${hosts} SOA`, `${hosts} NS`, "www.example.org A"]) {
      expect(opened.ask(text, { port: 0 }).isAnswered).toBe(false);
    }
    expect(opened.counts.of("drops", "query-no-port")).toBe(3);
  });

  test("an OPT for an OPT, DO copied, AD clear [DP-113] [DP-117] [EDNS-01] [EDNS-04]", () => {
    world();
    expect(ask(`${hosts} SOA`).message.edns).toBeUndefined();
    const unknown = { code: 100, bytes: new Uint8Array(3) };
    const { message } = ask(`${hosts} SOA`, { edns: { dnssecOk: true, options: [unknown] } });
    expect(message.edns).toMatchObject({ udpSize: 1232, version: 0, dnssecOk: true, options: [] });
    expect(message.ad).toBe(false);
    expect(ask(`${hosts} SOA`, { edns: { version: 1 } }).rcode).toBe("BADVERS");
  });

  test("the LLQ option is ignored while LLQ is off [DP-88]", () => {
    world({ takesLlq: false });
    const llq = { code: 1, bytes: Buffer.from("000100010000000000000000000000000e10", "hex") };
    const { message } = ask(`${hosts} SOA`, { edns: { options: [llq] } });
    expect(message.answers).toHaveLength(1);
    expect(message.edns?.options).toEqual([]);
  });

  test("NSID if it is asked for and configured", () => {
    world({ proxy: { nsid: Buffer.from("px1") } });
    const nsid = { code: 3, bytes: new Uint8Array(0) };
    const asked = ask(`${hosts} SOA`, { edns: { options: [nsid] } });
    expect(asked.message.edns?.options).toEqual([
      { code: 3, bytes: Uint8Array.from(Buffer.from("px1")) },
    ]);
    expect(ask(`${hosts} SOA`, { edns: {} }).message.edns?.options).toEqual([]);
  });

  test("the question is echoed byte for byte, answered from memory or not [DP-69] [DP-111]", () => {
    world();
    for (const name of ["bLdG-1.ExAmPlE.cOm", "BLDG-1.example.com", "bLdG-1.ExAmPlE.cOm"]) {
      const asked = ask(`${name} SOA`, { rd: true, id: 0xbeef });
      const end = asked.bytes.length;
      const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");
      expect(hex(asked.reply?.subarray(0, 4))).toBe("beef8500");
      expect(hex(asked.reply?.subarray(12, end))).toBe(hex(asked.bytes.subarray(12)));
      // The owner is a pointer to it.
      expect(hex(asked.reply?.subarray(end, end + 2))).toBe("c00c");
    }
  });
});
