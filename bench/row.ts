// One line of the bench's report.

export interface Row {
  readonly what: string;
  readonly value: string;
  /** What was promised, in words. */
  readonly promise: string;
  readonly isKept: boolean;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** The smallest and the largest. */
export function spread(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)}`;
}
