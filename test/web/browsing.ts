// A browser in a network namespace: nothing that a page asks can leave that, and
// what goes wrong on a page is written down.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { top } from "../netns/daemon.js";

/** Where pictures are kept: DISCD_TEST_PICTURES, else with the other reports. */
const pictures =
  process.env.DISCD_TEST_PICTURES ?? join(top, "node_modules", ".cache", "discd", "pictures");

/** One page and what went wrong on it. */
export interface Visit {
  readonly page: Page;
  /** Errors and warnings of the console, exceptions, dialogs, requests to anywhere else. */
  readonly faults: string[];
}

export class Browsing {
  readonly #browser: Browser;
  readonly #folder: string;

  private constructor(browser: Browser, folder: string) {
    this.#browser = browser;
    this.#folder = folder;
  }

  /** @param enter the command that enters the namespace */
  static async open(enter: readonly string[]): Promise<Browsing> {
    const folder = mkdtempSync(join(tmpdir(), "discd-web-"));
    const wrapper = join(folder, "browser");
    writeFileSync(wrapper, `#!/bin/sh\nexec ${enter.join(" ")} chromium "$@"\n`);
    chmodSync(wrapper, 0o755);
    // Chromium's own sandbox does not work for root, which namespaces need.
    const args = ["--no-sandbox", "--disable-gpu"];
    // Only here: programs that hold this file and open no browser stay small.
    const { chromium } = await import("playwright-core");
    return new Browsing(await chromium.launch({ executablePath: wrapper, args }), folder);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * A page of a context of its own, at an origin and a path below it.
   *
   * @param first runs in the page before its own scripts
   */
  async visit(
    from: string,
    path = "",
    options: BrowserContextOptions = {},
    first = "",
  ): Promise<Visit> {
    const context = await this.#browser.newContext({
      viewport: { width: 1360, height: 820 },
      locale: "en-GB",
      ...options,
    });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) faults.push(message.text());
    });
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("dialog", (dialog) => {
      faults.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(`${from}/`)) faults.push(`asked for ${request.url()}`);
    });
    await page.addInitScript({ content: first });
    await page.goto(`${from}/${path}`);
    return { page, faults };
  }
}

export const rows = (page: Page) => page.locator(".rows > .row");

/** Waits until the page has read everything once, and discd works. */
export const filled = (page: Page) => page.locator(".health.good").waitFor();

export function picture(page: Page, name: string): Promise<Buffer> {
  mkdirSync(pictures, { recursive: true });
  return page.screenshot({ path: join(pictures, `${name}.png`) });
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly target: readonly string[] }[];
  }[];
}

/** What axe finds of weight, as `rule: where`. */
export async function findings(page: Page): Promise<string[]> {
  const source = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  await page.evaluate(readFileSync(source, "utf8"));
  return page.evaluate(async () => {
    const run = (globalThis as unknown as { axe: { run(): Promise<AxeResult> } }).axe;
    const { violations } = await run.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`));
  });
}
