// Small charts: lines over the last minutes, drawn as SVG from numbers and their
// times. The picture stretches to its place; the words beside it are the page's.

import { height, pathOf, type Series, scaleOf, spanSeconds } from "./curve.js";
import { draw, make, mark, say } from "./dom.js";
import { rate } from "./text.js";

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
    const isEmpty = recent.every(({ points }) => points.length === 0);
    say(this.#scale, isEmpty ? "" : rate(highest));
    mark(this.#svg, { "aria-label": `${this.#unit}. ${recent.map(wordsOf).join("; ")}` });
  }
}
