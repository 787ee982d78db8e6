// Every service of every link: searched by words, narrowed by type and link.

import { type Detail, fact } from "./detail.js";
import { list, make, mark, named, say } from "./dom.js";
import { Grid } from "./grid.js";
import { kindOf } from "./kinds.js";
import type { Lines } from "./lines.js";
import type { Model } from "./model.js";
import type { Page, Scene } from "./page.js";
import { choose } from "./route.js";
import { type Found, find, wordsOf } from "./search.js";
import type { Service } from "./shapes.js";
import { nothingFits } from "./tables.js";
import { count, duration, inOrder, many, when } from "./text.js";

const noneSoFar =
  "None so far. A link is asked when somebody asks discd; with warm = true it is asked at once.";

/** Domains for which lines are given when a type is chosen. */
const domainsMax = 2;

interface Facet {
  readonly value: string;
  readonly label: string;
  readonly number: number;
}

/** Buttons of which one is pressed: each a value, its words, and how many there are. */
class Facets {
  readonly element: HTMLElement;
  readonly #choices = make("div", { class: "choices" });
  readonly #name: string;

  constructor(name: string, title: string) {
    this.#name = name;
    const label = make("h2", { id: `facet-${name}` }, title);
    const group = { role: "group", "aria-labelledby": `facet-${name}`, class: "facets" };
    this.element = make("div", group, label, this.#choices);
  }

  show(facets: readonly Facet[], chosen: string): void {
    list(this.#choices, facets, {
      key: ({ value }) => value,
      make: ({ value, label }) => {
        const words = make("span", {}, named(label));
        const button = make("button", { type: "button", title: value }, words, make("b"));
        button.addEventListener("click", () => choose({ [this.#name]: value, sel: "" }));
        return button;
      },
      change: (button, { value, number }) => {
        say(button.lastElementChild as Element, count(number));
        mark(button, { "aria-pressed": value === chosen ? "true" : "false" });
      },
    });
  }
}

/** All, then each by its number; what is chosen stays in the list, with none if need be. */
function facetsOf(
  counts: ReadonlyMap<string, number>,
  chosen: string,
  label: (value: string) => string,
  all: string,
): Facet[] {
  const known = new Map(counts);
  if (chosen !== "" && !known.has(chosen)) known.set(chosen, 0);
  const facets = [...known]
    .map(([value, number]) => ({ value, number, label: label(value) }))
    .sort((a, b) => inOrder(a.label, b.label));
  const sum = facets.reduce((total, { number }) => total + number, 0);
  return [{ value: "", label: all, number: sum }, ...facets];
}

const hostOf = ({ host, port }: Service) => (host === null ? "" : `${host}:${port ?? "?"}`);

function makeGrid(): Grid<Service> {
  return new Grid<Service>({
    name: "services",
    label: "Services",
    columns: [
      { title: "Name", name: "instance", text: ({ instance }) => instance },
      { title: "Type", name: "type", text: ({ type }) => kindOf(type) ?? type },
      { title: "Host", name: "host", text: hostOf },
      { title: "Address", name: "address", text: ({ addresses }) => addresses[0] ?? "" },
      { title: "Zone", name: "domain", text: ({ domain }) => domain },
      { title: "Link", name: "link", text: ({ link }) => link },
    ],
    key: ({ id }) => id,
    choose: (sel) => choose({ sel }),
    look: ({ isShown }) => (isShown ? "" : "dim"),
  });
}

export class Services implements Page {
  readonly name = "services";
  readonly title = "Services";
  readonly element = make("div", { class: "page listing" });
  readonly field = make("input", {
    type: "search",
    placeholder: "Name, type, host, address, TXT",
    "aria-label": "Search services",
    "aria-keyshortcuts": "/",
    autocomplete: "off",
    spellcheck: "false",
  });
  readonly #result = make("p", { class: "result", role: "status" });
  readonly #empty = make("p", { class: "empty" });
  readonly #types = new Facets("type", "Type");
  readonly #links = new Facets("link", "Link");
  readonly #grid = makeGrid();
  #asked = "";
  /** Edition and question of what `#found` holds. */
  #drawn = "";
  #found: Found = { services: [], types: new Map(), links: new Map() };
  #wasFilled = false;

  constructor() {
    const bar = make("div", { class: "bar" }, make("h1", {}, "Services"), this.field, this.#result);
    const side = make("div", { class: "side" }, this.#links.element, this.#types.element);
    this.element.append(bar, side, this.#grid.element, this.#empty);
    this.field.addEventListener("input", () => choose({ q: this.field.value }));
  }

  tally(model: Model): number | undefined {
    return model.isFilled ? model.services.size : undefined;
  }

  draw({ model, choices }: Scene): void {
    const [q, type, link] = ["q", "type", "link"].map((name) => choices.get(name) ?? "") as [
      string,
      string,
      string,
    ];
    if (this.field.value !== q && document.activeElement !== this.field) this.field.value = q;
    const asked = JSON.stringify([q, type, link]);
    const isOther = asked !== this.#asked;
    const state = `${model.edition} ${asked}`;
    if (state !== this.#drawn) {
      this.#drawn = state;
      this.#asked = asked;
      this.#found = find(model.services.values(), { words: wordsOf(q), type, link });
      const { types, links, services } = this.#found;
      this.#types.show(
        facetsOf(types, type, (value) => kindOf(value) ?? value, "All types"),
        type,
      );
      this.#links.show(
        facetsOf(links, link, (value) => value, "All links"),
        link,
      );
      this.#tell(services.length, model);
    }
    this.#grid.show(this.#found.services, choices.get("sel") ?? "", this.#wasFilled && !isOther);
    this.#wasFilled = model.isFilled;
  }

  #tell(found: number, model: Model): void {
    const all = model.services.size;
    mark(this.#empty, { class: model.isFilled ? "empty" : "empty reading", hidden: found > 0 });
    say(this.#empty, !model.isFilled ? "Reading" : all === 0 ? noneSoFar : nothingFits);
    if (!model.isFilled) say(this.#result, "");
    else if (found === all) say(this.#result, many(all, "service"));
    else say(this.#result, `${count(found)} of ${many(all, "service")}`);
  }

  detail({ model, choices, lines, now }: Scene): Detail | undefined {
    const key = choices.get("sel") ?? "";
    const type = choices.get("type") ?? "";
    const service = model.services.get(key);
    if (service !== undefined) return describe(service, lines);
    const past = model.gone.get(key);
    if (past !== undefined) {
      return describe(past.service, lines, `Gone since ${when(past.at, now)}`);
    }
    return type === "" || key !== "" ? undefined : this.#describeType(type, lines);
  }

  focus(): void {
    this.#grid.focus();
  }

  /** A type that was chosen, where no service is. */
  #describeType(type: string, lines: Lines): Detail {
    const links = new Map(this.#found.services.map(({ domain, link }) => [domain, link]));
    const hosts = new Set(this.#found.services.map(({ host }) => host ?? ""));
    const chosen = [...links.keys()].sort(inOrder);
    return {
      isAside: true,
      title: kindOf(type) ?? type,
      subtitle: type,
      facts: [
        ...fact("Services", count(this.#found.services.length)),
        ...fact("Hosts", count(hosts.size)),
        ...fact("Zones", ...chosen),
      ],
      lines: chosen
        .slice(0, domainsMax)
        .flatMap((domain) => lines.on(links.get(domain) ?? null).type(type, domain)),
    };
  }
}

function describe(service: Service, lines: Lines, past?: string): Detail {
  const { instance, type, domain, link, host, port, addresses, ttlSeconds, subtypes } = service;
  const kind = kindOf(type);
  const notes = past === undefined ? [] : [past];
  if (!service.isShown) notes.push(`Not shown to clients: ${service.reason ?? "no reason given"}`);
  const here = lines.on(link);
  const where = host === null ? [] : here.host(service.hostEscaped ?? host).slice(0, 1);
  return {
    title: instance,
    subtitle: kind === undefined ? type : `${kind}, ${type}`,
    notes,
    facts: [
      ...fact("Host", host ?? "not known yet"),
      ...fact("Port", port === null ? undefined : String(port)),
      ...fact("Addresses", ...addresses),
      ...fact("Zone", domain),
      ...fact("Link", link),
      ...fact("Subtypes", ...subtypes),
      ...fact("TTL", duration(ttlSeconds)),
    ],
    txt: service.txt,
    lines: [...here.instance(service), ...where],
  };
}
