// What the engine does not know of its links and zones: the interface under a link,
// and what the DNS said of a zone's name. Joined to what it does know.

import type { InterfaceView, KnownDomainView, ZoneView } from "./shapes.js";

/** The interface under a link. */
export type Device = Pick<InterfaceView, "index" | "flags" | "mtu" | "vlan" | "reverse">;

/** A link as the engine sees it. */
export type EngineInterface = Omit<InterfaceView, keyof Device>;

/** A zone as the engine sees it. */
export type EngineZone = Omit<ZoneView, "index" | "learned">;

/** What the DNS says of a zone (learn/belief.ts). */
export interface LearnedZone {
  readonly name: string;
  readonly record: string;
  readonly domainPtr: boolean;
  readonly nsActive: boolean | null;
  readonly netRevAddr: boolean;
  readonly browseable: boolean;
  readonly refreshed: number;
  readonly timesOut: number;
}

/** What the DNS was asked for a link, and what it said. */
export interface LearnedOfLink {
  readonly link: string;
  readonly networks: readonly { readonly zone?: LearnedZone }[];
  readonly listed: readonly (LearnedZone & { readonly used: boolean })[];
  readonly domains: readonly {
    readonly name: string;
    readonly via: readonly string[];
    readonly browseable: boolean;
    readonly refreshed: number;
    readonly timesOut: number;
  }[];
}

/** All that is joined. */
export interface Surroundings {
  /** Undefined for a link that has none, or whose interface is not there. */
  deviceOf(link: string): Device | undefined;
  /** Why a link cannot be used, and maybe what helps; undefined where nobody knows, or it can. */
  faultOf(link: string): string | undefined;
  /** Where the name of a link's service zone comes from. */
  sourceOf(link: string): ZoneView["source"] | undefined;
  readonly learned: readonly LearnedOfLink[];
}

const nothing: Device = { index: null, flags: [], mtu: null, vlan: null, reverse: [] };

export function interfaceWith(view: EngineInterface, around: Surroundings): InterfaceView {
  const fault = around.faultOf(view.name) ?? "the interface cannot be used; the log says why";
  const problems = view.isUp ? view.problems : [fault, ...view.problems];
  return { ...view, problems, ...(around.deviceOf(view.name) ?? nothing) };
}

export function zoneWith(view: EngineZone, around: Surroundings): ZoneView {
  const { zone, link, kind } = view;
  const index = link === null ? null : (around.deviceOf(link)?.index ?? null);
  const own = kind === "service" && link !== null ? around.sourceOf(link) : undefined;
  const source = own ?? view.source;
  const found = source === "ptr" ? zoneIn(around.learned, link, zone) : undefined;
  if (found === undefined) return { ...view, source, index, learned: null };
  const { record, domainPtr, nsActive, netRevAddr, browseable, refreshed, timesOut } = found;
  const times = { refreshedSeconds: refreshed, timesOutSeconds: timesOut };
  const learned = { record, domainPtr, nsActive, netRevAddr, browseable, ...times };
  return { ...view, source, index, learned };
}

/** Each once for each link. */
export function knownDomains({ learned }: Pick<Surroundings, "learned">): KnownDomainView[] {
  return learned.flatMap(({ link, domains }) =>
    domains.map(({ name, via, browseable, refreshed, timesOut }) => ({
      link,
      domain: name,
      viaHostname: via.includes("hostname"),
      viaResolvConf: via.includes("resolv.conf"),
      viaAddressPtr: via.includes("address-ptr"),
      browseable,
      refreshedSeconds: refreshed,
      timesOutSeconds: timesOut,
    })),
  );
}

function zoneIn(
  learned: readonly LearnedOfLink[],
  link: string | null,
  zone: string,
): LearnedZone | undefined {
  const own = learned.find((one) => one.link === link);
  if (own === undefined) return undefined;
  const ofNetworks = own.networks.flatMap((one) => one.zone ?? []);
  return [...ofNetworks, ...own.listed].find(({ name }) => name === zone);
}
