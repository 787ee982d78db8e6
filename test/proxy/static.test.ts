// Static records: in front of a link, and as a zone of their own.

import { describe, expect, test } from "vitest";
import type { ProxyOptions } from "../../src/proxy/options.js";
import { parseName } from "../../src/wire/name.js";
import {
  ldh,
  lines,
  linkOf,
  listOf,
  local,
  names,
  optionsOf,
  reverse4,
  rich,
  rrs,
  text,
  told,
} from "./floor.js";

interface Row {
  readonly asked: string;
  readonly want: string | string[];
}

const soa = (apex: string) =>
  `${apex} 10 SOA px.example.net. hostmaster.example.net. 0 7200 3600 86400 10`;

function run(options: ProxyOptions, asked: string) {
  return told(local({ options }, asked));
}

const as = (want: string | string[]) => (typeof want === "string" ? want : lines(...want));

const table = (...rows: [string, string | string[]][]): Row[] =>
  rows.map(([asked, want]) => ({ asked, want }));

describe("static records", () => {
  const options = optionsOf({
    links: [
      linkOf(),
      linkOf({
        link: "net2",
        service: parseName("f2.example.com."),
        host: parseName("f2.example.com."),
        reverse: [],
      }),
    ],
    records: rrs(
      `intranet.${ldh} 300 A 192.0.2.7`,
      `Intranet.${ldh} 4 A 192.0.2.8`,
      `${ldh} 300 A 192.0.2.9`,
      `9.${reverse4} 300 PTR static.${ldh}`,
      `www.${ldh} 300 CNAME intranet.${ldh}`,
      `live.${ldh} 300 CNAME prnt.${ldh}`,
      `loop.${ldh} 300 CNAME pool.${ldh}`,
      `pool.${ldh} 300 CNAME loop.${ldh}`,
      `_http._tcp.${rich} 300 PTR Old._http._tcp.${rich}`,
      `Old._http._tcp.${rich} 300 SRV 0 0 80 intranet.${ldh}`,
      `Old._http._tcp.${rich} 300 TXT "path=/"`,
      `_tcp.${rich} 300 TXT "on purpose"`,
    ),
  });
  const addresses = [`intranet.${ldh} 4 A 192.0.2.7`, `intranet.${ldh} 4 A 192.0.2.8`];

  test.each(
    table(
      [`intranet.${ldh} A`, addresses],
      [`INTRANET.${ldh} A`, addresses.map((line) => line.replace("intranet", "INTRANET"))],
      [`9.${reverse4} PTR`, [`9.${reverse4} 10 PTR static.${ldh}`]],
      [`${ldh} A`, [`${ldh} 10 A 192.0.2.9`]],
      [`_tcp.${rich} TXT`, [`_tcp.${rich} 10 TXT "on purpose"`]],
      [`www.${ldh} A`, [`www.${ldh} 10 CNAME intranet.${ldh}`, ...addresses]],
      [`www.${ldh} CNAME`, [`www.${ldh} 10 CNAME intranet.${ldh}`]],
      [`live.${ldh} A`, [`live.${ldh} 10 CNAME prnt.${ldh}`]],
      [`_http._tcp.${rich} PTR`, [`_http._tcp.${rich} 10 PTR Old._http._tcp.${rich}`]],
    ),
  )("[DP-18] [DP-45] answered at once: $asked", ({ asked, want }) => {
    expect(run(options, asked)).toEqual(as(want));
  });

  test.each(["AAAA", "HTTPS", "TXT"])(
    "[DP-18] a host of the operator's own has nothing else: %s is NODATA",
    (type) => {
      expect(run(options, `intranet.${ldh} ${type}`)).toBe(`NODATA ${ldh}`);
    },
  );

  test.each([
    `9.${reverse4} TXT`,
    `Old._http._tcp.${rich} HINFO`,
    `Old._http._tcp.${rich} ANY`,
    `8.${reverse4} PTR`,
  ])("[DP-18] other names and types are the link's: %s", (asked) => {
    expect(run(options, asked)).toBe("link");
  });

  test("[DP-3] a name in one link's zone says nothing about another's", () => {
    expect(run(options, "intranet.f2.example.com. A")).toBe("link");
  });

  test("[DP-58] an NSEC of a static host", () => {
    expect(run(options, `intranet.${ldh} NSEC`)).toEqual(
      lines(`intranet.${ldh} 4 NSEC \\000.intranet.${ldh} A NSEC`),
    );
  });

  test("CNAMEs in a circle end", () => {
    expect(run(options, `loop.${ldh} A`)).toEqual([
      `NODATA ${ldh}`,
      ...lines(`loop.${ldh} 10 CNAME pool.${ldh}`, `pool.${ldh} 10 CNAME loop.${ldh}`),
    ]);
  });

  test("[DP-77] what a client would ask next goes along", () => {
    const answer = local({ options }, `_http._tcp.${rich} PTR`)!;
    expect(text(answer.additionals)).toEqual(
      lines(
        `Old._http._tcp.${rich} 10 SRV 0 0 80 intranet.${ldh}`,
        `Old._http._tcp.${rich} 10 TXT "path=/"`,
        ...addresses,
      ),
    );
  });
});

describe("a zone of records", () => {
  const options = optionsOf({
    links: [linkOf({ service: parseName("a.b.mesh."), host: parseName("a.b.mesh."), reverse: [] })],
    zones: names("mesh.", "laptop."),
    records: rrs(
      "nas.mesh. 300 A 10.9.9.9",
      "Web.nas.mesh. 300 CNAME NAS.mesh.",
      "gone.mesh. 300 CNAME nowhere.mesh.",
      "deep.er.mesh. 300 TXT x",
      "laptop. 300 A 10.9.9.10",
    ),
  });

  test.each(
    table(
      ["NAS.Mesh. A", ["NAS.Mesh. 300 A 10.9.9.9"]],
      ["nas.mesh. ANY", ["nas.mesh. 300 A 10.9.9.9"]],
      ["nas.mesh. AAAA", "NODATA mesh."],
      ["nas.mesh. SOA", "NODATA mesh."],
      ["web.nas.mesh. A", ["web.nas.mesh. 300 CNAME NAS.mesh.", "nas.mesh. 300 A 10.9.9.9"]],
      ["mesh. SOA", [soa("mesh.")]],
      ["mesh. DS", "NODATA mesh."],
      ["laptop. A", ["laptop. 300 A 10.9.9.10"]],
      ["er.mesh. A", "NODATA mesh."],
      ["other.mesh. A", "NXDOMAIN mesh."],
      ["below.nas.mesh. A", "NXDOMAIN mesh."],
      ["other.mesh. SOA", "NXDOMAIN mesh."],
      ["_dns-push-tls._tcp.mesh. SRV", "NXDOMAIN mesh."],
      ["b._dns-sd._udp.mesh. PTR", "NXDOMAIN mesh."],
      ["x.laptop. A", "NXDOMAIN laptop."],
    ),
  )("is an ordinary zone: $asked", ({ asked, want }) => {
    expect(run(options, asked)).toEqual(as(want));
  });

  test("a CNAME to a name that does not exist says so", () => {
    expect(run(options, "gone.mesh. A")).toEqual([
      "NXDOMAIN mesh.",
      ...lines("gone.mesh. 300 CNAME nowhere.mesh."),
    ]);
  });

  test("a CNAME to an apex without records leads somewhere", () => {
    const empty = optionsOf({
      zones: names("mesh.", "empty."),
      records: rrs("to.mesh. 300 CNAME empty."),
    });
    expect(run(empty, "to.mesh. A")).toEqual([
      "NODATA empty.",
      ...lines("to.mesh. 300 CNAME empty."),
    ]);
  });

  test("[DP-108] the SOA is that of the zone in which the last name has nothing", () => {
    const two = optionsOf({
      zones: names("mesh.", "laptop."),
      records: rrs(
        "a.mesh. 300 CNAME nobody.laptop.",
        "b.mesh. 300 CNAME laptop.",
        "laptop. 300 A 10.9.9.10",
        `c.mesh. 300 CNAME box.${ldh}`,
        `box.${ldh} 300 A 10.9.9.11`,
      ),
    });
    const first = (asked: string) => run(two, asked)[0];
    expect(first("a.mesh. A")).toBe("NXDOMAIN laptop.");
    expect(first("b.mesh. AAAA")).toBe("NODATA laptop.");
    expect(first("c.mesh. AAAA")).toBe(`NODATA ${ldh}`);
  });

  test("[DP-124] a CNAME is not followed to where the client may not ask", () => {
    const two = optionsOf({
      links: [linkOf({ allow: listOf("10.0.0.0/8") })],
      zones: names("mesh."),
      records: rrs(
        `c.mesh. 300 CNAME box.${ldh}`,
        `_x._tcp.mesh. 300 SRV 0 0 1 box.${ldh}`,
        `box.${ldh} 300 A 10.9.9.11`,
      ),
    });
    const asked = (client: string, line: string) => local({ options: two, client }, line)!;
    const inside = asked("10.0.0.1", "c.mesh. A");
    expect(text(inside.answers)).toHaveLength(2);
    const outside = asked("192.0.2.1", "c.mesh. A");
    expect(text(outside.answers)).toEqual(lines(`c.mesh. 300 CNAME box.${ldh}`));
    expect(outside.authorities).toEqual([]);
    expect(asked("192.0.2.1", "c.mesh. AAAA").authorities).toEqual([]);
    expect(asked("10.0.0.1", "_x._tcp.mesh. SRV").additionals).toHaveLength(1);
    expect(asked("192.0.2.1", "_x._tcp.mesh. SRV").additionals).toEqual([]);
  });

  test("[DP-107] the way to a link's zone below it exists", () => {
    expect(run(options, "b.mesh. A")).toBe("NODATA mesh.");
    expect(run(options, "x.a.b.mesh. A")).toBe("link");
  });

  test("browse lists hold here as well", () => {
    const browsing = optionsOf({ zones: names("mesh."), browse: { lb: names("f1.mesh.") } });
    expect(run(browsing, "lb._dns-sd._udp.mesh. PTR")).toEqual(
      lines("lb._dns-sd._udp.mesh. 10 PTR f1.mesh."),
    );
    expect(run(browsing, "db._dns-sd._udp.mesh. PTR")).toBe("NXDOMAIN mesh.");
  });
});
