// The records of a delegation in the words of whatever keeps the zone above: a
// fragment of a zone file, commands, or a request to an API. Each says the same
// records, and takes any name that DNS can bear, or says which one it cannot.

import { RRType } from "../wire/codes.js";
import {
  displayName,
  formatLabel,
  formatName,
  type Label,
  labelsBelow,
  type Name,
} from "../wire/name.js";
import { formatRdata } from "../wire/rdata/text.js";
import type { RR } from "../wire/rr.js";
import { type Delegation, delegationTtlSeconds } from "./delegation.js";
import { shellWord } from "./shell-words.js";

export interface FormedDelegation {
  readonly text: string;
  /** What could not be said, or has to be minded; one sentence each. */
  readonly warnings: readonly string[];
}

/** How one label is written. */
export type LabelText = (label: Label) => string;

/** Knot DNS takes few characters in a name as they are (its zone scanner): none but these. */
export const plainestLabel: LabelText = (label) =>
  label.replace(/[^A-Za-z0-9_-]/g, (byte) => `\\${byte.charCodeAt(0).toString().padStart(3, "0")}`);

const whole = (name: Name, labelText: LabelText): string =>
  name.labels.length === 0 ? "." : `${name.labels.map(labelText).join(".")}.`;

/** A name as the zone file has it below its $ORIGIN. */
export function relative(name: Name, origin: Name, labelText: LabelText = formatLabel): string {
  const labels = labelsBelow(name, origin);
  if (labels === undefined || origin.labels.length === 0) return whole(name, labelText);
  return labels.length === 0 ? "@" : labels.map(labelText).join(".");
}

const typeTexts: Readonly<Record<number, string>> = {
  [RRType.NS]: "NS",
  [RRType.A]: "A",
  [RRType.AAAA]: "AAAA",
  [RRType.PTR]: "PTR",
};

/** Of the types that delegations consist of. */
export const typeText = (type: number): string => typeTexts[type] as string;

/** Records of one name and type together, in the order of their first ones. */
export function setsOf(rrs: readonly RR[]): readonly (readonly RR[])[] {
  const sets = new Map<string, RR[]>();
  for (const rr of rrs) {
    const key = `${rr.type} ${rr.name.key}`;
    const known = sets.get(key);
    if (known === undefined) sets.set(key, [rr]);
    else known.push(rr);
  }
  return [...sets.values()];
}

function dataText({ type, rdata }: RR, origin: Name, labelText: LabelText): string {
  if (rdata.kind === "ptr") return relative(rdata.target, origin, labelText);
  return rdata.kind === "ns" ? whole(rdata.target, labelText) : formatRdata(type, rdata);
}

export interface ZoneFileStyle {
  readonly labelText: LabelText;
  /** What to do once the records are in place. */
  readonly after: string;
}

/** As a zone file has it; without a style as BIND's tools write it. */
export function zoneText({ origin, parts }: Delegation, style?: ZoneFileStyle): string {
  const { labelText, after } = style ?? { labelText: formatLabel, after: undefined };
  const lines = [
    `; discd: put these records into the zone ${displayName(origin)}`,
    ...(after === undefined ? [] : [`; ${after}`]),
    `$ORIGIN ${whole(origin, labelText)}`,
    `$TTL ${delegationTtlSeconds}`,
  ];
  for (const { remarks, rrs } of parts) {
    lines.push("", ...remarks.map((remark) => `; ${remark}`));
    for (const rr of rrs) {
      const owner = relative(rr.name, origin, labelText);
      lines.push(`${owner}\tIN ${typeText(rr.type)}\t${dataText(rr, origin, labelText)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Not read as an option, whatever the label begins with. */
const notOption = (text: string): string => text.replace(/^-/, "\\045");

/** What PowerDNS takes for a malformed name in a question, unless it is told otherwise. */
const isOdd = (label: Label): boolean => /[^A-Za-z0-9 _*/@\\:-]/.test(label);

/** Commands for a shell, as pdnsutil of PowerDNS 4.7 takes them. */
export function powerdnsText({ origin, parts }: Delegation): string {
  const zone = shellWord(formatName(origin));
  const lines = [
    `# discd: put these records into the zone ${displayName(origin)}`,
    "# each command replaces what the zone has of that name and type",
  ];
  if (parts.some(({ rrs }) => rrs.some(({ name }) => name.labels.some(isOdd)))) {
    lines.push("# PowerDNS answers for names like these only with 8bit-dns=yes in pdns.conf");
  }
  for (const { remarks, rrs } of parts) {
    lines.push("", ...remarks.map((remark) => `# ${remark}`));
    for (const set of setsOf(rrs)) {
      const { name, type, ttlSeconds } = set[0] as RR;
      const owner = shellWord(notOption(relative(name, origin)));
      const texts = set.map((rr) => shellWord(formatRdata(type, rr.rdata)));
      const words = [zone, owner, typeText(type), ttlSeconds, ...texts];
      lines.push(`pdnsutil replace-rrset ${words.join(" ")}`);
    }
  }
  lines.push("", `pdnsutil increase-serial ${zone}`, `pdnsutil rectify-zone ${zone}`);
  return `${lines.join("\n")}\n`;
}
