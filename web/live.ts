// Keeps the model true: follows the stream of events, reads the lists again when
// the stream was cut, and asks for what no event tells.

import { type Api, TokenWanted } from "./api.js";
import type { Model } from "./model.js";
import type { Health, Link, Service, Summary } from "./shapes.js";
import type { StreamEvent } from "./stream.js";

const retryMin = 1000;
const retryMax = 15_000;
const linksEvery = 3000;

const sleep = (time: number) => new Promise<void>((resolve) => setTimeout(resolve, time));

/** What belongs to one stream. */
interface Visit {
  /** Events that wait for lists; absent: none are being read. */
  early: StreamEvent[] | undefined;
  /** Ends the stream with its next event: another one begins with fresh lists. */
  failure: Error | undefined;
  isOver: boolean;
}

export class Live {
  readonly #api: Api;
  readonly #model: Model;
  readonly #changed: () => void;
  #wake: () => void = () => {};

  constructor(api: Api, model: Model, changed: () => void) {
    this.#api = api;
    this.#model = model;
    this.#changed = changed;
  }

  /** Never ends. */
  async run(): Promise<never> {
    let pause = retryMin;
    for (;;) {
      try {
        await this.#connect(() => {
          pause = retryMin;
        });
        this.#lose();
      } catch (error) {
        if (error instanceof TokenWanted) await this.#waitForToken(error.message);
        else this.#lose();
      }
      if (this.#model.connection.state === "lost") await sleep(pause);
      pause = Math.min(pause * 2, retryMax);
    }
  }

  useToken(token: string): void {
    this.#api.token = token;
    this.#wake();
  }

  #lose(): void {
    const { connection } = this.#model;
    const since = connection.state === "lost" ? connection.since : Date.now();
    this.#model.connection = { state: "lost", since };
    this.#changed();
  }

  async #waitForToken(reason: string): Promise<void> {
    this.#model.connection = { state: "token", reason };
    this.#changed();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#model.connection = { state: "opening" };
    this.#changed();
  }

  /** One stream, from its beginning to its end. */
  async #connect(isGood: () => void): Promise<void> {
    const visit: Visit = { early: undefined, failure: undefined, isOver: false };
    const begin = async () => {
      try {
        await this.#fill(visit);
        if (visit.isOver) return;
        isGood();
        this.#model.connection = { state: "live" };
        this.#changed();
        while (!visit.isOver) {
          await sleep(linksEvery);
          if (!visit.isOver) await this.#readLinks();
        }
      } catch (error) {
        visit.failure ??= error as Error;
      }
    };
    const opened = () => void begin();
    try {
      await this.#api.follow("v1/events", opened, (event) => {
        if (visit.failure !== undefined) throw visit.failure;
        if (visit.early === undefined) this.#take(event, visit);
        else visit.early.push(event);
      });
    } finally {
      visit.isOver = true;
    }
  }

  /** Reads the lists. What events tell meanwhile is newer, and waits for them. */
  async #fill(visit: Visit): Promise<void> {
    const early: StreamEvent[] = [];
    visit.early = early;
    const [summary, { services }, health] = await Promise.all([
      this.#api.json<Summary>("v1/summary"),
      this.#api.json<{ services: Service[] }>("v1/services"),
      this.#api.json<Health>("healthz", [503]),
      this.#readLinks(),
    ]);
    if (visit.isOver) return;
    this.#model.listeners = health.listeners.map(({ name }) => name);
    const now = Date.now();
    this.#model.takeSummary(summary, now);
    this.#model.takeServices(services, now);
    visit.early = undefined;
    for (const event of early) this.#take(event, visit);
  }

  async #readLinks(): Promise<void> {
    const { interfaces } = await this.#api.json<{ interfaces: Link[] }>("v1/interfaces");
    this.#model.takeLinks(interfaces, Date.now());
    this.#changed();
  }

  #take({ name, data }: StreamEvent, visit: Visit): void {
    const now = Date.now();
    const value = JSON.parse(data);
    if (name === "reloaded") {
      this.#fill(visit).catch((error) => {
        visit.failure ??= error;
      });
    } else if (name === "summary") this.#model.takeSummary(value as Summary, now);
    else if (name === "service-removed") this.#model.remove(value as Service, now);
    else if (name === "service-added" || name === "service-changed") {
      this.#model.put(value as Service, now);
    } else return;
    this.#changed();
  }
}
