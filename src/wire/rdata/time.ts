// Times of signatures as text: YYYYMMDDHHmmSS in UTC (RFC 4034 §3.2). On the
// wire they are seconds since 1970 in 32 bits; as text they are taken for the
// years 1970 to 2106, without asking what time it is.

import { FormatError } from "../errors.js";

const secondsADay = 86_400;
/** Days from 0000-03-01 to 1970-01-01, in the calendar that begins its years in March. */
const epochDay = 719_468;
const daysInEra = 146_097;

const padded = (value: number, digits: number): string => String(value).padStart(digits, "0");

export function formatTime(seconds: number): string {
  const day = Math.floor(seconds / secondsADay) + epochDay;
  const dayOfEra = day % daysInEra;
  const century = Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / (daysInEra - 1));
  const leaps = Math.floor(dayOfEra / 1460);
  const yearOfEra = Math.floor((dayOfEra - leaps + century) / 365);
  const yearDays = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  const dayOfYear = dayOfEra - yearDays;
  const march = Math.floor((5 * dayOfYear + 2) / 153);
  const month = march < 10 ? march + 3 : march - 9;
  const year = yearOfEra + 400 * Math.floor(day / daysInEra) + (month <= 2 ? 1 : 0);
  const date = dayOfYear - Math.floor((153 * march + 2) / 5) + 1;
  const rest = seconds % secondsADay;
  const clock = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60];
  return [padded(year, 4), ...[month, date, ...clock].map((part) => padded(part, 2))].join("");
}

/** Days from 1970-01-01. */
function dayOf(year: number, month: number, date: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const march = month > 2 ? month - 3 : month + 9;
  const dayOfYear = Math.floor((153 * march + 2) / 5) + date - 1;
  const leaps = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  return era * daysInEra + 365 * yearOfEra + leaps + dayOfYear - epochDay;
}

/** Reads YYYYMMDDHHmmSS, of any year from 1970 to 9999. @returns undefined for anything else */
export function parseDate(text: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined) return undefined;
  const [year, month, date, hour, minute, second] = parts as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const seconds = dayOf(year, month, date) * secondsADay + hour * 3600 + minute * 60 + second;
  // 31 February and 25 o'clock come out as another time than they went in.
  return seconds >= 0 && formatTime(seconds) === text ? seconds : undefined;
}

/** Reads YYYYMMDDHHmmSS, or plain seconds. @throws FormatError */
export function parseTime(text: string): number {
  const seconds = /^\d{1,10}$/.test(text) ? Number(text) : parseDate(text);
  if (seconds !== undefined && seconds <= 0xffff_ffff) return seconds;
  throw new FormatError(`"${text}" is no time from 1970 to 2106`, "text");
}
