// Multicast DNS packets as they pass: the latest first, narrowed by words, held
// still when somebody wants to read.

import { type Api, TokenWanted } from "./api.js";
import { type Detail, fact } from "./detail.js";
import { make, mark, say } from "./dom.js";
import { type Column, Grid } from "./grid.js";
import { Lines } from "./lines.js";
import type { Page, Scene } from "./page.js";
import { choose } from "./route.js";
import { holds, plain, wishOf } from "./search.js";
import type { Packet } from "./shapes.js";
import { nothingFits } from "./tables.js";
import { clock, count, many, shown } from "./text.js";

/** Packets that are kept; older ones are forgotten. */
const packetsMax = 500;
/** A filter that is being typed is not sent letter by letter. */
const typingTime = 400;
const retryTime = 3000;

interface Seen {
  readonly id: number;
  readonly packet: Packet;
  /** All that it can be found by. */
  readonly text: string;
}

const recordsOf = ({ answers, authorities, additionals }: Packet) =>
  answers.length + authorities.length + additionals.length;

/** What it is about, in one line. */
function gist({ questions, answers, authorities, additionals, isResponse }: Packet): string {
  const asked = questions.map(({ name, type }) => `${type} ${name}`);
  const told = [...answers, ...authorities, ...additionals];
  const [first = "nothing", ...rest] = isResponse || asked.length === 0 ? told : asked;
  return rest.length === 0 ? first : `${first}, ${count(rest.length)} more`;
}

const columns: readonly Column<Seen>[] = [
  {
    title: "Time",
    name: "instant",
    text: ({ packet }) => clock(Date.parse(packet.at)),
    order: ({ id }) => id,
  },
  { title: "Link", name: "link", text: ({ packet }) => packet.link },
  {
    title: "Way",
    name: "way",
    text: ({ packet }) => (packet.direction === "in" ? "heard" : "sent"),
  },
  { title: "From", name: "from", text: ({ packet }) => packet.source },
  {
    title: "Kind",
    name: "way",
    text: ({ packet }) => (packet.isResponse ? "response" : "query"),
  },
  { title: "First", name: "gist", text: ({ packet }) => gist(packet) },
  {
    title: "Records",
    name: "number",
    text: ({ packet }) => count(recordsOf(packet)),
    order: ({ packet }) => recordsOf(packet),
  },
];

export class Packets implements Page {
  readonly name = "packets";
  readonly title = "Packets";
  readonly element = make("div", { class: "page listing plain" });
  readonly field = make("input", {
    type: "search",
    placeholder: "Any word, link=eth0, type=SRV",
    "aria-label": "Search packets",
    "aria-keyshortcuts": "/",
    autocomplete: "off",
    spellcheck: "false",
  });
  readonly #hold = make("button", { type: "button", class: "hold" });
  readonly #result = make("p", { class: "result", role: "status" });
  readonly #empty = make("p", { class: "empty" });
  readonly #grid: Grid<Seen>;
  /** Oldest first. */
  #packets: readonly Seen[] = [];
  /** The one that is being read, also when it is forgotten meanwhile. */
  #chosen: Seen | undefined;
  #passed = 0;
  #isHeld = false;
  #failure = "";
  #query = "";
  #shown: readonly Seen[] = [];
  #drawn = { packets: this.#packets, wanted: "" };
  #stop: (() => void) | undefined;
  #follow: (() => void) | undefined;
  #typing: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#grid = new Grid<Seen>({
      name: "packets",
      label: "Packets",
      columns,
      key: ({ id }) => String(id),
      choose: (sel) => choose({ sel }),
      look: ({ packet }) => (packet.isWhole ? "" : "warn"),
      isLatestFirst: true,
    });
    const bar = make("div", { class: "bar" }, make("h1", {}, "Packets"), this.field, this.#hold);
    bar.append(this.#result);
    this.element.append(bar, this.#grid.element, this.#empty);
    this.field.addEventListener("input", () => choose({ q: this.field.value }));
    this.#hold.addEventListener("click", () => {
      this.#isHeld = !this.#isHeld;
      this.#follow?.();
    });
  }

  open(api: Api, changed: () => void): () => void {
    this.#follow = () => {
      this.#stop?.();
      changed();
      if (this.#isHeld) return;
      const stop = new AbortController();
      this.#stop = () => stop.abort();
      void this.#run(api, changed, stop.signal);
    };
    this.#follow();
    return () => {
      this.#stop?.();
      this.#follow = undefined;
    };
  }

  draw({ choices }: Scene): void {
    const q = choices.get("q") ?? "";
    if (this.field.value !== q && document.activeElement !== this.field) this.field.value = q;
    const { query, words } = wishOf(q);
    this.#wish(query);
    const { packets, wanted } = this.#drawn;
    if (packets !== this.#packets || wanted !== q) {
      this.#drawn = { packets: this.#packets, wanted: q };
      this.#shown = this.#packets.filter(({ text }) => holds(text, words));
    }
    this.#grid.show(this.#shown, choices.get("sel") ?? "");
    this.#tell();
  }

  detail({ choices }: Scene): Detail | undefined {
    const sel = choices.get("sel");
    if (sel === null) return undefined;
    const found = this.#packets.find(({ id }) => String(id) === sel);
    if (found !== undefined) this.#chosen = found;
    return String(this.#chosen?.id) === sel ? describe((this.#chosen as Seen).packet) : undefined;
  }

  focus(): void {
    this.#grid.focus();
  }

  #tell(): void {
    const [all, found] = [this.#packets.length, this.#shown.length];
    const sum = found === all ? many(all, "packet") : `${count(found)} of ${many(all, "packet")}`;
    say(this.#result, this.#failure !== "" ? this.#failure : all === 0 ? "" : sum);
    say(this.#hold, this.#isHeld ? "Go on" : "Hold");
    mark(this.#hold, { "aria-pressed": this.#isHeld ? "true" : "false" });
    mark(this.#empty, { hidden: found > 0 });
    say(this.#empty, all > 0 ? nothingFits : this.#isHeld ? "Held" : "Waiting for a packet");
  }

  /** Asks discd for something else, once the typing has ended. */
  #wish(query: string): void {
    if (query === this.#query) return;
    this.#query = query;
    clearTimeout(this.#typing);
    if (this.#follow === undefined) return;
    this.#typing = setTimeout(() => this.#follow?.(), typingTime);
  }

  /** Follows until `until`, again and again. */
  async #run(api: Api, changed: () => void, until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      try {
        const path = this.#query === "" ? "v1/packets" : `v1/packets?${this.#query}`;
        const opened = () => {
          this.#failure = "";
          changed();
        };
        await api.follow(
          path,
          opened,
          (event) => this.#take(event.name, event.data, changed),
          until,
        );
      } catch (error) {
        const isTold = error instanceof TokenWanted || until.aborted;
        if (!isTold) this.#failure = `Could not be followed: ${shown((error as Error).message)}`;
        changed();
      }
      if (!until.aborted) await new Promise((resolve) => setTimeout(resolve, retryTime));
    }
  }

  #take(name: string, data: string, changed: () => void): void {
    if (name !== "packet") return;
    const packet = JSON.parse(data) as Packet;
    const seen = { id: ++this.#passed, packet, text: plain(data) };
    this.#packets = [...this.#packets.slice(1 - packetsMax), seen];
    changed();
  }
}

function describe(packet: Packet): Detail {
  const { link, source, direction, isResponse, isWhole, questions } = packet;
  const kind = isResponse ? "Response" : "Query";
  const asked = questions.map(({ name, type, isQu }) => `${name} ${type}${isQu ? ", QU" : ""}`);
  const [first] = questions;
  const narrowed = first === undefined ? [] : [`name=${first.escaped}`, `type=${first.type}`];
  const lines = new Lines(undefined);
  return {
    title: direction === "in" ? `${kind} from ${source}` : `${kind}, sent`,
    subtitle: `Multicast DNS on ${link}, ${clock(Date.parse(packet.at))}`,
    notes: isWhole ? [] : ["Some of it could not be read: it is broken or cut short"],
    facts: [
      ...fact("Questions", ...asked),
      ...fact("Answers", ...packet.answers),
      ...fact("Authorities", ...packet.authorities),
      ...fact("Additionals", ...packet.additionals),
    ],
    lines: [lines.discli("show", "packets", `link=${link}`, ...narrowed)],
  };
}
