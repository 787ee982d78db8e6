// From numbers and their times to the path of a line.

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
export const height = 40;

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
