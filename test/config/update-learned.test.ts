// Names that the DNS has for links in mode 'update', beside written and generated
// ones: when each is used, and for which networks.

import { expect, test } from "vitest";
import { formatPrefix, parsePrefix } from "../../src/address.js";
import type { Host } from "../../src/config/load.js";
import type { LearnedLink, LearnedNetwork } from "../../src/learn/learned.js";
import { displayName, parseName } from "../../src/wire/name.js";
import { host, linesOf, load } from "./lua.js";
import { file, key, unnamed } from "./update-files.js";

const record = parseName("lb._dns-sd._udp.0.0.1.10.in-addr.arpa");
const [four, six] = ["10.1.0.0/24", "2001:db8:1::/64"];

/** `10.1.0.0/24 floor1.campus.example`, `… -` for nothing, `… ?` for nobody knows. */
function link(...texts: string[]): LearnedLink {
  const networks = texts.map((text): LearnedNetwork => {
    const [prefix = "", zone = "-"] = text.split(" ");
    const network = parsePrefix(prefix) as NonNullable<ReturnType<typeof parsePrefix>>;
    if (zone === "-" || zone === "?") return { network, hasEnded: zone === "-" };
    return { network, hasEnded: true, name: { zone: parseName(zone), record } };
  });
  const name = networks.find((one) => one.name !== undefined)?.name;
  const hasEnded = networks.every((one) => one.hasEnded);
  return { link: "eth0.10", hasEnded, ...(name === undefined ? {} : { name }), networks };
}

/** Without links: not even the first search has ended. */
function planned(text: string, ...learned: LearnedLink[]) {
  const judged = load(text, { ...host, learned } as Host & typeof host);
  if ("problems" in judged) throw new Error(linesOf(judged).join("\n"));
  const zones = judged.settings.engine.links.flatMap(({ published = [] }) => published);
  const names = zones.map(({ target, source, domain, subnet, networks }) =>
    [
      displayName(target.subdomain),
      source,
      domain === undefined ? "-" : displayName(domain),
      subnet === undefined ? "-" : formatPrefix(subnet),
      networks.map(formatPrefix).join(" ") || "-",
    ].join(" | "),
  );
  return { names, lines: linesOf(judged), subjects: judged.settings.search.subjects };
}

const campus = unnamed("within = 'campus.example'");
const perSubnet = unnamed("within = 'campus.example'", "per_subnet = true");
const generated = `0a010000.campus.example | generated | campus.example | - | ${four} ${six}`;

test("[UP-6] a learned name, of whichever network, and no list below its networks", () => {
  const learned = "floor1.campus.example | ptr | campus.example | - | -";
  expect(planned(campus, link(`${four} floor1.campus.example`, `${six} -`)).names).toEqual([
    learned,
  ]);
  expect(planned(campus, link(`${four} -`, `${six} floor1.campus.example`)).names).toEqual([
    learned,
  ]);
  // One network's record is enough, whatever is the matter with the other.
  const { names, lines } = planned(campus, link(`${four} floor1.campus.example`, `${six} ?`));
  expect(names).toEqual([learned]);
  expect(lines).toEqual([]);
});

test("[UP-6] a generated name only once a search has found nothing", () => {
  expect(planned(campus).names).toEqual([]);
  expect(planned(campus).lines).toEqual([]);
  expect(planned(campus, link(`${four} -`, `${six} ?`)).names).toEqual([]);
  const { names, lines } = planned(campus, link(`${four} -`, `${six} -`));
  expect(names).toEqual([generated]);
  expect(lines).toEqual([
    `discd.lua:2: warning: interfaces[1].subdomain: not set for interface eth0.10, which is published as 0a010000.campus.example; a PTR record at ${displayName(record)} would name it`,
  ]);
});

test("[UP-7] a list that we, or another proxy, have made of a generated name is no source", () => {
  const own = link(`${four} 0a010000.campus.example`, `${six} 0A010000.campus.example`);
  expect(planned(campus, own).names).toEqual([generated]);
  // Made when `domain` was another: it follows the file, and the list follows it.
  const old = link(`${four} 0a010000.old.example`, `${six} -`);
  expect(planned(campus, old).names).toEqual([generated]);
  const other = link(`${four} 0a010000.campus.example`, `${six} floor1.campus.example`);
  expect(planned(campus, other).names).toEqual([
    "floor1.campus.example | ptr | campus.example | - | -",
  ]);
});

test("[UP-10] per_subnet: a learned or generated name for each network, none too soon", () => {
  const one = link(`${four} floor1.campus.example`, `${six} -`);
  expect(planned(perSubnet, one).names).toEqual([
    `floor1.campus.example | ptr | campus.example | ${four} | -`,
    `20010db800010000.campus.example | generated | campus.example | ${six} | ${six}`,
  ]);
  expect(planned(perSubnet, link(`${four} -`, `${six} ?`)).names).toEqual([
    `0a010000.campus.example | generated | campus.example | ${four} | ${four}`,
  ]);
  expect(planned(perSubnet, link(`${four} 0a010000.campus.example`, `${six} ?`)).names).toEqual([
    `0a010000.campus.example | generated | campus.example | ${four} | ${four}`,
  ]);
});

test("a written name is not looked for, and nothing learned replaces it", () => {
  const { names, subjects } = planned(file(key), link(`${four} other.example`));
  expect(names).toEqual([`floor1.example | config | - | - | ${four} ${six}`]);
  expect(subjects.map((one) => one.link)).toEqual(["eth0.20"]);
});

test("[UP-9] the search is told within which names it has to stay", () => {
  const { subjects } = planned(campus);
  expect(subjects[0]).toMatchObject({ link: "eth0.10", mode: "update" });
  expect(subjects[0]?.within.map(displayName)).toEqual(["campus.example"]);
  // Learned under another file: not published any more.
  const { names, lines } = planned(campus, link(`${four} floor1.other.example`, `${six} -`));
  expect(names).toEqual([]);
  expect(lines.join("\n")).toContain("not below a name of update.within");
});
