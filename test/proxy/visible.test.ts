// What a client sees of a question: known, denied, followed, merged, added.

import { describe, expect, test } from "vitest";
import type { ServedLink } from "../../src/proxy/options.js";
import { linkQuestions } from "../../src/proxy/visible.js";
import type { LinkZone } from "../../src/proxy/zones.js";
import { typeName } from "../../src/wire/codes.js";
import { formatName, parseName } from "../../src/wire/name.js";
import {
  ldh,
  lines,
  linkOf,
  look,
  names,
  optionsOf,
  question,
  reverse4,
  rich,
  rrs,
  zoneOf,
} from "./floor.js";

const withLink = (over: Partial<ServedLink>) => optionsOf({ links: [linkOf(over)] });

/** The questions put to the link, as text. */
function asks(asked: string, options = optionsOf()): string[] {
  const { name } = question(asked);
  const zone = zoneOf(options, formatName(name)) as LinkZone;
  return linkQuestions(zone, question(asked)).map(
    (one) => `${formatName(one.name)} ${typeName(one.type)}`,
  );
}

describe("what the link is asked", () => {
  test.each([
    { asked: `_ipp._tcp.${rich} PTR`, want: ["_ipp._tcp.local. PTR"] },
    { asked: `2.${reverse4} PTR`, want: [`2.${reverse4} PTR`] },
    { asked: `prnt.${ldh} TYPE65280`, want: ["prnt.local. TYPE65280"] },
  ])("[DP-6] [DP-15] $asked", ({ asked, want }) => {
    expect(asks(asked)).toEqual(want);
  });

  test.each(["NSEC", "NSEC3", "ANY"])("[DP-58] [DP-61] [DP-65] %s is asked as ANY", (type) => {
    expect(asks(`prnt.${ldh} ${type}`)).toEqual(["prnt.local. ANY"]);
  });
});

describe("knowing", () => {
  const a = "prnt.local. 120 A 203.0.113.2";
  test("a live record is known", () => {
    expect(look({ announced: [a] }, `prnt.${ldh} A`)).toMatchObject({ known: true, denied: false });
  });

  test("nothing heard is neither known nor denied", () => {
    expect(look({ announced: [a] }, `prnt.${ldh} AAAA`)).toMatchObject({
      rrs: [],
      known: false,
      denied: false,
    });
  });

  test("a denial of the type", () => {
    const announced = [a, "- prnt.local. AAAA TXT"];
    expect(look({ announced }, `prnt.${ldh} AAAA`)).toMatchObject({
      rrs: [],
      known: false,
      denied: true,
    });
    expect(look({ announced }, `prnt.${ldh} HINFO`).denied).toBe(false);
    expect(look({ announced }, `prnt.${ldh} A`).denied).toBe(false);
  });

  test("[DP-57] all filtered out is known all the same", () => {
    const announced = ["prnt.local. 120 A 169.254.1.1"];
    expect(look({ announced }, `prnt.${ldh} A`)).toMatchObject({ rrs: [], known: true });
  });

  test("[DP-101] delegation records of a device never leave the link", () => {
    const announced = [
      a,
      "prnt.local. 120 NS evil.example.",
      "prnt.local. 120 SOA a. b. 1 2 3 4 5",
      "prnt.local. 120 DS 1 8 2 00",
    ];
    expect(look({ announced }, `prnt.${ldh} ANY`).text).toEqual(
      lines(`prnt.${ldh} 120 A 203.0.113.2`),
    );
  });

  test("[DP-119] the other link's host of the same name is another one", () => {
    const options = optionsOf({
      links: [
        linkOf(),
        linkOf({ link: "net2", service: parseName("f2.test."), host: parseName("f2.test.") }),
      ],
    });
    const other = ["prnt.local. 120 A 192.0.2.2"];
    expect(look({ options, announced: [a] }, `prnt.${ldh} A`).text).toEqual(
      lines(`prnt.${ldh} 120 A 203.0.113.2`),
    );
    expect(look({ options, announced: other }, "prnt.f2.test. A").text).toEqual(
      lines("prnt.f2.test. 120 A 192.0.2.2"),
    );
  });

  test("[DP-65] ANY sees every type", () => {
    const announced = [
      "i._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.",
      'i._ipp._tcp.local. 4500 TXT "a"',
    ];
    expect(look({ announced }, `i._ipp._tcp.${rich} ANY`).text).toEqual(
      lines(`i._ipp._tcp.${rich} 120 SRV 0 0 631 prnt.${ldh}`, `i._ipp._tcp.${rich} 4500 TXT "a"`),
    );
  });

  test("[DP-76] an empty TXT is a record", () => {
    const announced = ['i._ipp._tcp.local. 4500 TXT ""'];
    expect(look({ announced }, `i._ipp._tcp.${rich} TXT`).rrs).toHaveLength(1);
  });
});

describe("browsing", () => {
  test("[DP-72] one PTR per instance", () => {
    const announced = ["a", "b", "c"].map(
      (one) => `_ipp._tcp.local. 4500 PTR ${one}._ipp._tcp.local.`,
    );
    expect(look({ announced }, `_ipp._tcp.${rich} PTR`).text).toEqual(
      lines(...["a", "b", "c"].map((one) => `_ipp._tcp.${rich} 4500 PTR ${one}._ipp._tcp.${rich}`)),
    );
  });

  test("[DP-73] a subtype leads to the plain instance name", () => {
    const announced = ["_printer._sub._http._tcp.local. 4500 PTR i._http._tcp.local."];
    expect(look({ announced }, `_printer._sub._http._tcp.${rich} PTR`).text).toEqual(
      lines(`_printer._sub._http._tcp.${rich} 4500 PTR i._http._tcp.${rich}`),
    );
  });

  const types = ["_http._tcp", "_ssh._tcp", "_ipp._tcp"].map(
    (type) => `_services._dns-sd._udp.local. 4500 PTR ${type}.local.`,
  );

  test("[DP-74] the list of types", () => {
    expect(look({ announced: types }, `_services._dns-sd._udp.${rich} PTR`).text).toHaveLength(3);
  });

  test("the list of types leaves out what is not shown", () => {
    const services = { allow: [], deny: ["_SSH.*"], default: "allow" } as const;
    const seen = look(
      { announced: types, options: withLink({ services }) },
      `_services._dns-sd._udp.${rich} PTR`,
    );
    expect(seen.text).toEqual(
      lines(
        `_services._dns-sd._udp.${rich} 4500 PTR _http._tcp.${rich}`,
        `_services._dns-sd._udp.${rich} 4500 PTR _ipp._tcp.${rich}`,
      ),
    );
  });

  test("no detour to what is not shown: foreign PTR, alias, question itself", () => {
    const options = withLink({ services: { allow: ["_ipp._tcp"], deny: [], default: "deny" } });
    const announced = [
      "_ipp._tcp.local. 4500 PTR i._ssh._tcp.local.",
      "door.local. 120 CNAME i._ssh._tcp.local.",
      "i._ssh._tcp.local. 120 SRV 0 0 22 prnt.local.",
    ];
    for (const asked of [`_ipp._tcp.${rich} PTR`, `door.${rich} SRV`, `i._ssh._tcp.${rich} SRV`]) {
      expect(look({ announced, options }, asked).text).toEqual([]);
    }
  });
});

describe("CNAME", () => {
  const cname = "thing.local. 120 CNAME prnt.local.";
  const answer = `thing.${ldh} 120 CNAME prnt.${ldh}`;

  test.each(["A", "AAAA", "TXT", "TYPE65280"])("[DP-44] answers any type: %s", (type) => {
    const seen = look({ announced: [cname] }, `thing.${ldh} ${type}`);
    expect(seen.text).toEqual(lines(answer));
    expect(seen.known).toBe(true);
  });

  test("[DP-44] the target's records go along when they are known", () => {
    const announced = [cname, "prnt.local. 60 A 203.0.113.2"];
    const seen = look({ announced }, `thing.${ldh} A`);
    expect(seen.text).toEqual(lines(answer, `prnt.${ldh} 60 A 203.0.113.2`));
    expect(seen.unresolved).toBeUndefined();
  });

  test("[DP-44] otherwise they are to be asked for", () => {
    const seen = look({ announced: [cname] }, `thing.${ldh} A`);
    expect(seen.unresolved).toEqual({ name: parseName("prnt.local."), type: 1 });
  });

  test("[DP-44] unless the target denies them", () => {
    const seen = look({ announced: [cname, "- prnt.local. AAAA"] }, `thing.${ldh} AAAA`);
    expect(seen).toMatchObject({ text: lines(answer), denied: true });
    expect(seen.unresolved).toBeUndefined();
  });

  test("a target elsewhere is the client's to follow", () => {
    const seen = look({ announced: ["thing.local. 120 CNAME a.example."] }, `thing.${ldh} A`);
    expect(seen.text).toEqual(lines(`thing.${ldh} 120 CNAME a.example.`));
    expect(seen.unresolved).toBeUndefined();
  });

  test("a target with a static address", () => {
    const options = optionsOf({ records: rrs(`prnt.${ldh} 300 A 192.0.2.7`) });
    const seen = look({ announced: [cname], options }, `thing.${rich} A`);
    expect(seen.text).toEqual(
      lines(`thing.${rich} 120 CNAME prnt.${ldh}`, `prnt.${ldh} 300 A 192.0.2.7`),
    );
    // It has no other family, so there is nothing to wait for.
    const other = look({ announced: [cname], options }, `thing.${rich} AAAA`);
    expect(other).toMatchObject({ denied: true, known: true });
    expect(other.unresolved).toBeUndefined();
  });

  test("a name with records of the type is no alias", () => {
    const announced = [cname, "thing.local. 120 A 203.0.113.9"];
    expect(look({ announced }, `thing.${ldh} A`).text).toEqual(
      lines(`thing.${ldh} 120 A 203.0.113.9`),
    );
  });

  test("circles, long chains and two aliases at one name end", () => {
    const circle = ["a.local. 120 CNAME b.local.", "b.local. 120 CNAME a.local."];
    expect(look({ announced: circle }, `a.${ldh} A`).text).toHaveLength(2);
    const itself = ["a.local. 120 CNAME a.local."];
    expect(look({ announced: itself }, `a.${ldh} A`).text).toHaveLength(1);
    const chain = Array.from({ length: 50 }, (_, at) => `c${at}.local. 9 CNAME c${at + 1}.local.`);
    expect(look({ announced: chain }, `c0.${ldh} A`).text).toHaveLength(9);
    const two = [cname, "thing.local. 120 CNAME other.local."];
    expect(look({ announced: two }, `thing.${ldh} A`).text).toEqual(lines(answer));
  });
});

describe("static records beside the link's", () => {
  const options = optionsOf({
    records: rrs(
      `i._ipp._tcp.${rich} 300 TXT "mine"`,
      `nas.${ldh} 300 A 192.0.2.7`,
      `alias.${ldh} 300 CNAME prnt.${ldh}`,
    ),
  });
  const announced = [
    'i._ipp._tcp.local. 4500 TXT "theirs"',
    "i._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.",
    "nas.local. 120 A 203.0.113.9",
    "nas.local. 120 AAAA 2001:db8::9",
    "prnt.local. 120 A 203.0.113.2",
  ];

  test("[DP-18] stand for the type at the name", () => {
    expect(look({ options, announced }, `i._ipp._tcp.${rich} TXT`).text).toEqual(
      lines(`i._ipp._tcp.${rich} 300 TXT "mine"`),
    );
    expect(look({ options, announced }, `i._ipp._tcp.${rich} ANY`).text).toEqual(
      lines(
        `i._ipp._tcp.${rich} 300 TXT "mine"`,
        `i._ipp._tcp.${rich} 120 SRV 0 0 631 prnt.${ldh}`,
      ),
    );
  });

  test("[DP-18] a static address makes the whole name static", () => {
    expect(look({ options, announced }, `nas.${ldh} AAAA`).text).toEqual([]);
    expect(look({ options, announced }, `nas.${ldh} ANY`).text).toEqual(
      lines(`nas.${ldh} 300 A 192.0.2.7`),
    );
  });

  test("a static alias leads to the link's host", () => {
    expect(look({ options, announced }, `alias.${ldh} A`).text).toEqual(
      lines(`alias.${ldh} 300 CNAME prnt.${ldh}`, `prnt.${ldh} 120 A 203.0.113.2`),
    );
  });

  test("are seen even where their type is hidden on the link", () => {
    const hidden = {
      ...options,
      links: [linkOf({ services: { allow: [], deny: ["*"], default: "allow" } })],
    };
    expect(look({ options: hidden, announced }, `i._ipp._tcp.${rich} TXT`).text).toEqual(
      lines(`i._ipp._tcp.${rich} 300 TXT "mine"`),
    );
  });
});

describe("what the operator adds", () => {
  const translate = [
    {
      type: "_ipp._tcp",
      instance: "Old Laser*",
      txt: { URF: "none", air: true, empty: "" },
      subtypes: ["_universal"],
    },
    { type: "_ipp*", txt: {}, subtypes: ["_all", "Größe"] },
  ] as const;
  const options = withLink({ translate });
  const old = "Old\\032Laser\\0324._ipp._tcp";
  const other = "Other._ipp._tcp";
  const ptr = (instance: string) => `_ipp._tcp.local. 4500 PTR ${instance}.local.`;

  test("[DP-78] keys are set in place, without regard to case, or added at the end", () => {
    const announced = [`${old}.local. 4500 TXT "txtvers=1" "urf=W8" "x=1" "URF=2" "\\255\\000"`];
    expect(look({ options, announced }, `${old}.${rich} TXT`).text).toEqual(
      lines(
        `${old}.${rich} 4500 TXT "txtvers=1" "URF=none" "x=1" "URF=2" "\\255\\000" "air" "empty="`,
      ),
    );
  });

  test("[DP-78] an empty TXT gets the keys alone", () => {
    const announced = [`${old}.local. 4500 TXT ""`];
    expect(look({ options, announced }, `${old}.${rich} TXT`).text).toEqual(
      lines(`${old}.${rich} 4500 TXT "URF=none" "air" "empty="`),
    );
  });

  test.each([other, "Old\\032Laser._ipps._tcp", "Old\\032Laser._http._tcp"])(
    "[DP-75] [DP-78] other instances keep their bytes: %s",
    (name) => {
      const announced = [`${name}.local. 4500 TXT "" "urf=W8" ""`];
      expect(look({ options, announced }, `${name}.${rich} TXT`).text).toEqual(
        lines(`${name}.${rich} 4500 TXT "" "urf=W8" ""`),
      );
    },
  );

  test("[DP-75] [DP-78] nothing is added by default", () => {
    const announced = [`${old}.local. 4500 TXT "urf=W8"`];
    expect(look({ announced }, `${old}.${rich} TXT`).text).toEqual(
      lines(`${old}.${rich} 4500 TXT "urf=W8"`),
    );
  });

  test("a subtype lists the instances that are meant, and those that say so", () => {
    const sub = "_universal._sub._ipp._tcp";
    const announced = [ptr(old), ptr(other), `${sub}.local. 4500 PTR New._ipp._tcp.local.`];
    expect(look({ options, announced }, `${sub}.${rich} PTR`).text).toEqual(
      lines(
        `${sub}.${rich} 4500 PTR New._ipp._tcp.${rich}`,
        `${sub}.${rich} 4500 PTR ${old}.${rich}`,
      ),
    );
  });

  test("an instance that says so itself is listed once", () => {
    const sub = "_universal._sub._ipp._tcp";
    const announced = [ptr(old), `${sub}.local. 4500 PTR ${old}.local.`];
    expect(look({ options, announced }, `${sub}.${rich} PTR`).text).toHaveLength(1);
  });

  test("a pattern without an instance means all of the type", () => {
    const sub = "_ALL._sub._ipp._tcp";
    expect(look({ options, announced: [ptr(old), ptr(other)] }, `${sub}.${rich} PTR`).text).toEqual(
      lines(`${sub}.${rich} 4500 PTR ${old}.${rich}`, `${sub}.${rich} 4500 PTR ${other}.${rich}`),
    );
    const utf8 = "größe._sub._ipp._tcp";
    expect(look({ options, announced: [ptr(other)] }, `${utf8}.${rich} PTR`).rrs).toHaveLength(1);
  });

  test("the question for an added subtype is put to the link for the base type as well", () => {
    expect(asks(`_universal._sub._ipp._tcp.${rich} PTR`, options)).toEqual([
      "_universal._sub._ipp._tcp.local. PTR",
      "_ipp._tcp.local. PTR",
    ]);
    expect(asks(`_other._sub._ipp._tcp.${rich} PTR`, options)).toHaveLength(1);
    expect(asks(`_universal._sub.x._ipp._tcp.${rich} PTR`, options)).toHaveLength(1);
    expect(asks(`_universal._sub._http._tcp.${rich} PTR`, options)).toHaveLength(1);
    expect(asks(`_universal._sub._ipp._tcp.${rich} TXT`, options)).toHaveLength(1);
  });

  test("only instances that may be seen are added", () => {
    const announced = [
      ptr(old),
      `${old}.local. 120 SRV 0 0 631 prnt.local.`,
      "prnt.local. 120 A 169.254.1.1",
    ];
    const seen = look({ options, announced }, `_universal._sub._ipp._tcp.${rich} PTR`);
    expect(seen).toMatchObject({ text: [], known: true });
  });
});

test("an alias of the zone sees the same", () => {
  const options = withLink({ aliases: names("floor1.mesh.") });
  const announced = ["prnt.local. 120 A 203.0.113.2"];
  expect(look({ options, announced }, "prnt.floor1.mesh. A").text).toEqual(
    lines("prnt.floor1.mesh. 120 A 203.0.113.2"),
  );
});
