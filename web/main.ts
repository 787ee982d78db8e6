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
import { Packets } from "./packets.js";
import type { Page, Scene } from "./page.js";
import { choose, nothing, readRoute, routeTo } from "./route.js";
import { Services } from "./services.js";
import { count, duration, shown, when } from "./text.js";

/** How often a page reads what no event tells. */
const readEvery = 3000;

const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

const model = new Model();
const api = new Api();
const live = new Live(api, model, changed);
const pages: readonly Page[] = [new Overview(), new Services(), ...tablePages(), new Packets()];
const panel = new DetailPanel(byId("detail"), closeDetail);
const [main, nav, place, foot] = [byId("main"), byId("nav"), byId("place"), byId("foot")];
const [health, why, lost] = [byId("health"), byId("why"), byId("lost")];
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

/** Whether it works, and if not, why; that the connection is lost, since when. */
function drawHealth(): void {
  const { connection, summary } = model;
  const isLive = connection.state === "live";
  const isFine = summary?.health === "ok";
  const text =
    connection.state !== "live" ? words[connection.state] : isFine ? "working" : "failing";
  say(health.firstElementChild as Element, text);
  mark(health, { class: `health ${isLive ? (isFine ? "good" : "bad") : "waiting"}` });
  say(why, isLive && !isFine ? shown(summary?.problems[0] ?? "") : "");
  const isLost = connection.state === "lost";
  document.body.classList.toggle("stale", isLost);
  lost.hidden = !isLost;
  if (!isLost) return;
  const since = `No connection to discd since ${when(connection.since, Date.now())}.`;
  const rest =
    summary === undefined ? "Trying again." : "What is shown is from before. Trying again.";
  say(lost, `${since} ${rest}`);
}

function drawFrame(): void {
  drawHealth();
  const { connection, summary } = model;
  const isFine = connection.state === "live" && summary?.health === "ok";
  const page = current();
  const host = summary === undefined ? "" : shown(summary.hostname);
  say(place, host);
  const alarm = isFine || summary === undefined ? "" : "! ";
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
  let leave: (() => void) | undefined;
  addEventListener("hashchange", () => {
    const page = current();
    drawAll();
    if (page === shownPage) return;
    shownPage = page;
    wake();
    leave?.();
    leave = page.open?.(api, changed);
  });
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", changed);
  drawAll();
  leave = shownPage.open?.(api, changed);
  void live.run();
  void readOn();
}

begin();
