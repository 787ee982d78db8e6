// The floor that the proxy tables stand on: a link `net1` with the zones of the
// specification's test bench, what devices have announced there as zone-file
// text, and the client who asks.

import { type AddressList, parseAddress, parsePrefix } from "../../src/address.js";
import { Counts } from "../../src/counts.js";
import { type LocalAnswer, localAnswer } from "../../src/proxy/local.js";
import type { ProxyOptions, ServedLink } from "../../src/proxy/options.js";
import { tablesOf, type Vantage } from "../../src/proxy/tables.js";
import type { HeardRR, LinkView, Visible } from "../../src/proxy/view.js";
import { visible } from "../../src/proxy/visible.js";
import type { LinkZone, Zone } from "../../src/proxy/zones.js";
import { instant, seconds } from "../../src/time.js";
import { parseType, RRType } from "../../src/wire/codes.js";
import type { Question } from "../../src/wire/message.js";
import { formatName, type Name, parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR, parseRR } from "../../src/wire/text.js";

export const rich = "Building\\0321.example.com.";
export const ldh = "bldg-1.example.com.";
export const reverse4 = "113.0.203.in-addr.arpa.";
export const reverse6 = "8.7.6.5.4.3.2.1.8.b.d.0.1.0.0.2.ip6.arpa.";

export function listOf(...texts: string[]): AddressList {
  return texts.map((text) => ({
    refuse: text.startsWith("!"),
    prefix: parsePrefix(text.replace("!", ""))!,
  }));
}

export const everybody = listOf("0.0.0.0/0", "::/0");

export const names = (...texts: string[]): readonly Name[] => texts.map((text) => parseName(text));

/** Zone-file lines as RRs; blank lines count for nothing. */
export const rrs = (...lines: string[]): readonly RR[] =>
  lines.filter((line) => line.trim() !== "").map((line) => parseRR(line.trim()));

/** RRs as text of one form, whoever wrote them. */
export const text = (list: readonly RR[]): string[] => list.map(formatRR);

/** Lines in the form of `text`. */
export const lines = (...written: string[]): string[] => text(rrs(...written));

export function linkOf(over: Partial<ServedLink> = {}): ServedLink {
  return {
    link: "net1",
    service: parseName(rich),
    host: parseName(ldh),
    aliases: [],
    reverse: [parsePrefix("203.0.113.0/24")!, parsePrefix("2001:db8:1234:5678::/64")!],
    allow: everybody,
    services: { allow: [], deny: [], default: "allow" },
    translate: [],
    wait: seconds(6),
    gather: seconds(0.2),
    ttlSeconds: 10,
    suppress: true,
    networks: [],
    ...over,
  };
}

export function optionsOf(over: Partial<ProxyOptions> = {}): ProxyOptions {
  return {
    hostname: parseName("px.example.net."),
    contact: parseName("hostmaster.example.net."),
    nameservers: [],
    links: [linkOf()],
    records: [],
    zones: [],
    browseFor: [],
    realms: [],
    allow: everybody,
    refuse: "answer",
    rotate: false,
    ...over,
  };
}

/** Everything announced at 0 s; a line starting with "- " is an NSEC: name and denied types. */
export function viewOf(announced: readonly string[]): LinkView {
  const heard: HeardRR[] = [];
  const denied = new Set<string>();
  for (const line of announced) {
    if (line.startsWith("- ")) {
      const [, name = "", ...types] = line.split(" ");
      for (const type of types) denied.add(`${parseName(name).key} ${parseType(type)}`);
      continue;
    }
    const rr = parseRR(line);
    const expiresAt = instant(rr.ttlSeconds * 1000);
    heard.push({ rr, receivedAt: instant(0), expiresAt, isUnique: rr.type !== RRType.PTR });
  }
  return {
    find: (name, type) =>
      heard.filter(
        ({ rr }) => rr.name.key === name.key && (type === RRType.ANY || type === rr.type),
      ),
    denies: (name, type) => denied.has(`${name.key} ${type}`),
  };
}

export function question(line: string): Question {
  const [name = "", type = "A"] = line.split(" ");
  return { name: parseName(name), type: parseType(type)!, class: 1 };
}

/** A client at an address, and the zone of its question. */
export interface Floor {
  readonly options?: ProxyOptions;
  readonly announced?: readonly string[];
  readonly client?: string;
}

export function zoneOf(options: ProxyOptions, name: string): Zone | undefined {
  return tablesOf(options).zones.find(parseName(name));
}

export function vantage(floor: Floor, asked: Question): Vantage {
  const tables = tablesOf(floor.options ?? optionsOf());
  return {
    tables,
    view: viewOf(floor.announced ?? []),
    zone: tables.zones.find(asked.name) as LinkZone,
    client: tables.clients.classify(parseAddress(floor.client ?? "192.0.2.99")!),
    counts: new Counts(),
  };
}

/** What a client sees, with the counts of the look. */
export function look(floor: Floor, line: string): Visible & { text: string[]; counts: Counts } {
  const asked = question(line);
  const at = vantage(floor, asked);
  const seen = visible(at, asked);
  return { ...seen, text: text(seen.rrs.map(({ rr }) => rr)), counts: at.counts };
}

/** What is answered without the link. */
export function local(floor: Floor, line: string): LocalAnswer | undefined {
  const asked = question(line);
  const at = vantage(floor, asked);
  return localAnswer(at.tables, at.zone, asked, at.client);
}

/**
 * A local answer in words: "link" when there is none, `NODATA <apex>` or `NXDOMAIN <apex>`
 * when it is negative with exactly one SOA, else the answers as text.
 */
export function told(answer: LocalAnswer | undefined): string | string[] {
  if (answer === undefined) return "link";
  const { rcode, answers, authorities } = answer;
  if (answers.length > 0 && rcode === 0 && authorities.length === 0) return text(answers);
  const [soa, ...more] = authorities;
  const name = soa?.type === RRType.SOA && more.length === 0 ? formatName(soa.name) : "no SOA";
  const status = rcode === 0 ? "NODATA" : rcode === 3 ? "NXDOMAIN" : `rcode ${rcode}`;
  return answers.length === 0 ? `${status} ${name}` : [`${status} ${name}`, ...text(answers)];
}
