// How discweb looks, and to whom: pictures of a page left open, phones, and what
// axe finds that some readers could not use.

import { afterAll, beforeAll, expect } from "vitest";
import { needs } from "../../netns/needs.js";
import { filled, findings, picture, rows } from "../browsing.js";
import { origin, Stage } from "../stage.js";
import { interfaces, lists, packet, services, summary, type Thing } from "../world.js";

const test = needs("chromium");
const all = services(2000);
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
  await stage.furnish(all);
});
afterAll(() => stage?.close());

const event = (name: string, data: Thing) => stage.tell({ event: name, data });

test("no serious finding of axe, on any page, in either colours, on a phone", async () => {
  const names = ["overview?sel=floor2", "services?type=_ipp._tcp", ...Object.keys(lists())];
  const open = names.map((name) => name.replace("/v1/", "")).filter((name) => name !== "/healthz");
  for (const colorScheme of ["light", "dark"] as const) {
    const { page, faults } = await stage.visit("", { colorScheme });
    await filled(page);
    for (const name of [...open, "packets", "statistics", "services"]) {
      await page.goto(`${origin}/#${name}`);
      if (name === "packets") {
        await page.getByText("Waiting for a packet").waitFor();
        expect(await findings(page), `no packet, ${colorScheme}`).toEqual([]);
        await event("packet", packet(10));
      }
      if (!name.startsWith("overview")) await rows(page).first().waitFor();
      if (name === "services") await rows(page).nth(2).click();
      expect(await findings(page), `${name}, ${colorScheme}`).toEqual([]);
    }
    expect(faults).toEqual([]);
    await page.context().close();
  }
  const { page } = await stage.visit("#services", phone);
  await filled(page);
  expect(await findings(page), "phone").toEqual([]);
});

test("a phone: nothing is wider than the screen, and what is selected covers the list", async () => {
  const { page, faults } = await stage.visit("#overview", phone);
  await filled(page);
  const isWide = () =>
    page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
  await picture(page, "phone-overview");
  for (const name of ["overview", "services", "subscriptions", "updates", "statistics"]) {
    await page.goto(`${origin}/#${name}`);
    for (const width of [390, 320]) {
      await page.setViewportSize({ width, height: 700 });
      expect(await isWide(), `${name} at ${width}`).toBe(false);
    }
  }
  await page.setViewportSize(phone.viewport);
  await page.goto(`${origin}/#services`);
  await page.getByRole("button", { name: /^Printer, IPP / }).tap();
  await rows(page).nth(3).tap();
  const panel = page.locator("#detail");
  expect(await panel.boundingBox()).toEqual({ x: 0, y: 0, ...phone.viewport });
  await picture(page, "phone-detail");
  expect(await panel.locator(".subtitle").textContent()).toBe("Printer, IPP, _ipp._tcp");
  await panel.locator(".close").tap();
  await panel.waitFor({ state: "hidden" });
  await picture(page, "phone-services");
  expect(faults).toEqual([]);
});

test("charts show the last five minutes, in a picture of a page left open", async () => {
  const { page, faults } = await stage.visit("");
  await filled(page);
  await page.clock.install();
  for (let seconds = 5; seconds <= 330; seconds += 5) {
    await stage.set("/v1/interfaces", { interfaces: interfaces(all, seconds) });
    await event("summary", summary(2000, seconds));
    await page.clock.runFor(5000);
  }
  for (const one of all.slice(100, 106)) await event("service-removed", one);
  for (const one of all.slice(100, 103)) await event("service-added", one);
  await page.clock.runFor(5000);
  const path = (await page.locator(".tile path").first().getAttribute("d")) ?? "";
  const xs = [...path.matchAll(/[ML](\S+)/g)].map(([, x]) => Number(x));
  expect(Math.min(...xs)).toBeLessThan(15);
  expect(Math.max(...xs)).toBeGreaterThan(280);
  expect(path.match(/M/g)?.length).toBe(1);
  expect(await page.locator(".lately li").count()).toBe(9);
  await picture(page, "overview-light");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.locator(".card h3 a").nth(1).click();
  await page.locator("#detail h2").waitFor();
  await picture(page, "overview-dark");
  expect(faults).toEqual([]);
});

test("forty links with the longest names there are fit, on a phone and beside what is selected", async () => {
  const [first] = interfaces(all);
  const label = "ü".repeat(31);
  const many = Array.from({ length: 40 }, (_, at) => ({
    ...first,
    name: `enp130s0f${at}.4094`.slice(0, 15),
    zones: [`${label}.${label}.${label}.example.com`, "1.0.10.in-addr.arpa"],
    problems: at === 3 ? [`${label} `.repeat(20)] : [],
  }));
  await stage.set("/v1/interfaces", { interfaces: many });
  const { page, faults } = await stage.visit("");
  await filled(page);
  await page.locator(".card").nth(39).waitFor();
  await page.locator(".card h3 a").nth(3).focus();
  await page.keyboard.press("Enter");
  await page.locator("#detail h2").waitFor();
  await picture(page, "many-links");
  const isWide = () =>
    page.evaluate(() => {
      const overview = document.querySelector(".overview") as Element;
      const top = document.documentElement;
      return overview.scrollWidth > overview.clientWidth || top.scrollWidth > top.clientWidth;
    });
  expect(await isWide()).toBe(false);
  await page.keyboard.press("Escape");
  for (const width of [320, 390, 721, 961]) {
    await page.setViewportSize({ width, height: 800 });
    expect(await isWide(), `${width}`).toBe(false);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: "dark" });
  await picture(page, "many-links-phone-dark");
  expect(faults).toEqual([]);
});
