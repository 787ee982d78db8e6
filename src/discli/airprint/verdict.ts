// Whether an iPhone lists a printer, and what it lacks. From the Bonjour Printing
// Specification 1.2.1 (names, TXT keys), and from what is known of iOS beyond it:
// that it browses the subtype `_universal` alone, and wants `image/urf` in `pdl`
// and a URF key (docs/airprint.md has the sources). Evidence in, verdict out.

import { displayName, type Name } from "../../wire/name.js";
import { type Connected, serverText } from "../doctor/probe.js";
import type { State } from "../doctor/verdict.js";
import { type PrinterEvidence, type ServiceEvidence, universal } from "./evidence.js";

export interface Lack {
  /** In capitals and hyphens, for scripts. */
  readonly code: string;
  /** A warning keeps nobody from printing. */
  readonly isWarning: boolean;
  readonly text: string;
}

export interface PrinterVerdict {
  readonly label: string;
  readonly domain: string;
  readonly state: State;
  /** What a person with an iPhone sees. */
  readonly shows: string;
  /** Of the service that lacks least. */
  readonly service: ServiceEvidence["type"];
  readonly lacks: readonly Lack[];
  /** What to do about them, a line each. */
  readonly remedy: readonly string[];
}

const lack = (code: string, text: string): Lack => ({ code, isWarning: false, text });
const doubt = (code: string, text: string): Lack => ({ code, isWarning: true, text });

/** What a raster format of Apple's is called; the one that every iPhone sends. */
const appleRaster = "image/urf";

export function judgePrinter(evidence: PrinterEvidence): PrinterVerdict {
  const judged = evidence.services.map((service) => ({ service, lacks: lacksOf(service) }));
  const weight = (lacks: readonly Lack[]) =>
    lacks.reduce((sum, { isWarning }) => sum + (isWarning ? 1 : 100), 0);
  const best = judged.reduce((a, b) => (weight(b.lacks) < weight(a.lacks) ? b : a));
  const { service, lacks } = best;
  const state = stateOf(service, lacks);
  return {
    label: evidence.label,
    domain: displayName(evidence.domain),
    state,
    shows: showsOf(evidence, service, lacks),
    service: service.type,
    lacks,
    remedy: remedyFor(evidence.label, evidence.domain, service, lacks),
  };
}

function stateOf({ fault }: ServiceEvidence, lacks: readonly Lack[]): State {
  if (lacks.some(({ isWarning }) => !isWarning)) return "FAIL";
  if (fault !== undefined) return "SKIP";
  return lacks.length > 0 ? "WARN" : "PASS";
}

function lacksOf(service: ServiceEvidence): Lack[] {
  const { type, isListed, isUniversal, fault } = service;
  const lists: Lack[] = [];
  if (!isUniversal) {
    const text = `it is not listed under ${universal}._sub.${type}, the only list that iOS reads`;
    lists.push(lack("NO-SUBTYPE", text));
  } else if (!isListed) {
    lists.push(doubt("NO-TYPE", `it is not listed under ${type}: other systems do not see it`));
  }
  if (fault !== undefined) return [...lists, doubt("NO-ANSWER", fault)];
  return [...lists, ...placeLacks(service), ...txtLacks(service)];
}

function placeLacks({ places }: ServiceEvidence): Lack[] {
  if (places.length === 0) return [lack("NO-SRV", "no SRV record says where it is")];
  const addresses = places.flatMap((place) => place.addresses);
  const hosts = [...new Set(places.map(({ host }) => host))].join(", ");
  if (addresses.length === 0) return [lack("NO-ADDRESS", `${hosts} has no address`)];
  const usable = addresses.filter(({ isUsable }) => isUsable);
  if (usable.length === 0) {
    const texts = addresses.map(({ text }) => text).join(", ");
    const why = "which leads nowhere from another link";
    return [lack("LOCAL-ADDRESS", `${hosts} has no address but ${texts}, ${why}`)];
  }
  const tried = places.flatMap(({ port, addresses: some }) =>
    some.flatMap(({ text, connected }) => {
      if (connected === undefined || connected === "open") return [];
      return [`${serverText({ address: text, port })}: ${connectedText(connected)}`];
    }),
  );
  if (tried.length === 0) return [];
  const isReached = usable.some(({ connected }) => connected === "open");
  if (!isReached) return [lack("UNREACHABLE", `nothing answers there: ${tried.join("; ")}`)];
  return [doubt("HALF-REACHABLE", `not every address answers: ${tried.join("; ")}`)];
}

function connectedText(connected: Connected): string {
  if (typeof connected !== "string") return connected.reason;
  return { open: "open", refused: "the port is closed", silent: "no answer" }[connected];
}

function txtLacks({ txt }: ServiceEvidence): Lack[] {
  if (txt === undefined) return [lack("NO-TXT", "no TXT record says what it can do")];
  const found: Lack[] = [];
  const pdl = txt.get("pdl");
  const formats = (pdl ?? "")
    .toLowerCase()
    .split(",")
    .map((one) => one.trim());
  if (pdl === undefined || pdl === "") {
    found.push(lack("NO-PDL", "TXT has no pdl key: which formats it takes"));
  } else if (!formats.includes(appleRaster)) {
    found.push(lack("NO-URF-FORMAT", `TXT pdl=${pdl} lacks ${appleRaster}`));
  }
  const urf = txt.get("urf");
  if (urf === undefined || urf === "") {
    found.push(lack("NO-URF", "TXT has no URF key: how it takes Apple's raster format"));
  } else if (urf.toLowerCase() === "none") {
    const text = "TXT URF=none is what static entries have: it names no resolution and no colours";
    found.push(doubt("URF-NONE", text));
  }
  if (!txt.has("rp")) {
    found.push(lack("NO-RP", "TXT has no rp key: the path of the queue, ipp/print for instance"));
  }
  if ((txt.get("ty") ?? "") === "") {
    found.push(lack("NO-TY", "TXT has no ty key: make and model"));
  }
  return found;
}

/** Without these iOS does not take it for an AirPrint printer. */
const hidden = /^NO-(SUBTYPE|SRV|TXT|PDL|URF-FORMAT|URF|TY)$/;

function showsOf(
  { label }: PrinterEvidence,
  { txt, type, fault }: ServiceEvidence,
  lacks: readonly Lack[],
): string {
  const faults = lacks.filter(({ isWarning }) => !isWarning);
  if (faults.some(({ code }) => hidden.test(code))) return "nothing: it is not in the list";
  if (fault !== undefined) return `"${label}", if its records can be had after all`;
  const place = txt?.get("note") ?? "";
  const model = txt?.get("ty") ?? "";
  const parts = [`"${label}"`];
  if (place !== "") parts.push(`at "${place}"`);
  if (model !== "") parts.push(`(${model})`);
  const asks = (txt?.get("air") ?? "none") === "none" ? "" : ", asks who you are";
  const end = faults.length > 0 ? ", and cannot print there" : "";
  return `${parts.join(" ")}${asks}${type === "_ipps._tcp" ? ", over TLS" : ""}${end}`;
}

/** As it stands in a file of Lua, in single quotes. */
export function luaText(text: string): string {
  const escaped = text.replace(/[\\']/g, "\\$&").replace(/[\0-\x1f\x7f]/g, (one) => {
    return `\\${String(one.charCodeAt(0)).padStart(3, "0")}`;
  });
  return `'${escaped}'`;
}

/** A name as a pattern of discd.lua: what would be a wildcard stands for any one character. */
const patternOf = (label: string): string => label.replace(/\*/g, "?");

/** The rule of discd.lua that adds what is missing, where records can be added at all. */
function translation(label: string, { type, txt }: ServiceEvidence, codes: ReadonlySet<string>) {
  const keys: string[] = [];
  const pdl = txt?.get("pdl") ?? "";
  if (codes.has("NO-PDL")) keys.push(`pdl = 'application/pdf,${appleRaster}'`);
  if (codes.has("NO-URF-FORMAT")) keys.push(`pdl = ${luaText(`${pdl},${appleRaster}`)}`);
  if (codes.has("NO-URF")) keys.push("URF = 'W8,SRGB24,CP1,RS300'");
  if (codes.has("NO-RP")) keys.push("rp = 'ipp/print'");
  if (codes.has("NO-TY")) keys.push(`ty = ${luaText(label)}`);
  const parts = [`type = '${type}'`, `instance = ${luaText(patternOf(label))}`];
  if (keys.length > 0) parts.push(`txt = { ${keys.join(", ")} }`);
  if (codes.has("NO-SUBTYPE")) parts.push(`subtypes = { '${universal}' }`);
  return parts.length > 2 ? `translate = { { ${parts.join(", ")} } }` : undefined;
}

function remedyFor(
  label: string,
  domain: Name,
  service: ServiceEvidence,
  lacks: readonly Lack[],
): string[] {
  const codes = new Set(lacks.map(({ code }) => code));
  const remedy: string[] = [];
  const rule = translation(label, service, codes);
  if (rule !== undefined) {
    remedy.push(`turn AirPrint on in the printer's own settings; or, in discd.lua: ${rule}`);
  }
  if (codes.has("NO-URF-FORMAT") || codes.has("NO-URF") || codes.has("NO-PDL")) {
    const where = "its urf-supported, which `ipptool -tv URI get-printer-attributes.test` prints";
    remedy.push(`only if it takes ${appleRaster}: the right URF is ${where}`);
  }
  if (codes.has("NO-TXT")) remedy.push("see whether the printer announces its TXT record at all");
  if (codes.has("NO-SRV")) {
    const gone = "it may have been switched off; or its only addresses are of its own link";
    remedy.push(`${gone}, and discd withholds it (suppress)`);
  }
  if (codes.has("NO-ADDRESS") || codes.has("LOCAL-ADDRESS")) {
    const where = displayName(domain);
    remedy.push(`give the printer an address of the network behind ${where}, by DHCP for instance`);
  }
  if (codes.has("UNREACHABLE") || codes.has("HALF-REACHABLE")) {
    remedy.push("route the printer's network to the clients, and allow TCP to its port");
  }
  if (codes.has("NO-ANSWER")) remedy.push("ask again; then: discli doctor");
  return remedy;
}
