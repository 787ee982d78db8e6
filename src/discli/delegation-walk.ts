// The way from the servers above down to a zone, as a resolver goes it: every
// server on it is asked the same, and everything that it says is kept. What it
// means is delegation-verdict.ts's.

import { isIPv6 } from "node:net";
import { formatAddress } from "../address.js";
import type { Server } from "../os/resolv-conf.js";
import { EdnsOption, Rcode, RRType } from "../wire/codes.js";
import type { Message } from "../wire/message.js";
import { equalNames, isWithin, labelText, type Name, parentName, under } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { probe } from "./doctor/probe.js";

/** A server, and how it is called where that is known. */
export interface Host extends Server {
  readonly name?: Name;
}

/** What one server said. */
export type Told =
  | {
      readonly kind: "answer";
      readonly rcode: number;
      readonly isAuthoritative: boolean;
      readonly answers: readonly RR[];
      readonly authorities: readonly RR[];
      readonly additionals: readonly RR[];
      readonly nsid?: string;
      readonly ms: number;
    }
  | { readonly kind: "silent" }
  /** `code` is the system's: ECONNREFUSED for a closed port. */
  | { readonly kind: "failed"; readonly code: string; readonly reason: string };

export interface Asked {
  readonly host: Host;
  readonly told: Told;
}

/** The servers of one zone, asked for the NS records of the child. */
export interface Step {
  /** Undefined for servers that were given, whatever zone they are there for. */
  readonly zone: Name | undefined;
  readonly asked: readonly Asked[];
}

/** One address of a name server of the child. */
export interface ChildPlace {
  readonly host: Host;
  readonly soa: Told;
  readonly ns: Told;
  /** The SOA once more, over TCP. */
  readonly tcp: Told;
  /** The addresses of its own name, where that lies in the child. */
  readonly own: readonly Told[];
}

/** A name server of the child, by the parent's records. */
export interface ChildServer {
  readonly name: Name;
  /** Whose word the addresses are: beside the referral, of the parent itself, or a resolver's. */
  readonly source: "glue" | "parent" | "resolver" | "nobody";
  readonly places: readonly ChildPlace[];
}

export interface Walk {
  readonly child: Name;
  readonly steps: readonly Step[];
  /** Apex of the zone that delegates, or should. */
  readonly parent: Name;
  /** Of each parent server that answered the last step. */
  readonly ds: readonly Asked[];
  readonly servers: readonly ChildServer[];
  /** DNSKEY of the child, at the first of its servers that answers. */
  readonly dnskey: Told | undefined;
  /** Where the lists for browsing are looked for, and what is there under lb. */
  readonly lists: { readonly domain: Name; readonly lb: Told | undefined };
}

export interface WalkOptions {
  /** Where to begin: a parent that was given, or the servers of the root. */
  readonly start: readonly Host[];
  /** Of `start`; undefined: whatever they are there for. */
  readonly zone?: Name;
  /** Finds addresses of names; gives none when it knows none. */
  readonly addresses: (name: Name) => Promise<readonly string[]>;
  /** Where `lb` should name the child; default: the parent. */
  readonly listsAt?: Name;
  /** Milliseconds for one question. */
  readonly patience: number;
  readonly port?: number;
}

/** Zones on the way down: no name has more labels. */
export const stepsMax = 127;
/** Servers of one zone that are asked; the root has 13, with two addresses each. */
export const hostsMax = 8;
/** Name servers of the child that are looked at, and addresses of each. */
export const childServersMax = 8;
export const childAddressesMax = 4;

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

/** What servers of the delegation are asked. */
async function ask(
  host: Host,
  name: Name,
  type: number,
  patience: number,
  transport: "udp" | "tcp" = "udp",
): Promise<Told> {
  const wish = { server: host, name, type, patience, isCurious: true };
  let probed = await probe({ ...wish, transport });
  if (probed.kind === "answer" && probed.message.tc && transport === "udp") {
    probed = await probe({ ...wish, transport: "tcp" });
  }
  if (probed.kind === "silent") return { kind: "silent" };
  if (probed.kind === "failed") return probed;
  return toldBy(probed.message, probed.ms);
}

function toldBy(message: Message, ms: number): Told {
  const option = message.edns?.options.find(({ code }) => code === EdnsOption.NSID)?.bytes;
  return {
    kind: "answer",
    rcode: (message.edns?.extendedRcode ?? 0) * 16 + message.rcode,
    isAuthoritative: message.aa,
    answers: message.answers,
    authorities: message.authorities,
    additionals: message.additionals,
    ms,
    ...(option === undefined || option.length === 0 ? {} : { nsid: textOf(option) }),
  };
}

/** The NS records by which a server sends us on, and from where; undefined: it does not. */
export function referralOf(told: Told, child: Name): { cut: Name; rrs: readonly RR[] } | undefined {
  if (told.kind !== "answer" || told.rcode !== Rcode.NOERROR || told.answers.length > 0) {
    return undefined;
  }
  const rrs = told.authorities.filter(
    ({ type, name }) => type === RRType.NS && name.labels.length > 0 && isWithin(child, name),
  );
  const [first] = rrs;
  if (first === undefined || told.isAuthoritative) return undefined;
  return { cut: first.name, rrs: rrs.filter(({ name }) => equalNames(name, first.name)) };
}

/** Addresses of a name among records. */
export function addressesIn(rrs: readonly RR[], name: Name): string[] {
  return rrs.flatMap(({ name: owner, rdata }) => {
    if (!equalNames(owner, name)) return [];
    if (rdata.kind === "a") return [formatAddress({ family: "ipv4", bytes: rdata.address })];
    return rdata.kind === "aaaa" ? [formatAddress({ family: "ipv6", bytes: rdata.address })] : [];
  });
}

const targetsOf = (rrs: readonly RR[]): Name[] =>
  rrs.flatMap(({ rdata }) => (rdata.kind === "ns" ? [rdata.target] : []));

const aliveIn = ({ asked }: Step): Host[] =>
  asked.filter(({ told }) => told.kind === "answer").map(({ host }) => host);

class Walker {
  readonly #options: WalkOptions;
  readonly #child: Name;

  constructor(child: Name, options: WalkOptions) {
    this.#child = child;
    this.#options = options;
  }

  async walk(): Promise<Walk> {
    const child = this.#child;
    const steps: Step[] = [];
    let hosts = this.#options.start.slice(0, hostsMax);
    let zone = this.#options.zone;
    let found: { cut: Name; rrs: readonly RR[]; told: Told } | undefined;
    while (steps.length < stepsMax) {
      const asked = await this.#askAll(hosts, child, RRType.NS);
      steps.push({ zone, asked });
      found = asked
        .map(({ told }) => ({ told, referral: referralOf(told, child) }))
        .flatMap(({ told, referral }) =>
          referral === undefined ? [] : [{ ...referral, told }],
        )[0];
      const above = zone;
      // Downwards only: who sends us up or round again is not followed.
      if (found === undefined || equalNames(found.cut, child)) break;
      if (above !== undefined && !isWithin(found.cut, above)) break;
      if (above !== undefined && equalNames(found.cut, above)) break;
      zone = found.cut;
      hosts = await this.#hostsOf(found.rrs, found.told);
      if (hosts.length === 0) {
        steps.push({ zone, asked: [] });
        break;
      }
    }
    return this.#rest(steps, found);
  }

  async #rest(
    steps: Step[],
    found: { cut: Name; rrs: readonly RR[]; told: Told } | undefined,
  ): Promise<Walk> {
    const child = this.#child;
    const isCut = found !== undefined && equalNames(found.cut, child);
    const reached = steps.at(-1) as Step;
    const above = await this.#apexAbove(aliveIn(reached));
    const parent = above ?? reached.zone ?? parentName(child);
    // One server may have the zones of several steps, and send us past those between.
    if (
      isCut &&
      above !== undefined &&
      reached.zone !== undefined &&
      above.key !== reached.zone.key
    ) {
      const hosts = await this.#ownHosts(aliveIn(reached), above);
      steps.push({ zone: above, asked: await this.#askAll(hosts, child, RRType.NS) });
    }
    const alive = aliveIn(steps.at(-1) as Step);
    const names = isCut ? targetsOf(found.rrs).slice(0, childServersMax) : [];
    const [ds, servers] = await Promise.all([
      isCut ? this.#askAll(alive, child, RRType.DS) : [],
      Promise.all(names.map((name) => this.#childServer(name, found?.told, alive, parent))),
    ]);
    const domain = this.#options.listsAt ?? parent;
    const lbName = under(["lb", "_dns-sd", "_udp"].map(labelText), domain);
    const isParents = isWithin(domain, parent);
    const [keeper] = isParents ? alive : [];
    const lb = keeper && (await this.#ask(keeper, lbName, RRType.PTR));
    const answering = servers
      .flatMap(({ places }) => places)
      .find(({ soa }) => soa.kind === "answer");
    const dnskey = answering && (await this.#ask(answering.host, child, RRType.DNSKEY));
    return { child, steps, parent, ds, servers, dnskey, lists: { domain, lb } };
  }

  #ask(host: Host, name: Name, type: number, transport: "udp" | "tcp" = "udp"): Promise<Told> {
    return ask(host, name, type, this.#options.patience, transport);
  }

  #askAll(hosts: readonly Host[], name: Name, type: number): Promise<Asked[]> {
    return Promise.all(
      hosts.map(async (host) => ({ host, told: await this.#ask(host, name, type) })),
    );
  }

  /** Which zone given servers are there for: that of the SOA around the child's parent. */
  async #apexAbove(hosts: readonly Host[]): Promise<Name | undefined> {
    const [host] = hosts;
    if (host === undefined) return undefined;
    const told = await this.#ask(host, parentName(this.#child), RRType.SOA);
    if (told.kind !== "answer") return undefined;
    const soa = [...told.answers, ...told.authorities].find(({ type }) => type === RRType.SOA);
    return soa !== undefined && isWithin(parentName(this.#child), soa.name) ? soa.name : undefined;
  }

  /** The servers of a zone, as one of them says. */
  async #ownHosts(hosts: readonly Host[], zone: Name): Promise<readonly Host[]> {
    const [host] = hosts;
    const told = host && (await this.#ask(host, zone, RRType.NS));
    if (told?.kind !== "answer") return hosts;
    const found = await this.#hostsOf(told.answers, told);
    return found.length > 0 ? found : hosts;
  }

  async #hostsOf(rrs: readonly RR[], told: Told): Promise<Host[]> {
    const beside = told.kind === "answer" ? told.additionals : [];
    const found = await Promise.all(
      targetsOf(rrs)
        .slice(0, hostsMax)
        .map(async (name) => {
          const glue = addressesIn(beside, name);
          const addresses = glue.length > 0 ? glue : await this.#options.addresses(name);
          return addresses.map((address) => this.#host(address, name));
        }),
    );
    return found.flat().slice(0, hostsMax);
  }

  #host(address: string, name: Name): Host {
    return { address, port: this.#options.port ?? 53, name };
  }

  async #childServer(
    name: Name,
    told: Told | undefined,
    parents: readonly Host[],
    parent: Name,
  ): Promise<ChildServer> {
    const { source, addresses } = await this.#addressesFor(name, told, parents, parent);
    const isInside = isWithin(name, this.#child);
    const places = await Promise.all(
      addresses.slice(0, childAddressesMax).map(async (address): Promise<ChildPlace> => {
        const host = this.#host(address, name);
        const types = isInside ? [RRType.A, RRType.AAAA] : [];
        const [soa, ns, tcp, ...own] = await Promise.all([
          this.#ask(host, this.#child, RRType.SOA),
          this.#ask(host, this.#child, RRType.NS),
          this.#ask(host, this.#child, RRType.SOA, "tcp"),
          ...types.map((type) => this.#ask(host, name, type)),
        ]);
        return { host, soa: soa as Told, ns: ns as Told, tcp: tcp as Told, own };
      }),
    );
    return { name, source, places };
  }

  /** Beside the referral; else what the parent's own zone has; else anybody's word. */
  async #addressesFor(
    name: Name,
    told: Told | undefined,
    [keeper]: readonly Host[],
    parent: Name,
  ): Promise<{ source: ChildServer["source"]; addresses: readonly string[] }> {
    const glue = told?.kind === "answer" ? addressesIn(told.additionals, name) : [];
    if (glue.length > 0) return { source: "glue", addresses: glue };
    if (keeper !== undefined && isWithin(name, parent)) {
      const both = await Promise.all(
        [RRType.A, RRType.AAAA].map((type) => this.#ask(keeper, name, type)),
      );
      const rrs = both.flatMap((one) =>
        one.kind === "answer" ? [...one.answers, ...one.additionals] : [],
      );
      const own = addressesIn(rrs, name);
      if (own.length > 0) return { source: "parent", addresses: own };
      // Inside the child nobody else can know it before the child is reached.
      if (isWithin(name, this.#child)) return { source: "nobody", addresses: [] };
    }
    const addresses = await this.#options.addresses(name);
    return { source: addresses.length > 0 ? "resolver" : "nobody", addresses };
  }
}

/** Goes the way down to `child`, and looks at both sides of its delegation. Never throws. */
export const walkTo = (child: Name, options: WalkOptions): Promise<Walk> =>
  new Walker(child, options).walk();

export const isSixth = ({ address }: Server): boolean => isIPv6(address);
