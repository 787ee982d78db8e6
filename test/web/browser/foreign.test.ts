// Pages of other origins in a real browser on the host itself, where reading is
// free: they try everything that a page can, and learn nothing of what discd knows.

import { afterAll, beforeAll, expect } from "vitest";
import { Child } from "../../netns/children.js";
import { drops } from "../../netns/hostile-http.js";
import { Lab } from "../../netns/lab.js";
import { needs } from "../../netns/needs.js";
import { Browsing } from "../browsing.js";

const test = needs("chromium", "root", "ip", "curl");
const origin = "http://127.0.0.1:8053";
const zone = "floor1.example.com";

/** Another program on the same host, which serves a page that nobody should have opened. */
const otherServer = `require("http").createServer((request, response) => {
  response.setHeader("content-type", "text/html");
  response.end("<!doctype html><title>x</title><body>" + (request.url === "/frames"
    ? '<iframe src="${origin}/"></iframe><iframe src="${origin}/v1/config"></iframe>' : ""));
}).listen(9000, "127.0.0.1", () => console.log("ready"))`;

let lab: Lab;
let browser: Browsing;
beforeAll(async () => {
  lab = new Lab("net: px 10.8.0.53/24 | cli 10.8.0.2/24", {});
  const text = `interfaces = { { name = 'net', subdomain = '${zone}' } }`;
  await lab.discd(text, { apex: zone });
  const other = new Child([...lab.enter("px"), process.execPath, "-e", otherServer]);
  await lab.keep(other).says(/^ready$/);
  browser = await Browsing.open(lab.enter("px"));
});
afterAll(async () => {
  await browser?.close();
  await lab?.close();
});

/** A number of /metrics. */
function number(name: string): number {
  const lines = lab.run("px", `curl -s ${origin}/metrics`).split("\n");
  return Number(
    lines
      .find((line) => line.startsWith(`${name} `))
      ?.split(" ")
      .at(-1) ?? 0,
  );
}

/** What a page of somebody else's gets hold of, a line each. Runs in the page. */
async function attack(target: string): Promise<string[]> {
  const got: string[] = [];
  const paths = ["/v1/summary", "/v1/services", "/v1/config", "/metrics", "/v1/events", "/page.js"];
  const doc = document as Document;
  const settled = (what: string, element: HTMLElement & { src?: string; href?: string }) =>
    new Promise<void>((resolve) => {
      element.onload = () => {
        got.push(what);
        resolve();
      };
      element.onerror = () => resolve();
      setTimeout(resolve, 3_000);
      doc.body.append(element);
    });
  for (const path of paths) {
    const url = target + path;
    const read = async (how: RequestInit) => {
      try {
        const text = await (await fetch(url, how)).text();
        if (text !== "")
          got.push(`${how.method ?? "GET"} ${how.mode} ${path}: ${text.slice(0, 40)}`);
      } catch {}
    };
    await read({ mode: "cors" });
    await read({ mode: "cors", credentials: "include" });
    await read({ mode: "no-cors" });
    await read({ mode: "cors", headers: { Authorization: "Bearer s3cret" } });
    const script = doc.createElement("script");
    script.src = url;
    await settled(`script ${path}`, script);
    const image = doc.createElement("img");
    image.src = url;
    await settled(`img ${path}`, image);
    const style = doc.createElement("link");
    style.rel = "stylesheet";
    style.href = url;
    await settled(`style ${path}`, style);
  }
  for (const path of ["/v1/reload", "/v1/refresh"]) {
    for (const mode of ["cors", "no-cors"] as const) {
      try {
        const answer = await fetch(target + path, { method: "POST", mode, body: "{}" });
        if (answer.ok) got.push(`POST ${path}`);
      } catch {}
    }
  }
  await new Promise<void>((resolve) => {
    const stream = new EventSource(`${target}/v1/events`);
    stream.addEventListener("summary", () => got.push("events"));
    stream.onopen = () => got.push("a stream of events");
    setTimeout(() => {
      stream.close();
      resolve();
    }, 1_500);
  });
  await new Promise<void>((resolve) => {
    const socket = new WebSocket(`${target.replace("http", "ws")}/v1/events`);
    socket.onopen = () => got.push("a WebSocket");
    socket.onclose = () => resolve();
    setTimeout(resolve, 2_000);
  });
  return got;
}

test("A1.20: pages of other origins read nothing, and change nothing", async () => {
  // The same site on another port, and another site that is this host as well.
  for (const foreign of ["http://127.0.0.1:9000", "http://localhost:9000"]) {
    const before = number(drops("origin"));
    const { page } = await browser.visit(foreign);
    expect(await page.evaluate(attack, origin), foreign).toEqual([]);
    // They came as far as discd, which refused them itself.
    expect(number(drops("origin")) - before).toBeGreaterThan(20);
    await page.context().close();
  }
});

test("A1.20: a name that leads here without being ours shows nothing", async () => {
  // A browser takes every name below localhost for this very host.
  const before = number(drops("host"));
  const { page } = await browser.visit("http://evil.localhost:8053");
  expect(await page.content()).toContain("this is not the host that the request names");
  const answer = await page.goto("http://evil.localhost:8053/v1/summary");
  expect(answer?.status()).toBe(421);
  expect(await page.content()).not.toContain("px.example.com");
  expect(number(drops("host")) - before).toBeGreaterThanOrEqual(2);
  await page.context().close();
});

test("A1.20: nobody shows the page within his own, but anybody may lead to it", async () => {
  const { page, faults } = await browser.visit("http://localhost:9000", "frames");
  await expect.poll(() => faults.join("\n")).toMatch(/frame-ancestors 'none'/);
  for (const frame of page.frames().slice(1)) {
    const text = await frame.evaluate(() => document.body?.textContent ?? "").catch(() => "");
    expect(text).not.toMatch(/discd|hostname|Skip to/);
  }
  await page.evaluate((to) => {
    location.href = to;
  }, `${origin}/`);
  await page.locator(".health").waitFor();
  await page.context().close();
});
