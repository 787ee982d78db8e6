// Small charts: lines over the last minutes, drawn as SVG from numbers and their
// times. The picture stretches to its place; the words beside it are the page's.

import { draw, make, mark, say } from "./dom.js";
import { rate } from "./text.js";

/** One line: points in the order of time, `at` in milliseconds. */
export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Point {
  readonly at: number;
  readonly value: number;
}

/** What a chart shows of the past. */
export const spanSeconds = 300;
/** Points further apart are not joined: nothing was known between them. */
const gapSeconds = 15;
const height = 40;

/** The path of one line, a unit of x for each second. */
export function pathOf(points: readonly Point[], now: number, highest: number): string {
  let path = "";
  let last = Number.NEGATIVE_INFINITY;
  for (const { at, value } of points) {
    const x = spanSeconds - (now - at) / 1000;
    if (x < 0) continue;
    const y = height - 1 - (value / highest) * (height - 3);
    path += `${x - last > gapSeconds ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    last = x;
  }
  return path;
}

/** A round number no smaller than any value: a scale that does not move with each packet. */
export function scaleOf(points: readonly Point[]): number {
  const highest = points.reduce((most, { value }) => Math.max(most, value), 1);
  const power = 10 ** Math.floor(Math.log10(highest));
  const step = [1, 2, 5].find((factor) => factor * power >= highest) ?? 10;
  return step * power;
}

function wordsOf({ name, points }: Series): string {
  const last = points.at(-1);
  if (last === undefined) return `${name}: nothing yet`;
  const most = points.reduce((sum, { value }) => Math.max(sum, value), 0);
  return `${name}: ${rate(last.value)} now, ${rate(most)} at most`;
}

export class Chart {
  readonly element: HTMLElement;
  readonly #svg: SVGSVGElement;
  readonly #paths: SVGPathElement[];
  readonly #scale = make("span", { class: "scale", "aria-hidden": "true" });
  readonly #unit: string;

  /** @param unit what the numbers are, for those who cannot see the lines */
  constructor(lines: number, unit: string) {
    this.#unit = unit;
    this.#paths = Array.from({ length: lines }, (_, at) =>
      draw("path", { class: `line${at}`, "vector-effect": "non-scaling-stroke" }),
    );
    const viewBox = `0 0 ${spanSeconds} ${height}`;
    this.#svg = draw("svg", { preserveAspectRatio: "none", role: "img", viewBox });
    this.#svg.append(...this.#paths);
    this.element = make("div", { class: "chart" }, this.#svg, this.#scale);
  }

  show(series: readonly Series[], now: number): void {
    const recent = series.map(({ name, points }) => ({
      name,
      points: points.filter(({ at }) => now - at <= spanSeconds * 1000),
    }));
    const highest = scaleOf(recent.flatMap(({ points }) => points));
    recent.forEach(({ points }, at) => {
      const path = this.#paths[at];
      if (path !== undefined) mark(path, { d: pathOf(points, now, highest) });
    });
    say(this.#scale, rate(highest));
    mark(this.#svg, { "aria-label": `${this.#unit}. ${recent.map(wordsOf).join("; ")}` });
  }
}
