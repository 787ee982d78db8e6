// A delegation in the words of PowerDNS, Windows and Route 53. What the words mean
// is read back by rules written here from each one's manual: POSIX quoting, about_Quoting_Rules
// of PowerShell, "DNS domain name format" and "Quotas" of Route 53. pdnsutil itself, and the
// zone files, are in test/netns/delegation-forms.test.ts.

import { describe, expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import { type Delegation, delegationFor } from "../../src/discli/delegation.js";
import { formed } from "../../src/discli/delegation-forms.js";
import { powershellString } from "../../src/discli/delegation-powershell.js";
import {
  batchCharactersMax,
  batchRecordsMax,
  route53Name,
} from "../../src/discli/delegation-route53.js";
import { shellWord } from "../../src/discli/shell-words.js";
import { RRClass, RRType } from "../../src/wire/codes.js";
import { labelText, nameOf, parseName, under } from "../../src/wire/name.js";
import { eth, settingsOf } from "../config/lua.js";

const origin = parseName("example.com");
const host = {
  fqdn: "px.example.com",
  interfaces: [eth("eth0.10", 2, "203.0.113.7/24"), eth("eth0.20", 3, "10.2.1.7/24")],
};
const addresses = ["192.0.2.53", "2001:db8::53"].map((text) => parseAddress(text)!);
const floors = `
interfaces = {
  { name = 'eth0.10', subdomain = "It's Floor 1.example.com" },
  { name = 'eth0.20', subdomain = 'Größe.example.com' },
}
`;

function delegation(): Delegation {
  const { proxy } = settingsOf(floors, host).settings.engine;
  return delegationFor(proxy, origin, addresses) as Delegation;
}

/** Labels that break out of a string, of a word or of a line, where it is put in carelessly. */
const hostile = [
  "a b",
  "it's",
  'say "hi"',
  "$(touch x)",
  "`touch x`",
  "$env:PATH",
  "a;b|c&d>e",
  "%PATH%!x!",
  "curly’s‘‚‛“”„",
  "Büro 🖨",
  "tab\there",
  "two\nlines",
  "-option",
  "@",
  "*",
  "dotted.label",
  "back\\slash",
  "\u2028\u0085\u202e",
];

const withLabel = (label: string): Delegation => ({
  origin,
  parts: [
    {
      remarks: [],
      rrs: [
        {
          name: under([labelText(label)], origin),
          type: RRType.PTR,
          class: RRClass.IN,
          ttlSeconds: 3600,
          rdata: { kind: "ptr", target: under([labelText(label)], origin) },
        },
      ],
    },
  ],
});

/** Words of a line of commands as a POSIX shell parts them; no expansion is known to it. */
function shellWords(line: string): string[] {
  const words: string[] = [];
  for (const [whole] of line.matchAll(/(?:'[^']*'|\\.|[^\s'\\"$`;|&<>()*?!#~{}[\]])+/g)) {
    words.push(whole.replaceAll(/'([^']*)'|\\(.)/g, "$1$2"));
  }
  expect(line.replaceAll(/'[^']*'|\\./g, "")).toMatch(/^[\w. -]*$/);
  return words;
}

/** Arguments as PowerShell reads them: '…' with doubled quotes, [char]0x…, sums of both. */
function powershellArguments(line: string): string[] {
  const string = "'(?:[^'‘’‚‛]|'')*'";
  const token = new RegExp(`${string}|\\[char\\]0x[0-9a-f]{4}|\\(|\\)|\\+|[\\w:.-]+|\\s+`, "gy");
  const found: string[] = [];
  let sum: string | undefined;
  let end = 0;
  for (const [text] of line.matchAll(token)) {
    end += text.length;
    const value = text.startsWith("'")
      ? text.slice(1, -1).replaceAll("''", "'")
      : text.startsWith("[char]")
        ? String.fromCharCode(Number(text.slice(6)))
        : undefined;
    if (text === "(") sum = "";
    else if (text === ")") {
      found.push(sum ?? "");
      sum = undefined;
    } else if (sum !== undefined) sum += value ?? "";
    else if (text.trim() !== "") found.push(value ?? text);
  }
  expect(end, `all of ${line}`).toBe(line.length);
  return found;
}

/** A name as Route 53 documents it: \ and three octal digits for whatever is unusual. */
const fromRoute53 = (text: string) =>
  nameOf(
    text
      .replace(/\.$/, "")
      .split(".")
      .map((label) =>
        label.replaceAll(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8))),
      ),
  );

test("A1.4 PowerDNS: each set by one command, then the serial", () => {
  const { text, warnings } = formed(delegation(), "powerdns");
  expect(warnings).toEqual([]);
  expect(text.split("\n").filter((line) => /^[^#]/.test(line))).toEqual([
    "pdnsutil replace-rrset 'example.com.' 'It'\\''s\\032Floor\\0321' NS 3600 'px.example.com.'",
    "pdnsutil replace-rrset 'example.com.' 'Gr\\195\\182\\195\\159e' NS 3600 'px.example.com.'",
    "pdnsutil replace-rrset 'example.com.' 'px' A 3600 '192.0.2.53'",
    "pdnsutil replace-rrset 'example.com.' 'px' AAAA 3600 '2001:db8::53'",
    "pdnsutil replace-rrset 'example.com.' 'b._dns-sd._udp' PTR 3600 'example.com.' " +
      "'It'\\''s\\032Floor\\0321.example.com.' 'Gr\\195\\182\\195\\159e.example.com.'",
    "pdnsutil replace-rrset 'example.com.' 'lb._dns-sd._udp' PTR 3600 " +
      "'It'\\''s\\032Floor\\0321.example.com.' 'Gr\\195\\182\\195\\159e.example.com.'",
    "pdnsutil replace-rrset 'example.com.' 'db._dns-sd._udp' PTR 3600 'example.com.'",
    "pdnsutil increase-serial 'example.com.'",
    "pdnsutil rectify-zone 'example.com.'",
  ]);
});

test("PowerDNS: a word on names that it takes for malformed", () => {
  const said = (label: string) =>
    formed(withLabel(label), "powerdns").text.includes("8bit-dns=yes");
  expect(["Floor 1", "floor-1", "_x:y/z@*"].map(said)).toEqual([false, false, false]);
  expect(["it's", "Büro", "$(x)"].map(said)).toEqual([true, true, true]);
});

test("A1.4 Knot DNS: nothing as it is but letters, digits and hyphens", () => {
  const { text } = formed(delegation(), "knot");
  expect(text).toContain("\nIt\\039s\\032Floor\\0321\tIN NS\tpx.example.com.\n");
  expect(text).toContain("\nb._dns-sd._udp\tIN PTR\tGr\\195\\182\\195\\159e\n");
});

test("A1.4 Windows: one command a record, in ASCII", () => {
  const { text, warnings } = formed(delegation(), "powershell");
  expect(warnings).toEqual([]);
  expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  const lines = text.split("\n").filter((line) => /^[^#]/.test(line));
  const head = "Add-DnsServerResourceRecord -ZoneName 'example.com' -Name";
  expect(lines.slice(0, 5)).toEqual([
    `${head} 'It''s Floor 1' -NS -NameServer 'px.example.com.' -TimeToLive 01:00:00`,
    `${head} ('Gr'+[char]0x00f6+[char]0x00df+'e') -NS -NameServer 'px.example.com.' -TimeToLive 01:00:00`,
    `${head} 'px' -A -IPv4Address '192.0.2.53' -TimeToLive 01:00:00`,
    `${head} 'px' -AAAA -IPv6Address '2001:db8::53' -TimeToLive 01:00:00`,
    `${head} 'b._dns-sd._udp' -Ptr -PtrDomainName 'example.com.' -TimeToLive 01:00:00`,
  ]);
  expect(lines.map((line) => powershellArguments(line)[4])).toEqual(
    ["It's Floor 1", "Größe", "px", "px"].concat(
      ["b", "b", "b", "lb", "lb", "db"].map((kind) => `${kind}._dns-sd._udp`),
    ),
  );
});

test("A1.4 Route 53: a change batch, escapes in octal", () => {
  const { text, warnings } = formed(delegation(), "route53");
  expect(warnings).toEqual([]);
  const batch = JSON.parse(text);
  expect(Object.keys(batch)).toEqual(["Comment", "Changes"]);
  expect(batch.Changes[0]).toEqual({
    Action: "UPSERT",
    ResourceRecordSet: {
      Name: "It\\047s\\040Floor\\0401.example.com.",
      Type: "NS",
      TTL: 3600,
      ResourceRecords: [{ Value: "px.example.com." }],
    },
  });
  const names = batch.Changes.map(
    ({
      ResourceRecordSet: { Name, Type },
    }: {
      ResourceRecordSet: { Name: string; Type: string };
    }) => `${Type} ${Name}`,
  );
  expect(names).toEqual([
    "NS It\\047s\\040Floor\\0401.example.com.",
    "NS Gr\\303\\266\\303\\237e.example.com.",
    "A px.example.com.",
    "AAAA px.example.com.",
    "PTR b._dns-sd._udp.example.com.",
    "PTR lb._dns-sd._udp.example.com.",
    "PTR db._dns-sd._udp.example.com.",
  ]);
  expect(batch.Changes[4].ResourceRecordSet.ResourceRecords).toEqual([
    { Value: "example.com." },
    { Value: "It\\047s\\040Floor\\0401.example.com." },
    { Value: "Gr\\303\\266\\303\\237e.example.com." },
  ]);
});

describe.each(hostile.map((label) => [JSON.stringify(label), label] as const))(
  "a label %s",
  (_, label) => {
    test("shell: words that nothing is expanded in", () => {
      const lines = formed(withLabel(label), "powerdns").text.split("\n");
      const commands = lines.filter((line) => line !== "" && !line.startsWith("#"));
      expect(commands).toHaveLength(3);
      const [program, verb, zone, owner = "", type, ttl, data = ""] = shellWords(commands[0]!);
      expect([program, verb, zone, type, ttl]).toEqual([
        "pdnsutil",
        "replace-rrset",
        "example.com.",
        "PTR",
        "3600",
      ]);
      expect(owner).not.toMatch(/^-/);
      expect(parseName(`${owner}.example.com`).labels[0]).toBe(labelText(label));
      expect(parseName(data).labels[0]).toBe(labelText(label));
    });

    test("PowerShell: the very text, or a word why not", () => {
      const { text, warnings } = formed(withLabel(label), "powershell");
      const line = text.split("\n").find((one) => one.startsWith("Add-"));
      if (/[.\\\t\n\u0000-\u001f]/.test(label)) {
        expect(line).toBeUndefined();
        expect(warnings[0]).toMatch(/^no command for PTR of .*give the subdomain another name$/);
        return;
      }
      expect(warnings).toEqual([]);
      expect(text).toMatch(/^[\x20-\x7e\n]*$/);
      const read = powershellArguments(line ?? "");
      expect(read[4]).toBe(label);
      expect(read[7]).toBe(`${label}.example.com.`);
    });

    test("Route 53: octal, and back", () => {
      const [{ ResourceRecordSet: set }] = JSON.parse(formed(withLabel(label), "route53").text)
        .Changes as [{ ResourceRecordSet: { Name: string; ResourceRecords: { Value: string }[] } }];
      expect(set.Name).toMatch(/^[A-Za-z0-9_.\\-]+$/);
      expect(fromRoute53(set.Name).labels[0]).toBe(labelText(label));
      expect(fromRoute53(set.ResourceRecords[0]!.Value).labels[0]).toBe(labelText(label));
    });
  },
);

test("strings of PowerShell", () => {
  expect(powershellString("plain")).toBe("'plain'");
  expect(powershellString("")).toBe("''");
  expect(powershellString("ü")).toBe("(''+[char]0x00fc)");
  expect(powershellString("a'’")).toBe("('a'''+[char]0x2019)");
});

test("words of a shell", () => expect(shellWord("a'b$(c)")).toBe("'a'\\''b$(c)'"));

test("names of Route 53", () => {
  expect(route53Name(parseName("ex*mple.com"))).toBe("ex\\052mple.com.");
  expect(route53Name(parseName("a\\.b.example"))).toBe("a\\056b.example.");
  expect(route53Name(parseName("."))).toBe(".");
});

describe("batches of Route 53: UPSERT counts twice of 1000 records and 32,000 characters", () => {
  const rr = (label: string, target: string) => {
    const rdata = { kind: "ns" as const, target: parseName(target) };
    return {
      name: under([labelText(label)], origin),
      type: RRType.NS,
      class: RRClass.IN,
      ttlSeconds: 3600,
      rdata,
    };
  };
  const many = (count: number, target: string) => ({
    origin,
    parts: [{ remarks: [], rrs: Array.from({ length: count }, (_, i) => rr(`floor${i}`, target)) }],
  });
  const sizes = (text: string) =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).Changes.length as number);

  test("500 records are one batch, 501 are two", () => {
    expect(batchRecordsMax).toBe(500);
    const one = formed(many(500, "p.example"), "route53");
    expect(JSON.parse(one.text).Changes).toHaveLength(500);
    expect(one.warnings).toEqual([]);
    const two = formed(many(501, "p.example"), "route53");
    expect(sizes(two.text)).toEqual([500, 1]);
    expect(two.warnings).toEqual(["2 change batches, a line each: split -l 1 makes files of them"]);
  });

  test("16,000 characters of values are one batch", () => {
    const target = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(57)}.`;
    expect(target).toHaveLength(250);
    expect(batchCharactersMax / 250).toBe(64);
    expect(JSON.parse(formed(many(64, target), "route53").text).Changes).toHaveLength(64);
    expect(sizes(formed(many(65, target), "route53").text)).toEqual([64, 1]);
  });

  test("a set that no request can hold is told", () => {
    const rrs = Array.from({ length: 401 }, (_, i) => rr("x", `p${i}.example`));
    const { warnings } = formed({ origin, parts: [{ remarks: [], rrs }] }, "route53");
    expect(warnings[0]).toMatch(/^Route 53 does not take so many NS records of x\.example\.com/);
  });
});
