// The records of a delegation as commands of the module DnsServer, for the DNS
// server of Windows. A delegation is its NS records there as elsewhere. Windows
// knows names as text, without escapes: what is no text, or has a dot or a
// backslash inside a label, cannot be said to it.

import { formatAddress } from "../address.js";
import { displayName, formatName, type Label, labelsBelow, type Name } from "../wire/name.js";
import type { Rdata } from "../wire/rdata/index.js";
import type { RR } from "../wire/rr.js";
import type { Delegation } from "./delegation.js";
import { type FormedDelegation, typeText } from "./delegation-formats.js";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @returns undefined for what Windows has no text for */
function plainLabel(label: Label): string | undefined {
  if (/[\x00-\x1f\x7f.\\]/.test(label)) return undefined;
  try {
    return strictUtf8.decode(Buffer.from(label, "latin1"));
  } catch {
    return undefined;
  }
}

function plainName(labels: readonly Label[], end: string): string | undefined {
  const plain = labels.map(plainLabel);
  return plain.includes(undefined) ? undefined : `${plain.join(".")}${end}`;
}

/**
 * A string in single quotes: nothing in it is expanded, and a quote is written twice. What is not
 * ASCII is written by its number: Windows PowerShell reads a script without a mark at its front
 * in the code page of the host, and takes curly quotes for quotes.
 */
export function powershellString(text: string): string {
  const runs = text.match(/[\x20-\x7e]+|[^\x20-\x7e]/g) ?? [];
  const parts = runs.map((run) =>
    /^[\x20-\x7e]/.test(run)
      ? `'${run.replaceAll("'", "''")}'`
      : `[char]0x${run.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (parts.length === 1 && parts[0]?.startsWith("'")) return parts[0];
  // The first one says that the sum is a string.
  const sum = parts[0]?.startsWith("'") ? parts : ["''", ...parts];
  return sum.length === 1 ? (sum[0] as string) : `(${sum.join("+")})`;
}

const isUnusual = (name: Name): boolean => name.labels.some((label) => /[^a-z0-9_-]/i.test(label));

/** The parameters that say what a record holds. */
function dataWords(rdata: Rdata): string | undefined {
  switch (rdata.kind) {
    case "ns":
    case "ptr": {
      const target = plainName(rdata.target.labels, ".");
      if (target === undefined) return undefined;
      const parameter = rdata.kind === "ns" ? "NS -NameServer" : "Ptr -PtrDomainName";
      return `-${parameter} ${powershellString(target)}`;
    }
    case "a":
      return `-A -IPv4Address ${powershellString(formatAddress({ family: "ipv4", bytes: rdata.address }))}`;
    case "aaaa":
      return `-AAAA -IPv6Address ${powershellString(formatAddress({ family: "ipv6", bytes: rdata.address }))}`;
    default:
      return undefined;
  }
}

function command(rr: RR, origin: Name): string | undefined {
  const below = labelsBelow(rr.name, origin) ?? [];
  const owner = below.length === 0 ? "@" : plainName(below, "");
  const zone = origin.labels.length === 0 ? "." : plainName(origin.labels, "");
  const said = dataWords(rr.rdata);
  if (owner === undefined || zone === undefined || said === undefined) return undefined;
  const hours = Math.floor(rr.ttlSeconds / 3600);
  const ttl = new Date((rr.ttlSeconds % 3600) * 1000).toISOString().slice(14, 19);
  const where = `-ZoneName ${powershellString(zone)} -Name ${powershellString(owner)}`;
  const life = `-TimeToLive ${String(hours).padStart(2, "0")}:${ttl}`;
  return `Add-DnsServerResourceRecord ${where} ${said} ${life}`;
}

/** Commands for PowerShell; a record that there already is an error of its own, and harmless. */
export function powershellText({ origin, parts }: Delegation): FormedDelegation {
  const warnings: string[] = [];
  const lines = [`# discd: put these records into the zone ${asciiName(origin)}`];
  const rrs = parts.flatMap((part) => part.rrs);
  if (rrs.some(({ name }) => isUnusual(name))) {
    lines.push(
      "# names with spaces and the like: dnscmd /Config /NameCheckFlag 3, if they are refused",
    );
  }
  for (const part of parts) {
    lines.push("", ...part.remarks.map((remark) => `# ${remark}`));
    for (const rr of part.rrs) {
      const line = command(rr, origin);
      if (line !== undefined) {
        lines.push(line);
        continue;
      }
      const name = formatName(rr.name);
      lines.push(`# Windows has no text for a name in the ${typeText(rr.type)} record of ${name}`);
      const remedy = "give the subdomain another name";
      warnings.push(
        `no command for ${typeText(rr.type)} of ${name}: Windows has no text; ${remedy}`,
      );
    }
  }
  return { text: `${lines.join("\n")}\n`, warnings };
}

/** For a comment, in whatever code page it is read. */
const asciiName = (name: Name): string =>
  /^[\x20-\x7e]*$/.test(displayName(name)) ? displayName(name) : formatName(name);
