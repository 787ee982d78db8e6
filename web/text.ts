// Texts for people: names that cannot mislead, numbers, times.

/** Controls, line separators, and what turns the direction of the text around it. */
const misleading = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const encoder = new TextEncoder();

/** The bytes of a text as `\DDD`, one after the other. */
export function decimals(text: string): string {
  return [...encoder.encode(text)].map((byte) => `\\${String(byte).padStart(3, "0")}`).join("");
}

/** What a device calls itself, with what would mislead made visible. */
export function shown(text: string): string {
  return text.replace(misleading, decimals);
}

/** The parts of `shown`, in order: every second one is escapes, which discd may have made too. */
export function splitShown(text: string): string[] {
  return shown(text).split(/((?:\\\d{3})+)/);
}

const whole = new Intl.NumberFormat("en");
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export function count(value: number): string {
  return whole.format(value);
}

/** A rate: one decimal below ten, none above. */
export function rate(value: number): string {
  return value < 10 ? tenths.format(value) : whole.format(Math.round(value));
}

/** `1 service`, `2,000 services`. */
export function many(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Seconds as the two greatest units: `3 d 4 h`, `12 min`, `8 s`. */
export function duration(seconds: number): string {
  const left = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(left / 86_400), "d"],
    [Math.floor(left / 3600) % 24, "h"],
    [Math.floor(left / 60) % 60, "min"],
    [left % 60, "s"],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  if (first === -1) return "0 s";
  return parts
    .slice(first, first < 2 ? first + 2 : first + 1)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}

const hours = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

const days = new Intl.DateTimeFormat("en-GB", { weekday: "short" });

export function clock(at: number): string {
  return hours.format(at);
}

/** The time, and the day in front of it where that is not today. */
export function when(at: number, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return isToday ? clock(at) : `${days.format(at)} ${clock(at)}`;
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** The order of lists: numbers by value, names as people sort them. */
export function inOrder(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return collator.compare(String(a), String(b));
}

/** Bytes as hexadecimal pairs, the first of them when there are many. */
export function hexOf(base64: string, most = 48): string {
  let bytes: string;
  try {
    bytes = atob(base64);
  } catch {
    return base64;
  }
  const pairs = [...bytes.slice(0, most)].map((byte) =>
    byte.charCodeAt(0).toString(16).padStart(2, "0"),
  );
  return `${pairs.join(" ")}${bytes.length > most ? " …" : ""} (${many(bytes.length, "byte")})`;
}
