// discweb of a running discd with 2,000 services: until the browser has painted
// anything, and until the services can be read.

import { Browsing, rows } from "../test/web/browsing.js";
import { median, type Row } from "./row.js";
import { Stage, zone } from "./stage.js";

const many = 2000;
const type = "_ipp._tcp";
const rounds = 7;
const configuration = `
interfaces = {
  { name = 'net1', subdomain = '${zone}', warm = true },
  { name = 'net0', disable = true },
}
`;

/** Runs in the page before anything else does; keeps milliseconds since it was asked for. */
const watch = `
globalThis.seen = {};
new PerformanceObserver((list) => {
  const [first] = list.getEntriesByName("first-contentful-paint");
  if (first !== undefined) seen.paint = first.startTime;
}).observe({ type: "paint", buffered: true });
new MutationObserver((_, observer) => {
  if (document.querySelectorAll(".rows > .row .instance bdi:not(:empty)").length < 20) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { seen.list = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
`;

function row(what: string, times: readonly number[]): Row {
  const [low, high] = [Math.min(...times).toFixed(0), Math.max(...times).toFixed(0)];
  return {
    what: `discweb with ${many} services: ${what}`,
    value: `${median(times).toFixed(0)} ms (${low}–${high})`,
    promise: "under 1 s",
    isKept: median(times) < 1000,
  };
}

export async function firstPaint(): Promise<Row[]> {
  const stage = new Stage();
  let browsing: Browsing | undefined;
  try {
    const device = await stage.role("dev1", "device", "10.1.0.3");
    await device.next();
    await device.do(`answer 10 0 20 ${type}`);
    await stage.discd(configuration);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    for (let first = 20; first < many; first += 180) {
      await device.do(`flood ${first} ${Math.min(180, many - first)} ${type}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    browsing = await Browsing.open(stage.enter("px"));
    const [paints, lists]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      const { page } = await browsing.visit("http://127.0.0.1:8053", "#services", {}, watch);
      await page.getByText("2,000 services").waitFor({ timeout: 20_000 });
      await rows(page).nth(20).waitFor();
      await page.waitForFunction("seen.list && seen.paint");
      const seen = await page.evaluate<{ paint: number; list: number }>("seen");
      paints.push(seen.paint);
      lists.push(seen.list);
      await page.context().close();
    }
    return [row("first paint", paints), row("the services can be read", lists)];
  } finally {
    await browsing?.close();
    await stage.end();
  }
}
