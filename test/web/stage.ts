// A browser and something that answers like discd, in a namespace without any
// link but its loopback: nothing that the page asks can leave it.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import type { BrowserContextOptions } from "playwright-core";
import { Child } from "../netns/children.js";
import { top } from "../netns/daemon.js";
import { Topology } from "../netns/topology.js";
import { Browsing, type Visit } from "./browsing.js";
import { interfaces, lists, metrics, type ServiceBody, summary } from "./world.js";

const port = 8053;
export const origin = `http://127.0.0.1:${port}`;

export class Stage {
  readonly #topology: Topology;
  readonly #server: Child;
  readonly #browser: Browsing;
  readonly #built: string;
  #told = 0;

  private constructor(topology: Topology, server: Child, browser: Browsing, built: string) {
    this.#built = built;
    this.#topology = topology;
    this.#server = server;
    this.#browser = browser;
  }

  /** @param source what answers: a program of this folder, given dist/web and a port */
  static async open(source = "pretender.ts"): Promise<Stage> {
    // Below the libraries that it imports, and of this run alone.
    const cache = join(top, "node_modules", ".cache", "discd");
    mkdirSync(cache, { recursive: true });
    const program = join(mkdtempSync(join(cache, "web-")), "server.mjs");
    await build({
      entryPoints: [join(top, "test", "web", source)],
      outfile: program,
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
    });
    const topology = new Topology("");
    topology.addNode("web");
    const enter = topology.enter("web");
    topology.run("web", "ip addr add 192.0.2.1/32 dev lo");
    const server = new Child([
      ...enter,
      process.execPath,
      program,
      join(top, "dist", "web"),
      String(port),
    ]);
    await server.says(/^ready$/);
    const browser = await Browsing.open(enter);
    return new Stage(topology, server, browser, dirname(program));
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#server.stop();
    this.#topology.remove();
    rmSync(this.#built, { recursive: true, force: true });
  }

  /** Tells the server something, and waits until it has taken it. */
  async tell(words: object): Promise<void> {
    const id = ++this.#told;
    this.#server.write(`${JSON.stringify({ ...words, id })}\n`);
    await this.#server.says(new RegExp(`^done ${id}$`));
  }

  async set(path: string, body: object | string): Promise<void> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    await this.tell({ set: path, body: text });
  }

  /** Everything that the page reads, for these services. */
  async furnish(services: readonly ServiceBody[], seconds = 0): Promise<void> {
    for (const [path, body] of Object.entries(lists())) await this.set(path, body);
    await this.set("/metrics", metrics);
    await this.set("/v1/services", { services, types: [] });
    await this.set("/v1/interfaces", { interfaces: interfaces(services, seconds) });
    await this.set("/v1/summary", summary(services.length, seconds));
  }

  /** A page of a context of its own. */
  visit(path = "", options: BrowserContextOptions = {}, from = origin): Promise<Visit> {
    return this.#browser.visit(from, path, options);
  }
}
