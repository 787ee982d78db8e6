// What the page knows of discd: the last summary, links and services, what came
// and went lately, and the numbers that the charts are drawn from.

import type { Point } from "./curve.js";
import type { Link, Service, Summary } from "./shapes.js";

/** How the page stands to the server. */
export type Connection =
  | { readonly state: "opening" | "live" }
  | { readonly state: "token"; readonly reason: string }
  | { readonly state: "lost"; readonly since: number };

/** A service that came or went while the page was open. */
export interface Passing {
  readonly id: number;
  readonly at: number;
  readonly sign: "+" | "-";
  readonly service: Service;
}

/** Points that a chart can show: five minutes at one every two seconds. */
const pointsMax = 150;
const passingsMax = 40;

/** One line of a chart. */
export class History {
  readonly points: Point[] = [];

  add(at: number, value: number): void {
    this.points.push({ at, value });
    if (this.points.length > pointsMax) this.points.shift();
  }
}

/** How often packets of one link, or of all, went by; fed with sums that only grow. */
export class Traffic {
  readonly in = new History();
  readonly out = new History();
  #last: { at: number; in: number; out: number } | undefined;

  add(at: number, sums: { readonly in: number; readonly out: number }): void {
    const last = this.#last;
    this.#last = { at, in: sums.in, out: sums.out };
    // Sums that shrink are those of a server that began anew.
    if (last === undefined || at <= last.at || sums.in < last.in || sums.out < last.out) return;
    const minutes = (at - last.at) / 60_000;
    this.in.add(at, (sums.in - last.in) / minutes);
    this.out.add(at, (sums.out - last.out) / minutes);
  }
}

export class Model {
  connection: Connection = { state: "opening" };
  summary: Summary | undefined;
  links: readonly Link[] = [];
  /** Where DNS is answered: `127.0.0.1:53/udp`. */
  listeners: readonly string[] = [];
  /** Whether services and links have been read at all. */
  isFilled = false;
  readonly services = new Map<string, Service>();
  /** Counts the changes of `services`. */
  edition = 0;
  readonly passings: Passing[] = [];
  readonly queries = new History();
  readonly traffic = new Traffic();
  readonly linkTraffic = new Map<string, Traffic>();
  /** Services that are gone, so that one who reads of them can read on. */
  readonly gone = new Map<string, { readonly at: number; readonly service: Service }>();
  #passed = 0;

  takeSummary(summary: Summary, at: number): void {
    this.summary = summary;
    this.queries.add(at, summary.queries.perSecond);
  }

  takeLinks(links: readonly Link[], at: number): void {
    this.links = links;
    const sums = { in: 0, out: 0 };
    for (const { name, mdns } of links) {
      let traffic = this.linkTraffic.get(name);
      if (traffic === undefined) {
        traffic = new Traffic();
        this.linkTraffic.set(name, traffic);
      }
      traffic.add(at, mdns);
      sums.in += mdns.in;
      sums.out += mdns.out;
    }
    this.traffic.add(at, sums);
    const names = new Set(links.map(({ name }) => name));
    for (const name of this.linkTraffic.keys()) {
      if (!names.has(name)) this.linkTraffic.delete(name);
    }
  }

  /** A whole list; what it lacks is gone, what is new in it came, unless it is the first. */
  takeServices(services: readonly Service[], at: number): void {
    const keys = new Set<string>();
    for (const service of services) {
      keys.add(service.id);
      this.put(service, at);
    }
    for (const [key, service] of this.services) if (!keys.has(key)) this.remove(service, at);
    this.isFilled = true;
    this.edition++;
  }

  put(service: Service, at: number): void {
    const key = service.id;
    const isNew = !this.services.has(key);
    this.services.set(key, service);
    this.gone.delete(key);
    if (isNew && this.isFilled) this.#pass("+", service, at);
    this.edition++;
  }

  remove(service: Service, at: number): void {
    const key = service.id;
    const known = this.services.get(key);
    if (known === undefined) return;
    this.services.delete(key);
    this.gone.set(key, { at, service: known });
    const [oldest] = this.gone.keys();
    if (this.gone.size > passingsMax && oldest !== undefined) this.gone.delete(oldest);
    this.#pass("-", known, at);
    this.edition++;
  }

  #pass(sign: "+" | "-", service: Service, at: number): void {
    this.passings.unshift({ id: ++this.#passed, at, sign, service });
    if (this.passings.length > passingsMax) this.passings.pop();
  }
}
