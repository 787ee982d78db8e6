// discweb in a real browser, against something that answers as the API does:
// every page fills, changes arrive without a reload and without a jump, nothing a
// device calls itself is more than text, and keys do all that a mouse does.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { until } from "../../netns/children.js";
import { needs } from "../../netns/needs.js";
import { filled, picture, rows } from "../browsing.js";
import { origin, Stage } from "../stage.js";
import {
  interfaces,
  lists,
  packet,
  service,
  services,
  strangeNames,
  summary,
  type Thing,
} from "../world.js";

const test = needs("chromium");
const all = services(2000);

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage?.close());
beforeEach(async () => {
  await stage.tell({ token: "", isDown: false });
  await stage.furnish(all);
});

const event = (name: string, data: Thing) => stage.tell({ event: name, data });
async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  await until(what, check, 8000);
}

/** The text of a row, cell by cell. */
const cells = (page: Page, at: number) => rows(page).nth(at).locator(".cell").allTextContents();

test("A2.4: every page fills with what the API says", async () => {
  const { page, faults } = await stage.visit();
  await filled(page);
  expect(await page.locator(".card h3").allTextContents()).toEqual(
    interfaces(all).map(({ name }) => name),
  );
  expect(await page.locator(".verdict").textContent()).toBe("Working, 3 of 4 links up, 1 warning");
  await page.getByText("published 480 of 480").waitFor();
  const sums = await page.locator(".sums a").allTextContents();
  expect(sums).toEqual([
    "2,000 services",
    "12 types",
    "9 zones",
    "118 push subscriptions",
    "4 LLQs",
  ]);
  expect(await page.title()).toBe("Overview · px.example.com · discd");
  const expected: Record<string, number> = { services: 2000, statistics: 3 };
  for (const [path, body] of Object.entries(lists())) {
    if (path.startsWith("/v1/")) expected[path.slice(4)] = Object.values(body).flat().length;
  }
  for (const [name, count] of Object.entries(expected)) {
    await page.locator(`nav a[href="#${name}"]`).click();
    await page.locator(`.grid.${name} .rows > .row`).first().waitFor();
    const grid = page.locator(`.grid.${name}`);
    expect(await grid.getAttribute("aria-rowcount"), name).toBe(String(count + 1));
    expect(await page.locator(".result").textContent()).toContain(count.toLocaleString("en"));
    await rows(page).first().click();
    await page.locator("#detail h2").waitFor();
    await picture(page, `page-${name}`);
    await page.locator("#detail .close").click();
  }
  expect(faults).toEqual([]);
});

test("A2.4: a service comes, changes and leaves without a reload", async () => {
  const { page, faults } = await stage.visit("#services");
  await filled(page);
  await page.evaluate(() => Object.assign(window, { isSame: true }));
  const fresh = service(7001, "AAA new printer", "_ipp._tcp", "eth0");
  await event("service-added", fresh);
  const row = rows(page).filter({ hasText: "AAA new printer" });
  await row.waitFor();
  expect(await page.locator(".result").textContent()).toBe("2,001 services");
  await row.click();
  const panel = page.locator("#detail");
  expect(await panel.locator("h2").textContent()).toBe("AAA new printer");
  const copy = panel.locator(".copy").first();
  await copy.focus();
  await event("service-changed", { ...fresh, port: 9100, addresses: ["10.1.2.3"] });
  await eventually("the change", async () => ((await panel.textContent()) ?? "").includes("9100"));
  expect(await copy.evaluate((element) => element === document.activeElement)).toBe(true);
  await event("service-removed", fresh);
  await row.waitFor({ state: "detached" });
  expect(await panel.locator(".notes").textContent()).toMatch(/^Gone since \d\d:\d\d:\d\d$/);
  await page.locator('nav a[href="#overview"]').click();
  const lately = page.locator(".lately li");
  await lately.first().waitFor();
  expect(await lately.locator("bdi").allTextContents()).toEqual([
    ...["AAA new printer", "Printer, IPP", "eth0"],
    ...["AAA new printer", "Printer, IPP", "eth0"],
  ]);
  expect(await lately.locator(".unseen").allTextContents()).toEqual(["went", "came"]);
  expect(await page.evaluate(() => "isSame" in window)).toBe(true);
  expect(faults).toEqual([]);
});

test("A2.4: search, types and links narrow the list, and the address keeps them", async () => {
  const { page, faults } = await stage.visit("#services");
  await filled(page);
  await page.keyboard.press("/");
  await page.keyboard.type("room 117");
  const texts = all.map((one) => JSON.stringify(one).toLowerCase());
  const want = texts.filter((text) => text.includes("room") && text.includes("117")).length;
  await eventually("the numbers", async () => {
    return (await page.locator(".result").textContent()) === `${want} of 2,000 services`;
  });
  expect(want).toBeGreaterThan(3);
  expect(await rows(page).count()).toBe(want);
  await page.reload();
  await filled(page);
  expect(await rows(page).count()).toBe(want);
  expect(await page.locator(".bar input").inputValue()).toBe("room 117");
  await page.locator(".bar input").fill("");
  await page.getByRole("button", { name: /^Printer, IPP / }).click();
  await page.getByRole("button", { name: /^eth0 / }).click();
  const ipp = all.filter(({ type, link }) => type === "_ipp._tcp" && link === "eth0");
  await eventually("the type", async () => {
    return (await page.locator(".result").textContent()) === `${ipp.length} of 2,000 services`;
  });
  expect(new Set(await rows(page).locator(".cell.type").allTextContents())).toEqual(
    new Set(["Printer, IPP"]),
  );
  const lines = await page.locator("#detail code").allTextContents();
  expect(lines).toContain("dig @127.0.0.1 PTR '_ipp._tcp.Building\\0321.example.com'");
  await picture(page, "type-chosen");
  await page.keyboard.press("Escape");
  await page.locator("#detail").waitFor({ state: "hidden" });
  expect(await rows(page).count()).toBeGreaterThan(10);
  expect(new Set(await rows(page).locator(".cell.type").allTextContents()).size).toBe(1);
  await page.locator(".head button", { hasText: "Name" }).click();
  const names = await rows(page).locator(".cell.instance").allTextContents();
  expect(names.slice(0, 3)).toEqual(
    ipp
      .map(({ instance }) => instance)
      .sort(new Intl.Collator("en-GB", { numeric: true, sensitivity: "base" }).compare)
      .reverse()
      .slice(0, 3),
  );
  expect(faults).toEqual([]);
});

test("whatever a device calls itself is text, in any script", async () => {
  const few = strangeNames.map((name, at) =>
    service(at, name, "_ipp._tcp", "eth0", {
      txt: [{ key: name, value: name, isBinary: false }],
      subtypes: [name],
      host: name,
    }),
  );
  await stage.furnish(few);
  await stage.set("/v1/interfaces", {
    interfaces: interfaces(few).map((link) => ({ ...link, zones: [...strangeNames] })),
  });
  const { page, faults } = await stage.visit("#overview");
  await filled(page);
  for (const one of few) await event("service-removed", one);
  for (const one of few) await event("service-added", one);
  await page.locator(".lately li").nth(31).waitFor();
  await picture(page, "strange-names-overview");
  await page.goto(`${origin}/#services`);
  await rows(page)
    .nth(strangeNames.length - 1)
    .waitFor();
  const shownNames = await rows(page).locator(".instance bdi").allTextContents();
  const visible = (text: string) =>
    text
      .replace(/\u202e/g, "\\226\\128\\174")
      .replace(/\u202c/g, "\\226\\128\\172")
      .replace(/\n/g, "\\010")
      .replace(/\u0007/g, "\\007");
  expect([...shownNames].sort()).toEqual(strangeNames.map(visible).sort());
  for (let at = 0; at < strangeNames.length; at++) {
    const name = (await rows(page).nth(at).locator(".instance bdi").textContent()) ?? "";
    await rows(page).nth(at).click();
    await eventually(name, async () => (await page.locator("#detail h2").textContent()) === name);
    expect(await page.locator("#detail .txt dt").allTextContents()).toEqual([name]);
  }
  await picture(page, "strange-names");
  expect(await page.title()).toBe("Services · px.example.com · discd");
  // What the page itself is made of, and nothing besides.
  expect(await page.locator("script").count()).toBe(1);
  expect(await page.locator("img, iframe, [onerror], [style*=url]").count()).toBe(0);
  expect(faults).toEqual([]);
});

test("what is looked at stays where it is while services come and go above it", async () => {
  const { page, faults } = await stage.visit("#services");
  await filled(page);
  const grid = page.locator(".grid");
  await grid.evaluate((element) => element.scrollTo(0, 20_000));
  const seen = rows(page)
    .filter({ hasText: /^\w+ \d+/ })
    .nth(12);
  await seen.click();
  const name = await seen.locator(".instance").textContent();
  const chosen = rows(page).filter({ hasText: name ?? "" });
  const before = await chosen.boundingBox();
  const line = await page.locator("#detail code").first().textContent();
  for (let at = 0; at < 60; at++) {
    await event("service-added", service(8000 + at, `AA ${at}`, "_ipp._tcp", "eth0"));
  }
  for (const one of all.slice(20, 60)) await event("service-removed", one);
  await eventually("the number", async () => {
    return (await page.locator(".result").textContent()) === "2,020 services";
  });
  expect(await chosen.boundingBox()).toEqual(before);
  expect(await chosen.evaluate((row) => row === document.activeElement)).toBe(true);
  expect(await chosen.getAttribute("aria-selected")).toBe("true");
  expect(await page.locator("#detail code").first().textContent()).toBe(line);

  // A row in focus is there, and has it, however far away one looks.
  await grid.evaluate((element) => element.scrollTo(0, 0));
  await rows(page).filter({ hasText: /^AA 0/ }).waitFor();
  expect(await chosen.evaluate((row) => row === document.activeElement)).toBe(true);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  expect(await chosen.evaluate((row) => row === document.activeElement)).toBe(true);
  await chosen.scrollIntoViewIfNeeded();

  // Without a focus in the list it is the first row in sight that stays.
  await page.locator("#detail .close").click();
  await page.locator(".bar input").focus();
  const top = async () => {
    const boxes = await rows(page).evaluateAll((elements) => {
      const edge = document.querySelector(".heads")?.getBoundingClientRect().bottom ?? 0;
      return elements
        .map((row) => ({ y: row.getBoundingClientRect().top, text: row.textContent }))
        .filter(({ y }) => y >= edge)
        .sort((a, b) => a.y - b.y);
    });
    return boxes[0];
  };
  const first = await top();
  for (let at = 60; at < 90; at++) {
    await event("service-added", service(8000 + at, `AA ${at}`, "_ipp._tcp", "eth0"));
  }
  await eventually("the number", async () => {
    return (await page.locator(".result").textContent()) === "2,050 services";
  });
  expect(await top()).toEqual(first);

  // The row in focus goes: its neighbour takes the focus over.
  await chosen.focus();
  const gone = all.find(({ instance }) => instance === name) as Thing;
  await event("service-removed", gone);
  await chosen.waitFor({ state: "detached" });
  expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("row");
  expect(faults).toEqual([]);
});

test("2,000 services: few elements, and bursts are drawn once", async () => {
  const { page, faults } = await stage.visit("#services");
  await filled(page);
  expect(await page.locator(".rows > .row").count()).toBeLessThan(60);
  const burst = Array.from({ length: 1000 }, (_, at) =>
    service(9000 + at, `BB ${at}`, "_ipp._tcp", "eth0"),
  );
  await page.evaluate(() => {
    const seen = { count: 0 };
    Object.assign(window, { seen });
    const result = document.querySelector(".result") as Element;
    const watch = (records: readonly unknown[]) => {
      seen.count += records.length;
    };
    new MutationObserver(watch).observe(result, { childList: true });
  });
  const begun = Date.now();
  for (let at = 0; at < burst.length; at += 20) {
    const some = burst.slice(at, at + 20);
    await stage.tell({ events: some.map((data) => ({ event: "service-added", data })) });
  }
  await eventually("the burst", async () => {
    return (await page.locator(".result").textContent()) === "3,000 services";
  });
  const drawn = await page.evaluate(() => (window as unknown as { seen: { count: number } }).seen);
  // Ten draws a second, whatever comes.
  expect(drawn.count).toBeLessThanOrEqual((Date.now() - begun) / 100 + 1);
  expect(drawn.count).toBeGreaterThan(0);
  expect(faults).toEqual([]);
});

test("keys alone: search, walk, open, copy, close, and back", async () => {
  const { page, faults } = await stage.visit("#services");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  await filled(page);
  await page.keyboard.press("/");
  await page.keyboard.type("printer 00");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  const panel = page.locator("#detail");
  const first = await panel.locator("h2").textContent();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await eventually("another", async () => (await panel.locator("h2").textContent()) !== first);
  const chosen = page.locator('.row[aria-selected="true"]');
  expect(await chosen.evaluate((row) => row === document.activeElement)).toBe(true);
  expect(await chosen.getAttribute("aria-rowindex")).toBe("4");
  await page.keyboard.press("End");
  await page.keyboard.press("Home");
  await eventually("the first", async () => (await panel.locator("h2").textContent()) === first);
  // One step leads out of the list, however long it is.
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.className)).toBe("close");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const line = await panel.locator("code").first().textContent();
  await eventually("copied", async () => {
    return (await page.evaluate(() => navigator.clipboard.readText())) === line;
  });
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "hidden" });
  expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("row");
  await page.keyboard.press("Shift+Tab");
  expect(faults).toEqual([]);
});

test("a token is asked for where one is wanted, and a wrong one again", async () => {
  await stage.tell({ token: "s3cret" });
  const { page } = await stage.visit("#services");
  const field = page.getByLabel("Token");
  await field.waitFor();
  await picture(page, "token");
  await field.fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByText("the token is wrong").waitFor();
  expect(await field.inputValue()).toBe("");
  await field.fill("s3cret");
  await page.keyboard.press("Enter");
  await rows(page).first().waitFor();
  await page.reload();
  await rows(page).first().waitFor();
  expect(page.url()).not.toContain("s3cret");
});

test("a connection that was lost is said, found again, and nothing is missed", async () => {
  const { page } = await stage.visit("#services?q=BB");
  await filled(page);
  await stage.tell({ isDown: true, cut: true });
  await page.locator(".health.waiting").waitFor();
  expect(await page.locator(".health").textContent()).toBe("no connection");
  expect(await page.title()).toMatch(/^! Services/);
  const alert = page.locator("#lost");
  await alert.waitFor();
  expect(await alert.textContent()).toMatch(/^No connection to discd since \d\d:\d\d:\d\d\./);
  await picture(page, "lost");
  const [gone, ...rest] = all;
  const more = service(9999, "BB late", "_ipp._tcp", "eth0");
  await stage.furnish([...rest, more]);
  await stage.tell({ isDown: false });
  await page.locator(".health.good").waitFor({ timeout: 20_000 });
  await alert.waitFor({ state: "hidden" });
  expect(await cells(page, 0)).toContain("BB late");
  await page.locator('nav a[href="#overview"]').click();
  const lately = await page.locator(".lately a bdi").allTextContents();
  expect(lately.sort()).toEqual([gone?.instance, "BB late"].sort());
});

test("numbers move while the page is open", async () => {
  const { page, faults } = await stage.visit("");
  await filled(page);
  await event("summary", { ...summary(2000), queries: { total: 1, perSecond: 77 }, llq: 5 });
  const tile = page.locator(".tile").first();
  await eventually("queries", async () => (await tile.locator("strong").textContent()) === "77");
  expect(await tile.locator("svg").getAttribute("aria-label")).toMatch(/queries: 77 now/);
  await stage.set("/v1/interfaces", { interfaces: interfaces(all, 600) });
  const path = page.locator(".card svg path").first();
  await eventually("the line", async () => /^M\S+ \S+/.test((await path.getAttribute("d")) ?? ""));
  const reload = { at: "2026-11-21T20:00:00Z", isTaken: false, problems: ["discd.lua:3: no", "x"] };
  await event("summary", { ...summary(2000), reload });
  await page
    .getByText(/^The configuration was refused, .*: discd\.lua:3: no, and 1 more$/)
    .waitFor();
  expect(await page.locator(".verdict").textContent()).toMatch(/2 warnings$/);
  await event("summary", { ...summary(2000), health: "failing", problems: ["<b>zone</b> is not"] });
  await page.locator(".health.bad").waitFor();
  expect(await page.locator(".overview > .notes").textContent()).toBe("<b>zone</b> is not");
  await picture(page, "failing");
  expect(faults).toEqual([]);
});

test("A2.5: packets pass, are narrowed by words, and hold still when they are read", async () => {
  const { page, faults } = await stage.visit("#packets");
  await filled(page);
  await page.getByText("Waiting for a packet").waitFor();
  const say = async (from: number, to: number) => {
    const some = Array.from({ length: to - from }, (_, at) => packet(from + at));
    await stage.tell({ events: some.map((data) => ({ event: "packet", data })) });
  };
  await say(0, 40);
  await page.getByText("40 packets").waitFor();
  const first = await rows(page).first().locator(".gist").textContent();
  expect(first).toBe("PTR _ipp._tcp.local");
  await picture(page, "page-packets");
  const chosen = rows(page).filter({ hasText: "Printer\\03238" });
  await chosen.click();
  const before = await chosen.boundingBox();
  await say(40, 60);
  await page.getByText("60 packets").waitFor();
  expect(await chosen.boundingBox()).toEqual(before);
  const panel = page.locator("#detail");
  expect(await panel.locator("h2").textContent()).toBe("Response from 10.1.0.40:5353");
  expect(await panel.locator(".facts").first().textContent()).toContain(
    "SRV 0 0 631 host-38.local.",
  );
  // The last 500 are kept; the one that is read stays readable.
  await say(60, 620);
  await page.getByText("500 packets").waitFor();
  expect(await panel.locator("h2").textContent()).toBe("Response from 10.1.0.40:5353");
  await page.keyboard.press("Escape");
  const asked = page.waitForRequest(/v1\/packets\?/);
  await page.locator(".bar input").fill("host-61 link=floor2 type=SRV");
  expect(new URL((await asked).url()).search).toBe("?link=floor2&type=SRV");
  const want = Array.from({ length: 500 }, (_, at) => JSON.stringify(packet(120 + at)));
  const fit = want.filter((text) => text.includes("host-61")).length;
  await page.getByText(`${fit} of 500 packets`).waitFor();
  await page.getByRole("button", { name: "Hold" }).click();
  await page.getByRole("button", { name: "Go on" }).waitFor();
  await say(700, 710);
  expect(await page.locator(".result").textContent()).toBe(`${fit} of 500 packets`);
  expect(faults).toEqual([]);
});

test("where there is nothing the page says so, and what would change that", async () => {
  for (const [path, body] of Object.entries(lists())) {
    const nothing = Object.fromEntries(Object.keys(body).map((name) => [name, []]));
    if (path.startsWith("/v1/")) await stage.set(path, nothing);
  }
  await stage.set("/v1/services", { services: [], types: [] });
  await stage.set("/v1/interfaces", { interfaces: [] });
  await stage.set("/v1/summary", { ...summary(0), links: 0, zones: 0 });
  const { page, faults } = await stage.visit();
  await filled(page);
  await page.getByText("No link is in use").waitFor();
  await picture(page, "empty-overview");
  const said = {
    services: "None so far. A link is asked when somebody asks discd",
    subscriptions: "Nobody subscribes to anything",
    questions: "Nothing is asked on any link",
    updates: "No link is in update mode",
  };
  for (const [name, words] of Object.entries(said)) {
    await page.locator(`nav a[href="#${name}"]`).click();
    await page.locator(".empty").getByText(words).waitFor();
  }
  await page.goto(`${origin}/#services`);
  await page.locator(".empty").getByText("None so far").waitFor();
  await picture(page, "empty-services");
  expect(faults).toEqual([]);
});
