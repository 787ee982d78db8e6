// discweb: the frame around the pages. It knows where the reader is, keeps the
// model true, and draws once for each picture of the screen, however much changed.

import { Api } from "./api.js";
import { type Detail, DetailPanel } from "./detail.js";
import { list, make, mark, named, say } from "./dom.js";
import { Lines, serverOf } from "./lines.js";
import { tablePages } from "./lists.js";
import { Live } from "./live.js";
import { remember, remembered } from "./memory.js";
import { Model } from "./model.js";
import { Overview } from "./overview.js";
import type { Page, Scene } from "./page.js";
import { choose, nothing, readRoute, routeTo } from "./route.js";
import { Services } from "./services.js";
import { count, duration, shown } from "./text.js";

/** How often a page reads what no event tells. */
const readEvery = 3000;

const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

const model = new Model();
const api = new Api();
const live = new Live(api, model, changed);
const pages: readonly Page[] = [new Overview(), new Services(), ...tablePages()];
const panel = new DetailPanel(byId("detail"), closeDetail);
const [main, nav, place, health, foot] = ["main", "nav", "place", "health", "foot"].map(byId) as [
  HTMLElement,
  HTMLElement,
  HTMLElement,
  HTMLElement,
  HTMLElement,
];
const theme = make("button", { type: "button", class: "theme" });

/** Draws are this far apart, however much happens; what the reader does is drawn at once. */
const drawEvery = 100;

let isDue = false;
let drawnAt = 0;
/** Ends the pause of `readOn`. */
let wake: () => void = () => {};

function changed(): void {
  if (isDue) return;
  isDue = true;
  const draw = () => {
    isDue = false;
    drawnAt = performance.now();
    drawAll();
  };
  setTimeout(() => requestAnimationFrame(draw), drawnAt + drawEvery - performance.now());
}

function current(): Page {
  const { page } = readRoute(location.hash);
  return pages.find(({ name }) => name === page) ?? (pages[0] as Page);
}

function drawAll(): void {
  drawFrame();
  if (model.connection.state === "token") {
    askForToken(model.connection.reason);
    return;
  }
  const page = current();
  if (main.firstElementChild !== page.element) main.replaceChildren(page.element);
  const scene: Scene = {
    model,
    choices: readRoute(location.hash).choices,
    lines: new Lines(serverOf(model.listeners, location.hostname), publishedLinks()),
    now: Date.now(),
  };
  page.draw(scene);
  showDetail(page.detail(scene));
}

function publishedLinks(): ReadonlySet<string> {
  return new Set(model.links.filter(({ mode }) => mode === "update").map(({ name }) => name));
}

function showDetail(found: Detail | undefined): void {
  const wasOpen = panel.isOpen;
  const isInTheWay = found?.isAside === true && matchMedia("(max-width: 960px)").matches;
  const detail = isInTheWay ? undefined : found;
  panel.show(detail);
  // On a phone it covers the page, so the focus goes along.
  if (detail !== undefined && !wasOpen && matchMedia("(max-width: 720px)").matches) panel.focus();
}

function closeDetail(): void {
  const { choices } = readRoute(location.hash);
  const page = current();
  if (choices.get("sel") !== null) page.focus?.();
  choose({ sel: choices.get("type") === null ? "" : nothing });
}

const words = {
  opening: "connecting",
  token: "token wanted",
  lost: "no connection",
} as const;

function drawFrame(): void {
  const { connection, summary } = model;
  const isLive = connection.state === "live";
  const isFine = summary?.health === "ok";
  const text =
    connection.state !== "live" ? words[connection.state] : isFine ? "working" : "failing";
  say(health, text);
  mark(health, { class: `health ${isLive ? (isFine ? "good" : "bad") : "waiting"}` });
  document.body.classList.toggle("stale", connection.state === "lost");
  const page = current();
  const host = summary === undefined ? "" : shown(summary.hostname);
  say(place, host);
  const alarm = isLive && isFine ? "" : summary === undefined ? "" : "! ";
  const title = `${alarm}${page.title}${host === "" ? "" : ` · ${host}`} · discd`;
  if (document.title !== title) document.title = title;
  list(nav, pages, {
    key: ({ name }) => name,
    make: ({ name, title: label }) =>
      make("a", { href: routeTo(name) }, make("span", {}, label), make("b")),
    change: (element, one) => {
      mark(element, { "aria-current": one === page ? "page" : undefined });
      const number = one.tally?.(model);
      say(element.lastElementChild as Element, number === undefined ? "" : count(number));
    },
  });
  if (summary === undefined) return;
  const up = (Date.now() - Date.parse(summary.startedAt)) / 1000;
  say(foot.firstElementChild as Element, `discd ${summary.version}, up ${duration(up)}`);
}

function askForToken(reason: string): void {
  panel.show(undefined);
  if (main.querySelector("form") !== null) {
    say(main.querySelector("form p") as Element, shown(reason));
    return;
  }
  const field = make("input", {
    type: "password",
    id: "token",
    autocomplete: "off",
    required: true,
  });
  const form = make("form", { class: "token" }, make("h1", {}, "This discd wants a token"));
  form.append(make("p", {}, named(reason)), make("label", { for: "token" }, "Token"), field);
  form.append(make("button", { type: "submit" }, "Open"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    live.useToken(field.value.trim());
    field.value = "";
  });
  main.replaceChildren(form);
  field.focus();
}

const themes: readonly string[] = ["auto", "light", "dark"];

function useTheme(name: string): void {
  mark(document.documentElement, { "data-theme": name });
  say(theme, `Colours: ${name}`);
}

function onKey(event: KeyboardEvent): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const isTyping = event.target instanceof HTMLInputElement;
  const { field, focus } = current();
  if (event.key === "Escape" && isTyping && event.target.value !== "") return;
  if (event.key === "Escape" && panel.isOpen) closeDetail();
  else if (event.key === "ArrowDown" && isTyping && focus !== undefined) focus.call(current());
  else if (event.key === "/" && !isTyping && field !== undefined) {
    field.focus();
    field.select();
  } else return;
  event.preventDefault();
}

async function readOn(): Promise<never> {
  for (;;) {
    const page = current();
    const isWanted = page.read !== undefined && model.connection.state === "live";
    if (isWanted && !document.hidden) {
      await page.read?.(api);
      changed();
    }
    await new Promise<void>((resolve) => {
      wake = resolve;
      setTimeout(resolve, model.connection.state === "live" ? readEvery : 200);
    });
  }
}

function begin(): void {
  const hint = make("span", { class: "hint" }, make("kbd", {}, "/"), " search, ");
  hint.append(make("kbd", {}, "Esc"), " close");
  foot.append(make("span"), hint, theme);
  const kept = remembered("localStorage", "discd-theme");
  useTheme(themes.includes(kept) ? kept : "auto");
  theme.addEventListener("click", () => {
    const at = themes.indexOf(document.documentElement.dataset.theme ?? "auto");
    const next = themes[(at + 1) % themes.length] as string;
    remember("localStorage", "discd-theme", next);
    useTheme(next);
  });
  let shownPage = current();
  addEventListener("hashchange", () => {
    const page = current();
    if (page !== shownPage) wake();
    shownPage = page;
    drawAll();
  });
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", changed);
  drawAll();
  void live.run();
  void readOn();
}

begin();
