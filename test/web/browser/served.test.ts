// discweb as discd's own listeners serve it: under their Content-Security-Policy,
// with their shapes, their events and their token.

import { afterAll, beforeAll, expect } from "vitest";
import { needs } from "../../netns/needs.js";
import { Stage } from "../stage.js";
import { service } from "../world.js";

const test = needs("chromium");

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("served.ts");
});
afterAll(() => stage?.close());

test("A2.4: every page fills, events arrive, and the browser complains of nothing", async () => {
  const { page, faults } = await stage.visit("");
  await page.locator(".health.good").waitFor();
  expect(await page.locator(".card h3").allTextContents()).toEqual(["net1"]);
  const row = page.locator(".rows > .row").first();
  const names = ["hosts", "zones", "domains", "subscriptions", "questions", "updates"];
  for (const name of [...names, "statistics", "services"]) {
    await page.locator(`nav a[href="#${name}"]`).click();
    await page.locator(`.grid.${name} .rows > .row`).first().waitFor();
    await row.click();
    await page.locator("#detail h2").waitFor();
    await page.keyboard.press("Escape");
  }
  await stage.tell({ event: "service-added", data: service(7001, "\0 AAA", "_ipp._tcp", "eth0") });
  await page.getByText("2,001 services").waitFor();
  expect(faults).toEqual([]);
});

test("elsewhere the page opens without the token, and shows nothing before it has it", async () => {
  const { page, faults } = await stage.visit("#services", {}, "http://192.0.2.1:8053");
  await page.getByText("reading from another host needs the token").waitFor();
  expect(await page.locator(".rows > .row").count()).toBe(0);
  await page.getByLabel("Token").fill("s3cret");
  await page.keyboard.press("Enter");
  await page.getByText("2,000 services").waitFor();
  // The browser itself says of a refused request that it was one.
  expect(faults.filter((fault) => !fault.includes("401 (Unauthorized)"))).toEqual([]);
});
