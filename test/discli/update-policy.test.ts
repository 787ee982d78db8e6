// Which rules a configuration comes to, and that no name ends the text that it
// stands in. That servers take the rules, and what they keep out, is shown in
// test/netns/tsig-policy.test.ts.

import { describe, expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import { deniedIn, neverBelow, policyFor } from "../../src/discli/update-policy.js";
import {
  bindText,
  knotText,
  pdnsText,
  policyRemarks,
} from "../../src/discli/update-policy-text.js";
import { isForbidden } from "../../src/update/forbidden.js";
import { displayName, parseName } from "../../src/wire/name.js";
import { eth, settingsOf } from "../config/lua.js";

const host = {
  fqdn: "px.example.com",
  interfaces: [eth("eth0.10", 2, "10.1.0.7/24"), eth("eth0.20", 3, "10.2.0.7/24")],
};
const secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const words = { showsSecrets: false, addresses: [parseAddress("192.0.2.53")!] };

function policies(update: string, zones: readonly string[] = [], names = ["a", "b"]) {
  const entries = names.map((name, at) => {
    const link = at === 0 ? "eth0.10" : "eth0.20";
    return `{ name = '${link}', subdomain = [==[${name}.example.com]==], mode = 'update' },`;
  });
  const key = `key = { name = 'discd', algorithm = 'hmac-sha512', secret = '${secret}' },`;
  const text = `interfaces = { ${entries.join("\n")} }
update = { server = '192.0.2.1', ${key} ${update} }`;
  const { links } = settingsOf(text, host).settings.engine;
  return policyFor(
    links.flatMap(({ published = [] }) => published),
    zones.map((one) => parseName(one)),
  );
}

const shown = (all: ReturnType<typeof policies>) =>
  all.map(({ zone, subdomains, lists, key }) => ({
    zone: displayName(zone),
    key: key === undefined ? "" : displayName(key.name),
    below: subdomains.map(displayName),
    lists: lists.map(displayName),
  }));

const listsAt = (domain: string) =>
  ["b", "lb", "db"].map((kind) => `${kind}._dns-sd._udp.${domain}`);

describe("C1 row 16: rules for", () => {
  test("subdomains that are zones of their own", () => {
    expect(shown(policies(""))).toEqual([
      { zone: "a.example.com", key: "discd", below: ["a.example.com"], lists: [] },
      { zone: "b.example.com", key: "discd", below: ["b.example.com"], lists: [] },
    ]);
  });

  test("one zone around them, with lists", () => {
    const update = "zone = 'example.com', within = { 'example.com' },";
    expect(shown(policies(update))).toEqual([
      {
        zone: "example.com",
        key: "discd",
        below: ["a.example.com", "b.example.com"],
        lists: listsAt("example.com"),
      },
    ]);
  });

  test("lists in reverse zones, whose apex discd.lua need not name", () => {
    const update = "within = { 'example.com', '10.in-addr.arpa' },";
    const zones = (all: readonly string[]) =>
      shown(policies(update, all, ["a"])).map(({ zone, lists }) => [zone, lists.length]);
    expect(zones([])).toEqual([
      ["a.example.com", 0],
      ["example.com", 3],
      ["10.in-addr.arpa", 3],
    ]);
    expect(zones(["0.1.10.in-addr.arpa"])[2]).toEqual(["0.1.10.in-addr.arpa", 3]);
    expect(policyRemarks(policies(update, [], ["a"]))).toHaveLength(2);
  });

  test("keys of single zones", () => {
    const other = `keys = { ['b.example.com'] = { name = 'other', algorithm = 'hmac-sha256', secret = '${secret}' } },`;
    expect(shown(policies(other)).map(({ key }) => key)).toEqual(["discd", "other"]);
    const text = knotText(policies(other), words);
    expect(text.match(/- id: (discd|other)$/gm)).toHaveLength(2);
    expect(text).toContain("algorithm: hmac-sha512");
  });

  test("no key at all: said, and nothing is allowed", () => {
    const all = policies("").map((one) => ({ ...one, key: undefined }));
    expect(policyRemarks(all)[0]).toBe("a.example.com: no key; name one as `update.key`");
    for (const text of [bindText, knotText, pdnsText]) {
      expect(text(all, words)).not.toMatch(/grant|action: update|TSIG-ALLOW/);
    }
  });
});

test("what is denied by name discd never writes anyway", () => {
  const apex = parseName("a.example.com");
  for (const name of deniedIn(apex)) {
    expect(isForbidden(name, apex, new Set()), displayName(name)).toBe(true);
  }
  expect(neverBelow).toContain("wpad");
});

test("secrets are printed only when they are asked for", () => {
  for (const text of [bindText, knotText, pdnsText]) {
    expect(text(policies(""), words)).not.toContain(secret);
    expect(text(policies(""), { ...words, showsSecrets: true })).toContain(secret);
  }
});

test("no name leaves the place where it stands", () => {
  const wild = `x";'} }; $(id) ]] <!-- \\\\010 # //`;
  const all = policies("", [], [wild]);
  const bare = (text: string) => text.split("\n").filter((line) => /id\b.*[$()]|\]\] </.test(line));
  for (const text of [bindText, knotText, pdnsText]) {
    const lines = text(all, words);
    expect(bare(lines)).toEqual([]);
    expect(lines).toContain("x\\034\\059\\039\\125\\032\\125\\059\\032\\036\\040id\\041");
  }
});
