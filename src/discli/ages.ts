// Spans of time for people.

const units = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
] as const;

/** `3 d 4 h`, `12 m 5 s`, `0.4 s`; null: a hyphen in a table. */
export function ageText(seconds: number | null): string | null {
  if (seconds === null) return null;
  const at = units.findIndex(([, size]) => seconds >= size);
  if (at < 0) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.floor(seconds)} s`;
  const [unit, size] = units[at] as (typeof units)[number];
  const [nextUnit, nextSize] = units[at + 1] ?? (["s", 1] as const);
  const whole = Math.floor(seconds / size);
  const rest = Math.floor((seconds % size) / nextSize);
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${nextUnit}`;
}
