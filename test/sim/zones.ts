// Which names of the links a client's names stand for, and back: RFC 8766 §5.1
// to §5.5 written anew for the checkers, from the text and not from proxy/.

import { RRType } from "../../src/wire/codes.js";
import { isWithin, labelsBelow, type Name, nameOf, parseName } from "../../src/wire/name.js";
import { mapRdataNames, type RR } from "../../src/wire/rr.js";

/** The zones of one link, as text. */
export interface ZonePlan {
  readonly link: string;
  readonly service: string;
  /** Absent: hosts are in the service zone. */
  readonly host?: string;
  readonly aliases: readonly string[];
  /** Apexes of reverse zones. */
  readonly reverse: readonly string[];
}

export interface PlannedZone {
  readonly link: string;
  readonly kind: "service" | "host" | "alias" | "reverse";
  readonly apex: Name;
  /** Apexes of the link's zones for services and for hosts; maybe the same. */
  readonly service: Name;
  readonly host: Name;
}

export interface LinkName {
  readonly zone: PlannedZone;
  readonly name: Name;
}

const metadata = new Set(
  [
    "_dns-llq._udp",
    "_dns-llq._tcp",
    "_dns-llq-tls._tcp",
    "_dns-push-tls._tcp",
    "_dns-update._udp",
    "_dns-update._tcp",
    "_dns-update-tls._tcp",
  ].map((text) => parseName(text).key),
);

const enumerations = new Set(["b", "db", "r", "dr", "lb"]);

const emptyNodes = new Set(["_tcp", "_udp", "_dns-sd._udp"].map((text) => parseName(text).key));

export class ZoneMap {
  readonly #all: readonly PlannedZone[];
  /** Those that are served at present. */
  zones: readonly PlannedZone[];

  constructor(plans: readonly ZonePlan[]) {
    this.#all = plans.flatMap((plan) => {
      const service = parseName(plan.service);
      const host = plan.host === undefined ? service : parseName(plan.host);
      const zone = (kind: PlannedZone["kind"], apex: string): PlannedZone => ({
        link: plan.link,
        kind,
        apex: parseName(apex),
        service,
        host,
      });
      return [
        zone("service", plan.service),
        ...(plan.host === undefined ? [] : [zone("host", plan.host)]),
        ...plan.aliases.map((apex) => zone("alias", apex)),
        ...plan.reverse.map((apex) => zone("reverse", apex)),
      ];
    });
    this.zones = this.#all;
  }

  /** Serves these links from now on, and aliases or not. */
  serve(links: ReadonlySet<string>, hasAliases: boolean): void {
    const isServed = ({ link, kind }: PlannedZone) =>
      links.has(link) && (hasAliases || kind !== "alias");
    this.zones = this.#all.filter(isServed);
  }

  /** The most specific zone of a name. */
  find(name: Name): PlannedZone | undefined {
    let found: PlannedZone | undefined;
    for (const zone of this.zones) {
      if (!isWithin(name, zone.apex)) continue;
      if (found === undefined || zone.apex.labels.length > found.apex.labels.length) found = zone;
    }
    return found;
  }

  /** The name on the link that a client's name stands for. */
  toLink(name: Name): LinkName | undefined {
    const zone = this.find(name);
    if (zone === undefined) return undefined;
    if (zone.kind === "reverse") return { zone, name };
    return { zone, name: nameOf([...labelsBelow(name, zone.apex)!, "local"]) };
  }

  /** An RR as it was on the link; names in no zone stay. Undefined: its owner is in no zone. */
  rrToLink(rr: RR): { readonly zone: PlannedZone; readonly rr: RR } | undefined {
    const owner = this.toLink(rr.name);
    if (owner === undefined) return undefined;
    const rdata = mapRdataNames(rr.type, rr.rdata, (name) => this.toLink(name)?.name ?? name);
    return { zone: owner.zone, rr: { ...rr, name: owner.name, rdata } };
  }

  /** A device's RR as a client of this zone sees it; undefined when it does not show there. */
  rrFromLink(zone: PlannedZone, rr: RR, askedType: number): RR | undefined {
    const isReverse = zone.kind === "reverse";
    const owner = isReverse ? rr.name : moved(rr.name, zone.apex);
    if (owner === undefined || !isWithin(owner, zone.apex)) return undefined;
    const apex = this.#apexOfRdata(zone, rr.type, askedType);
    const rdata = mapRdataNames(rr.type, rr.rdata, (name) => moved(name, apex) ?? name);
    return { ...rr, name: owner, rdata };
  }

  /** DP-37 to DP-39. */
  #apexOfRdata(zone: PlannedZone, type: number, askedType: number): Name {
    if (zone.kind === "host" || zone.kind === "alias") return zone.apex;
    const isAddressQuestion = askedType === RRType.A || askedType === RRType.AAAA;
    const namesHost =
      type === RRType.SRV ||
      type === RRType.MX ||
      (type === RRType.PTR && zone.kind === "reverse") ||
      ((type === RRType.CNAME || type === RRType.DNAME) && isAddressQuestion);
    return namesHost ? zone.host : zone.service;
  }
}

/** With `apex` in place of a last label `local`; undefined when there is none. */
function moved(name: Name, apex: Name): Name | undefined {
  if (!isWithin(name, local)) return undefined;
  return nameOf([...name.labels.slice(0, -1), ...apex.labels]);
}

export const local = parseName("local");

/** Whether RFC 8766 §6 and decision Q-1 have discd answer without the link. */
export function isAnsweredLocally(zone: PlannedZone, name: Name, type: number): boolean {
  const labels = labelsBelow(name, zone.apex) ?? [];
  if (labels.length === 0) return true;
  if (type === RRType.SOA || type === RRType.NS || type === RRType.DS) return true;
  const below = nameOf(labels).key;
  if (metadata.has(below)) return true;
  const isEnumeration =
    enumerations.has(labels[0]!.toLowerCase()) &&
    labels[1]?.toLowerCase() === "_dns-sd" &&
    labels[2]?.toLowerCase() === "_udp";
  if (isEnumeration) return labels.length === 3 || zone.kind === "reverse";
  const isAddress = type === RRType.A || type === RRType.AAAA;
  if (zone.kind === "reverse") return isAddress || !isWholeAddress(name);
  if (emptyNodes.has(below) || labels[0]!.toLowerCase() === "_sub") return true;
  const isBelowType = ["_tcp", "_udp"].includes(labels.at(-1)!.toLowerCase());
  return isAddress && (isBelowType || labels[0]!.startsWith("_"));
}

function isWholeAddress(name: Name): boolean {
  return name.labels.at(-2) === "ip6" ? name.labels.length === 34 : name.labels.length === 6;
}
