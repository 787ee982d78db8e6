// Reads the text that Prometheus reads, for the page of statistics.

import { count } from "./text.js";

export interface Sample {
  readonly name: string;
  /** As written, without the braces. */
  readonly labels: string;
  readonly value: number;
  readonly text: string;
  readonly help: string;
  readonly kind: string;
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const remark = /^# (HELP|TYPE) (\S+) (.*)$/;

const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** Instants as such, bytes in units that can be read, seconds without digits that mean nothing. */
function valueText(name: string, number: string): string {
  const value = Number(number);
  if (!Number.isFinite(value)) return number;
  if (/_timestamp_seconds$|_start_time_seconds$/.test(name) && Math.abs(value) < 8.64e12) {
    return new Date(value * 1000).toISOString().replace(/T(.*)\..*/, " $1 UTC");
  }
  if (name.endsWith("_bytes") && value >= 1e6) return `${digits.format(value / 1e6)} MB`;
  return Number.isInteger(value) ? count(value) : digits.format(value);
}

/** Buckets of histograms are left out: their sums and counts stay. */
export function readMetrics(text: string): Sample[] {
  const remarks = new Map<string, string>();
  const samples: Sample[] = [];
  for (const one of text.split("\n")) {
    const [, kind = "", family = "", said = ""] = remark.exec(one) ?? [];
    if (family !== "") remarks.set(`${kind} ${family}`, said);
    const [all, name = "", labels = "", number = ""] = line.exec(one) ?? [];
    if (all === undefined || name.endsWith("_bucket")) continue;
    const stem = name.replace(/_(sum|count)$/, "");
    const about = (what: string) =>
      remarks.get(`${what} ${name}`) ?? remarks.get(`${what} ${stem}`) ?? "";
    samples.push({
      name,
      labels: labels.replaceAll('",', '", '),
      value: Number(number),
      text: valueText(name, number),
      help: about("HELP"),
      kind: about("TYPE"),
    });
  }
  return samples;
}
