// discweb with all that belongs to it: a running discd, real avahi-daemons on its
// links, BIND that takes its updates, a client that subscribes, and a browser.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { until } from "../../netns/children.js";
import { needs } from "../../netns/needs.js";
import { filled, findings, picture, rows, type Visit } from "../browsing.js";
import { devices, hostile, Live, published, token, zone } from "../live.js";

const test = needs("avahi-daemon", "chromium", "curl", "named");

interface ServiceBody {
  readonly instance: string;
  readonly link: string;
}

let live: Live;
beforeAll(async () => {
  live = await Live.open();
}, 120_000);
afterAll(() => live?.close());

const eventually = (what: string, check: () => Promise<boolean>) => until(what, check, 20_000);
const row = (page: Page, name: string) => rows(page).filter({ hasText: name });
const services = () => live.get<{ services: ServiceBody[] }>("/v1/services").services;

/** A page on which everything that the devices have is there. */
async function open(path: string): Promise<Visit> {
  await until("all services in the API", () => services().length >= devices.length + 1, 20_000);
  const visit = await live.visit(path);
  await filled(visit.page);
  return visit;
}

interface Shift {
  readonly sources: readonly { readonly node: Node | null }[];
}

/** Notes from now on what moves on the page without the reader's doing. */
const watchShifts = (page: Page) =>
  page.evaluate(() => {
    const shifts: string[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const { sources } of list.getEntries() as unknown as Shift[]) {
        for (const { node } of sources) {
          const element = node instanceof Element ? node : node?.parentElement;
          const isLately = element?.closest(".lately, .quiet") != null;
          shifts.push(isLately ? "lately" : (element?.outerHTML.slice(0, 200) ?? "gone"));
        }
      }
    }).observe({ type: "layout-shift" });
  });

const shiftsOf = (page: Page) =>
  page.evaluate(() => (window as unknown as { shifts: string[] }).shifts);

/** What a browser itself says of a server that is away, or wants a token. */
const others = (faults: readonly string[]) =>
  faults.filter((fault) => !/net::ERR_|401 \(Unauthorized\)/.test(fault));

test("A2.4: every page's table fills from the running discd, as the API says, in both colours", async () => {
  const peer = await live.subscriber(`_ipp._tcp.${zone}`, "PTR");
  const { page, faults } = await open("");
  expect(await page.locator(".card h3").allTextContents()).toEqual(
    live
      .get<{ interfaces: { name: string }[] }>("/v1/interfaces")
      .interfaces.map(({ name }) => name),
  );
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const name of [
      "hosts",
      "zones",
      "domains",
      "subscriptions",
      "questions",
      "updates",
      "services",
    ]) {
      await page.locator(`nav a[href="#${name}"]`).click();
      const grid = page.locator(`.grid.${name}`);
      await grid.locator(".row").nth(1).waitFor();
      await eventually(`as many ${name} as the API says`, async () => {
        const { types: _, ...lists } = live.get<Record<string, unknown[]>>(`/v1/${name}`);
        const list = Object.values(lists).flat();
        const shown = Number(await grid.getAttribute("aria-rowcount")) - 1;
        return list.length > 0 && shown === list.length;
      });
      await rows(page).first().click();
      await page.locator("#detail h2").waitFor();
      if (colorScheme === "light") expect(await findings(page), name).toEqual([]);
      await picture(page, `live-${name}-${colorScheme}`);
      await page.keyboard.press("Escape");
    }
    for (const name of ["statistics", "packets", "overview"]) {
      await page.locator(`nav a[href="#${name}"]`).click();
      if (name !== "overview") await rows(page).first().waitFor({ timeout: 20_000 });
      if (colorScheme === "light") expect(await findings(page), name).toEqual([]);
      await picture(page, `live-${name}-${colorScheme}`);
    }
  }
  await peer.close();
  expect(faults).toEqual([]);
});

test("A2.4: numbers on the page are those of the API", async () => {
  const { page, faults } = await open("");
  const card = page.locator(".card").filter({ hasText: "net1" });
  const link = () =>
    live
      .get<{ interfaces: { name: string; services: number; zones: string[] }[] }>("/v1/interfaces")
      .interfaces.find(({ name }) => name === "net1");
  await eventually("the card's services", async () => {
    const words = await card.locator(".numbers li").first().textContent();
    return words === `${link()?.services} services`;
  });
  expect(await card.locator(".zones li").allTextContents()).toEqual(link()?.zones);
  const sum = (await page.locator(".sums a").first().textContent()) ?? "";
  expect(sum).toBe(`${services().length} services`);
  const chips = await card.locator(".chip").allTextContents();
  expect(chips.sort()).toEqual(["Printer, IPP2", "Web page2"]);
  await page.goto("http://127.0.0.1:8053/#statistics");
  await page.locator(".bar input").fill("discd_build_info");
  await eventually("one number", async () => (await rows(page).count()) === 1);
  expect(faults).toEqual([]);
});

test("A2.4: a real device appears and leaves without a reload, and nothing else moves", async () => {
  const { page, faults } = await open("#services");
  const overview = await live.visit("");
  await filled(overview.page);
  const chosen = row(page, "Printer 3rd floor");
  await chosen.click();
  await page.locator("#detail h2").waitFor();
  // What the click itself moved has been drawn by then.
  await page.waitForTimeout(1000);
  for (const one of [page, overview.page]) await watchShifts(one);
  const before = await chosen.boundingBox();
  const height = (await rows(page).first().boundingBox())?.height ?? 0;
  const device = await live.device("Late printer");
  await row(page, "Late printer").waitFor();
  expect(services().map(({ instance }) => instance)).toContain("Late printer");
  // What was chosen and has the focus stays; a row that came before it makes it at most the next.
  const during = await chosen.boundingBox();
  expect(Math.abs((during?.y ?? 0) - (before?.y ?? 0))).toBeLessThanOrEqual(height);
  expect(await chosen.getAttribute("aria-selected")).toBe("true");
  expect(await chosen.evaluate((element) => element === document.activeElement)).toBe(true);
  await picture(page, "live-appeared");
  await device.stop();
  await row(page, "Late printer").waitFor({ state: "detached", timeout: 20_000 });
  expect(await chosen.boundingBox()).toEqual(before);
  expect(await chosen.evaluate((element) => element === document.activeElement)).toBe(true);
  expect(await shiftsOf(page)).toEqual([]);
  // New lines at the top of what passed lately are all that moves there.
  await overview.page.locator(".lately li").nth(1).waitFor();
  expect((await shiftsOf(overview.page)).filter((where) => where !== "lately")).toEqual([]);
  await page.locator('nav a[href="#overview"]').click();
  const lately = page.locator(".lately li").filter({ hasText: "Late printer" });
  await lately.first().waitFor();
  expect(await lately.locator(".unseen").allTextContents()).toEqual(["went", "came"]);
  expect(faults).toEqual([]);
});

test("A2.4: search finds by name, TXT and address, with keys alone", async () => {
  const { page, faults } = await open("");
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
  for (let steps = 0; steps < 6 && !(await focused()).startsWith("Services"); steps++) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page.locator(".grid.services").waitFor();
  const found = async (words: string, want: readonly string[]) => {
    await page.keyboard.press("Control+a");
    await page.keyboard.type(words);
    await eventually(`what fits ${words}`, async () => {
      const names = await rows(page).locator(".instance bdi").allTextContents();
      return JSON.stringify(names) === JSON.stringify(want);
    });
  };
  await page.keyboard.press("/");
  await found("room 117", ["Printer 3rd floor"]);
  await found("10.2.0.2", ["Speaker"]);
  await found("プリン", ["プリンター 三階"]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  const panel = page.locator("#detail");
  expect(await panel.locator("h2").textContent()).toBe("プリンター 三階");
  expect(await panel.locator(".facts").first().textContent()).toContain("10.1.0.2");
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "hidden" });
  expect(faults).toEqual([]);
});

test("a line that was copied from the page works in a shell", async () => {
  const { page, faults } = await open("#services");
  await row(page, "Printer 3rd floor").click();
  const lines = await page.locator("#detail code").allTextContents();
  const line = lines.find((text) => text.startsWith("dig") && text.includes(" TXT ")) ?? "";
  expect(live.lab.run("px", `${line} +short`)).toContain('"note=Room 117"');
  const resolve = lines.find((text) => text.startsWith("discli")) ?? "";
  const output = live.lab.run("px", resolve.replace(/^discli/, "bin/discli"));
  expect(output).toContain("Room 117");
  expect(faults).toEqual([]);
});

test("a device that calls itself a program is text, on every page that names it", async () => {
  const { page, faults } = await open("#services");
  await row(page, hostile).click();
  expect(await page.locator("#detail h2").textContent()).toBe(hostile);
  expect(await page.locator("#detail .txt").textContent()).toContain(hostile);
  const turned = row(page, "\\226\\128\\174").locator(".escape");
  expect(await turned.textContent()).toBe("\\226\\128\\174");
  await picture(page, "live-hostile");
  const answer = await page.reload();
  expect(answer?.headers()["content-security-policy"]).toContain("require-trusted-types-for");
  await row(page, hostile).waitFor();
  expect(await page.locator("script").count()).toBe(1);
  expect(faults).toEqual([]);
});

test("what is published by DNS UPDATE is shown with its state, and whose lines ask elsewhere", async () => {
  const { page, faults } = await open("#updates");
  await row(page, published).click();
  interface Update {
    readonly published: number;
    readonly wanted: number;
    readonly server: string;
  }
  await eventually("the state of the update", async () => {
    const [update] = live.get<{ updates: Update[] }>("/v1/updates").updates;
    if (update === undefined || update.published === 0) return false;
    const cells = await row(page, published).locator(".cell").allTextContents();
    const state = `${update.published} of ${update.wanted}`;
    return cells.includes(state) && cells.includes(update.server);
  });
  expect(await page.locator("#detail .facts").first().textContent()).toContain("10.8.0.54");
  await page.locator('nav a[href="#overview"]').click();
  const card = page.locator(".card").filter({ hasText: "net2" });
  await card.getByText(/^published \d+ of \d+/).waitFor();
  expect(await card.locator(".mode").textContent()).toBe("update mode");
  expect(faults).toEqual([]);
});

test("a Push subscription is there while its client is", async () => {
  const { page, faults } = await open("#subscriptions");
  const peer = await live.subscriber(`_http._tcp.${zone}`, "PTR");
  const one = row(page, `_http._tcp.${zone}`);
  await one.waitFor();
  expect(await one.locator(".client").textContent()).toBe("10.8.0.2");
  expect(await one.locator(".kind").textContent()).toBe("push, tls");
  await peer.close();
  await one.waitFor({ state: "detached", timeout: 20_000 });
  expect(faults).toEqual([]);
});

test("A2.5: packets of real devices pass, only those of the link that was chosen", async () => {
  const { page, faults } = await open("#packets?q=link%3Dnet1");
  const device = await live.device("Packet maker", "_pdl-datastream._tcp");
  await row(page, "pdl-datastream").first().waitFor();
  await device.stop();
  const links = new Set(await rows(page).locator(".cell.link").allTextContents());
  expect([...links]).toEqual(["net1"]);
  await row(page, "pdl-datastream").first().click();
  expect(await page.locator("#detail .subtitle").textContent()).toMatch(/^Multicast DNS on net1/);
  expect(faults).toEqual([]);
});

test("another host gives the token once, and then sees the same", async () => {
  const { page, faults } = await live.visitFromAfar("#services");
  const field = page.getByLabel("Token");
  await field.fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByText("wrong", { exact: false }).waitFor();
  await field.fill(token);
  await page.keyboard.press("Enter");
  await row(page, "Printer 3rd floor").waitFor();
  await page.reload();
  await row(page, "Printer 3rd floor").waitFor();
  expect(page.url()).not.toContain(token);
  expect(others(faults)).toEqual([]);
});

test("a discd that ends and begins again is lost and found, and what is there then is true", async () => {
  const { page, faults } = await open("#services");
  await live.stop();
  await page.locator("#lost").waitFor();
  expect(await page.locator(".health").textContent()).toBe("no connection");
  expect(await rows(page).count()).toBeGreaterThan(0);
  await picture(page, "live-lost");
  await live.start();
  await page.locator("#lost").waitFor({ state: "hidden", timeout: 30_000 });
  await filled(page);
  await row(page, "Printer 3rd floor").waitFor();
  await eventually("the same number as the API", async () => {
    return (await page.locator(".result").textContent()) === `${services().length} services`;
  });
  expect(others(faults)).toEqual([]);
});
