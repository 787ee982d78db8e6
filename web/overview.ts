// The page to leave open: how much is asked, what each link does, and what came
// and went lately.

import type { Api } from "./api.js";
import { Chart } from "./chart.js";
import { type Detail, fact } from "./detail.js";
import { list, make, mark, named, say } from "./dom.js";
import { kindOf } from "./kinds.js";
import { type Model, type Passing, Traffic } from "./model.js";
import type { Page, Scene } from "./page.js";
import { routeTo } from "./route.js";
import type { Link, Summary, Update } from "./shapes.js";
import { count, duration, inOrder, many, rate, shown, when } from "./text.js";

/** Types, and lines of addresses or zones, that a link shows before "more". */
const typesMax = 12;
const linesMax = 4;

/** One number with its last five minutes. */
class Tile {
  readonly element: HTMLElement;
  readonly chart: Chart;
  readonly #value = make("strong");
  readonly #note = make("span", { class: "note" });

  constructor(title: string, lines: number) {
    this.chart = new Chart(lines, `${title}, last five minutes`);
    const words = make("p", {}, this.#value, this.#note);
    this.element = make("section", { class: "tile" }, make("h2", {}, title), words);
    const axis = make("p", { class: "axis", "aria-hidden": "true" });
    axis.append(make("span", {}, "5 min ago"), make("span", {}, "now"));
    this.element.append(this.chart.element, axis);
  }

  say(value: string, note: string): void {
    say(this.#value, value);
    say(this.#note, note);
  }
}

/** How many services of each type a link has, most first. */
type Types = readonly (readonly [type: string, count: number])[];

function typesByLink(model: Model): Map<string, Types> {
  const counts = new Map<string, Map<string, number>>();
  for (const { link, type } of model.services.values()) {
    const types = counts.get(link) ?? new Map<string, number>();
    types.set(type, (types.get(type) ?? 0) + 1);
    counts.set(link, types);
  }
  const sorted = [...counts].map(([link, types]) => {
    const order = [...types].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    return [link, order] as const;
  });
  return new Map(sorted);
}

/** What is wrong with a link at first sight. */
function stateOf({ isUp, problems }: Link): "good" | "warn" | "bad" {
  if (!isUp) return "bad";
  return problems.length > 0 ? "warn" : "good";
}

/** A type and its number; with no type, what else there is. */
function chip(link: string, type: string): HTMLAnchorElement {
  const href = routeTo("services", { link, type });
  const label = type === "" ? "more types" : (kindOf(type) ?? type);
  const title = type === "" ? undefined : shown(type);
  return make("a", { class: "chip", href, title }, make("span", {}, named(label)), make("b"));
}

/** What a card shows. */
interface Shown {
  readonly link: Link;
  readonly types: Types;
  readonly traffic: Traffic;
  readonly updates: readonly Update[];
  readonly now: number;
  readonly isSelected: boolean;
}

/** One link: its state, where it is found, its traffic, what is on it. */
class Card {
  readonly element: HTMLElement;
  readonly chart: Chart;
  readonly #state = make("span", { class: "state" });
  readonly #mode = make("span", { class: "mode" });
  readonly #zones = make("ul", { class: "zones" });
  readonly #addresses = make("ul", { class: "addresses" });
  readonly #updates = make("ul", { class: "updating" });
  readonly #numbers = make("ul", { class: "numbers" });
  readonly #rates = make("p");
  readonly #heard = make("p");
  readonly #problems = make("ul", { class: "notes" });
  readonly #types = make("div", { class: "types" });

  constructor(name: string) {
    const address = routeTo("overview", { sel: name });
    const title = make("h3", {}, make("a", { href: address }, named(name)));
    this.chart = new Chart(2, `Packets a minute on ${shown(name)}, last five minutes`);
    this.element = make("article", { class: "card" });
    const head = make("div", { class: "who" }, title, this.#state, this.#mode, this.#addresses);
    const where = make("div", { class: "where" }, this.#zones, this.#updates);
    const traffic = make("div", { class: "traffic" }, this.chart.element, this.#rates);
    traffic.append(this.#heard);
    this.element.append(head, where, this.#numbers, traffic, this.#types, this.#problems);
  }

  show({ link, types, traffic, updates, now, isSelected }: Shown): void {
    mark(this.element, { class: `card ${stateOf(link)}${isSelected ? " selected" : ""}` });
    const warned = many(link.problems.length, "warning");
    const state = link.isUp ? "up" : "down";
    say(this.#state, link.problems.length === 0 ? state : `${state}, ${warned}`);
    say(this.#mode, link.mode === "update" ? "update mode" : "proxy");
    const names = (parent: HTMLElement, texts: readonly string[]) =>
      list(parent, texts, { key: (text) => text, make: (text) => make("li", {}, named(text)) });
    names(this.#zones, firstOf(link.zones));
    // The scope of a link-local address is this link.
    names(this.#addresses, firstOf(link.addresses.map((text) => text.replace(/%[^/]*/, ""))));
    names(this.#updates, updates.map(progress));
    const { records, questions, mdns, lastHeardSeconds } = link;
    numbers(this.#numbers, [
      // Events tell of these at once, the rest is read every few seconds.
      [types.reduce((sum, [, services]) => sum + services, 0), "service"],
      [records, "record"],
      [questions, "question"],
    ]);
    say(this.#rates, `${rate(mdns.inPerMinute)} heard, ${rate(mdns.outPerMinute)} sent a minute`);
    const heard = lastHeardSeconds === null ? "nothing heard" : `heard ${ago(lastHeardSeconds)}`;
    say(this.#heard, heard);
    this.chart.show(seriesOf(traffic), now);
    names(this.#problems, link.problems);
    this.#showTypes(link.name, types);
  }

  #showTypes(link: string, types: Types): void {
    const rest = types.length - typesMax;
    const label = (type: string) => kindOf(type) ?? type;
    // The most frequent, but in the order of names: numbers that change move nothing.
    const some = types
      .slice(0, rest === 1 ? undefined : typesMax)
      .sort(([a], [b]) => inOrder(label(a), label(b)));
    list(this.#types, rest > 1 ? [...some, ["", rest] as const] : some, {
      key: ([type]) => type,
      make: ([type]) => chip(link, type),
      change: (element, [, number]) => say(element.lastElementChild as Element, count(number)),
    });
  }
}

/** The first of some texts, and how many more there are. */
function firstOf(texts: readonly string[]): readonly string[] {
  const rest = texts.length - linesMax;
  return rest > 1 ? [...texts.slice(0, linesMax), `and ${rest} more`] : texts;
}

/** Numbers below each other, and what each of them counts. */
function numbers(parent: HTMLElement, counted: readonly (readonly [number, string])[]): void {
  list(parent, counted, {
    key: ([, noun]) => noun,
    make: () => make("li", {}, make("b"), " ", make("span")),
    change: (element, [value, noun]) => {
      say(element.firstElementChild as Element, count(value));
      say(element.lastElementChild as Element, value === 1 ? noun : `${noun}s`);
    },
  });
}

/** How far the publishing of one subdomain is. */
function progress({ published, wanted, server, trouble }: Update): string {
  const far = `published ${count(published)} of ${count(wanted)}`;
  if (trouble !== null) return `${far}, in trouble`;
  return server === null ? "looking for the primary" : far;
}

/** What keeps the configuration of the file from being that in force. */
function refusedReload({ reload }: Summary, now: number): string[] {
  if (reload === null || reload === undefined || reload.isTaken) return [];
  const [first = "the log says why", ...rest] = reload.problems;
  const more = rest.length === 0 ? "" : `, and ${rest.length} more`;
  return [`The configuration was refused, ${when(Date.parse(reload.at), now)}: ${first}${more}`];
}

/** What is wrong with links, as the summary words it. */
const saidOf = (links: readonly Link[]) =>
  links.flatMap(({ name, problems }) => problems.map((one) => `${name}: ${one}`));

/** How it goes, in a sentence: what somebody reads who looks up for a second. */
function verdictOf(
  summary: Summary,
  links: readonly Link[],
  refused: readonly string[],
): readonly [string, string] {
  if (summary.health !== "ok") return ["bad", "Failing"];
  const up = links.filter(({ isUp }) => isUp).length;
  const all = links.length;
  const warnings = new Set([...summary.problems, ...saidOf(links), ...refused]).size;
  if (all === 0) return ["warn", "No link is in use: the log says why"];
  const state = up === all ? `${many(all, "link")} up` : `${up} of ${many(all, "link")} up`;
  if (warnings > 0) return ["warn", `Working, ${state}, ${many(warnings, "warning")}`];
  return [up === all ? "good" : "warn", `Working, ${state}`];
}

/** Names of addresses lead to no service. */
const hasServices = (zone: string) => !/\.(in-addr|ip6)\.arpa\.?$/i.test(zone);

const ago = (seconds: number) => (seconds < 1 ? "just now" : `${duration(seconds)} ago`);

const seriesOf = (traffic: Traffic) => [
  { name: "in", points: traffic.in.points },
  { name: "out", points: traffic.out.points },
];

export class Overview implements Page {
  readonly name = "overview";
  readonly title = "Overview";
  readonly element = make("div", { class: "page overview" });
  readonly #queries = new Tile("Queries a second", 1);
  readonly #packets = new Tile("mDNS packets a minute", 2);
  readonly #services = make("section", { class: "tile sums" });
  readonly #verdict = make("p", { class: "verdict" });
  readonly #problems = make("ul", { class: "notes", role: "status" });
  readonly #links = make("div", { class: "links" });
  readonly #lately = make("ol", { class: "lately" });
  readonly #quiet = make(
    "p",
    { class: "quiet" },
    "Nothing has come or gone since the page was opened.",
  );
  readonly #cards = new WeakMap<HTMLElement, Card>();
  #updates: readonly Update[] = [];
  #types: { edition: number; byLink: Map<string, Types> } = { edition: -1, byLink: new Map() };

  constructor() {
    const tiles = make("div", { class: "tiles" }, this.#queries.element, this.#packets.element);
    tiles.append(this.#services);
    const key = make("span", { class: "key" });
    key.append(make("i", { class: "in" }), "heard ", make("i", { class: "out" }), "sent");
    this.#packets.element.querySelector("h2")?.append(key);
    this.element.append(make("h1", { class: "unseen" }, "Overview"), this.#verdict);
    this.element.append(this.#problems, tiles);
    this.element.append(make("h2", {}, "Links"), this.#links);
    this.element.append(make("h2", {}, "Lately"), this.#quiet, this.#lately);
  }

  /** What a link in mode update has in the zone of another server. */
  async read(api: Api): Promise<void> {
    try {
      this.#updates = (await api.json<{ updates: Update[] }>("v1/updates")).updates;
    } catch {
      // It is read again; that the connection is lost is said elsewhere.
    }
  }

  draw({ model, choices, now }: Scene): void {
    this.#drawTiles(model, now);
    this.#drawVerdict(model, now);
    const byLink = this.#typesOf(model);
    const selected = choices.get("sel");
    list(this.#links, model.links, {
      key: ({ name }) => name,
      make: ({ name }) => {
        const card = new Card(name);
        this.#cards.set(card.element, card);
        return card.element;
      },
      change: (element, link) => {
        const traffic = model.linkTraffic.get(link.name) ?? new Traffic();
        const types = byLink.get(link.name) ?? [];
        const updates = this.#updates.filter(({ subdomain }) => link.zones.includes(subdomain));
        const isSelected = link.name === selected;
        this.#cards.get(element)?.show({ link, types, traffic, updates, now, isSelected });
      },
    });
    this.#quiet.hidden = model.passings.length > 0;
    list(this.#lately, model.passings, {
      key: ({ id }) => String(id),
      make: passed,
      change: (element, { at }) => say(element.firstElementChild as Element, when(at, now)),
    });
  }

  /** The sentence, and what no link below says of itself. */
  #drawVerdict({ summary, links }: Model, now: number): void {
    if (summary === undefined) return;
    const refused = refusedReload(summary, now);
    const [state, words] = verdictOf(summary, links, refused);
    mark(this.#verdict, { class: `verdict state ${state}` });
    say(this.#verdict, words);
    const told = new Set(saidOf(links));
    mark(this.#problems, { class: state === "bad" ? "notes bad" : "notes" });
    list(this.#problems, [...refused, ...summary.problems.filter((one) => !told.has(one))], {
      key: (text) => text,
      make: (text) => make("li", {}, named(text)),
    });
  }

  detail({ model, choices, lines }: Scene): Detail | undefined {
    const link = model.links.find(({ name }) => name === choices.get("sel"));
    if (link === undefined) return undefined;
    const { mdns, lastHeardSeconds, hasQuerier, querierNote, index, vlan, mtu, flags } = link;
    const snooping = hasQuerier === null ? "not known" : hasQuerier ? "heard" : "none heard";
    return {
      title: link.name,
      subtitle: `Link, ${link.isUp ? "up" : "down"}, ${link.mode === "update" ? "update mode" : "proxy"}`,
      notes: link.problems,
      facts: [
        ...fact("Zones", ...link.zones),
        ...fact("Addresses", ...link.addresses),
        ...fact("Reverse names", ...link.reverse),
        ...fact("mDNS over", link.families.join(", ")),
        ...fact("Interface", ...(index === null ? [] : [`number ${index}`, flags.join(", ")])),
        ...fact("VLAN", vlan === null ? undefined : String(vlan)),
        ...fact("MTU", mtu === null ? undefined : count(mtu)),
        ...fact("Services", count(link.services)),
        ...fact("Records held", count(link.records)),
        ...fact("Questions open", count(link.questions)),
        ...fact("Packets heard", `${count(mdns.in)}, ${rate(mdns.inPerMinute)} a minute`),
        ...fact("Packets sent", `${count(mdns.out)}, ${rate(mdns.outPerMinute)} a minute`),
        ...fact("Last heard", lastHeardSeconds === null ? "never" : ago(lastHeardSeconds)),
        ...fact("IGMP, MLD querier", snooping, querierNote ?? undefined),
      ],
      lines: link.zones
        .filter(hasServices)
        .slice(0, 2)
        .flatMap((zone) => lines.on(link.name).domain(zone)),
    };
  }

  #typesOf(model: Model): Map<string, Types> {
    const { edition } = model;
    if (this.#types.edition !== edition) this.#types = { edition, byLink: typesByLink(model) };
    return this.#types.byLink;
  }

  #drawTiles(model: Model, now: number): void {
    const { summary, queries, traffic, services } = model;
    if (summary === undefined) return;
    this.#queries.say(rate(summary.queries.perSecond), "");
    this.#queries.chart.show([{ name: "queries", points: queries.points }], now);
    const sum = (pick: (link: Link) => number) =>
      model.links.reduce((total, link) => total + pick(link), 0);
    const heard = sum(({ mdns }) => mdns.inPerMinute);
    const sent = sum(({ mdns }) => mdns.outPerMinute);
    this.#packets.say(rate(heard), `heard, ${rate(sent)} sent`);
    this.#packets.chart.show(seriesOf(traffic), now);
    const types = new Set([...this.#typesOf(model).values()].flat().map(([type]) => type)).size;
    const sums = [
      [services.size, "service", routeTo("services")],
      [types, "type", routeTo("services")],
      [summary.zones, "zone", routeTo("zones")],
      [summary.push.subscriptions, "push subscription", routeTo("subscriptions")],
      [summary.llq, "LLQ", routeTo("subscriptions")],
    ] as const;
    list(this.#services, sums, {
      key: ([, noun]) => noun,
      make: ([, , href]) => make("a", { href }, make("strong"), " ", make("span")),
      change: (element, [value, noun]) => {
        say(element.firstElementChild as Element, count(value));
        say(element.lastElementChild as Element, value === 1 ? noun : `${noun}s`);
      },
    });
  }
}

function passed({ sign, service }: Passing): HTMLElement {
  const { id, instance, type, link } = service;
  const name = make("a", { href: routeTo("services", { sel: id }) }, named(instance));
  const time = make("time");
  const way = make("b", { class: sign === "+" ? "came" : "went" }, sign === "+" ? "+" : "−");
  way.append(make("span", { class: "unseen" }, sign === "+" ? "came" : "went"));
  const what = make("span", { class: "what" }, named(kindOf(type) ?? type));
  return make("li", {}, time, way, name, what, make("span", { class: "on" }, named(link)));
}
