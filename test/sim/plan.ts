// The plan of a simulated world: what is written down before it starts, and what
// the engine and the checkers are told of it.

import { type Prefix, parsePrefix } from "../../src/address.js";
import type { EngineConfig, LinkConfig } from "../../src/engine/config.js";
import { defaultLimits, type Limits } from "../../src/limits.js";
import type { ProxyOptions, ServedLink } from "../../src/proxy/options.js";
import { ms, seconds } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";
import type { Rules } from "./checkers.js";
import type { ZonePlan } from "./zones.js";

export interface LinkPlan {
  readonly id: string;
  readonly zones: ZonePlan;
  /** Prefixes of the reverse zones named in `zones`. */
  readonly reverse: readonly string[];
  readonly rate: number;
  readonly warm: readonly string[] | true;
}

export interface WorldPlan {
  readonly seed: number;
  /** The command that runs this again. */
  readonly replay: string;
  readonly links: readonly LinkPlan[];
  readonly waitSeconds: number;
  readonly gatherSeconds: number;
  readonly ttlSeconds: number;
  readonly mtu: number;
  /** Milliseconds by which the engine's timer may ring late. */
  readonly timerLag: number;
  readonly limits: Limits;
  readonly isFlooded: boolean;
}

const hostname = parseName("px.example.net");

const everybody = ["0.0.0.0/0", "::/0"].map((text) => ({
  refuse: false,
  prefix: parsePrefix(text)!,
}));

/** Last byte of the engine's own addresses, at first. */
export const proxyNumber = 250;

/** Both links of a world have the same subnets, as in a building with one plan for every floor. */
export function prefixesOf(number = proxyNumber): readonly Prefix[] {
  const texts = [`192.0.2.${number}/24`, `2001:db8::${number}/64`, `fe80::${number}/64`];
  return texts.map((text) => parsePrefix(text)!);
}

export const floor1: LinkPlan = {
  id: "eth1",
  reverse: ["192.0.2.0/24", "2001:db8::/64"],
  rate: 20,
  warm: [],
  zones: {
    link: "eth1",
    service: "Floor 1.Büro\\.Nord.example.com",
    host: "floor1.example.com",
    aliases: ["f1.mesh"],
    reverse: ["2.0.192.in-addr.arpa", "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"],
  },
};

export const floor2: LinkPlan = {
  id: "eth2",
  reverse: [],
  rate: 20,
  warm: [],
  zones: { link: "eth2", service: "floor2.example.com", aliases: [], reverse: [] },
};

export const plainWorld: WorldPlan = {
  seed: 1,
  replay: "",
  links: [floor1, floor2],
  waitSeconds: 6,
  gatherSeconds: 0.2,
  ttlSeconds: 10,
  mtu: 1500,
  timerLag: 0,
  limits: defaultLimits,
  isFlooded: false,
};

/** What a new configuration may switch off and on. */
export interface Switches {
  /** Links that have zones at present. */
  readonly links: ReadonlySet<string>;
  readonly hasAliases: boolean;
  readonly takesPush: boolean;
  readonly takesLlq: boolean;
  readonly limits: Limits;
}

export function allOn(plan: WorldPlan): Switches {
  const links = new Set(plan.links.map(({ id }) => id));
  return { links, hasAliases: true, takesPush: true, takesLlq: true, limits: plan.limits };
}

export function configOf(plan: WorldPlan, switches = allOn(plan)): EngineConfig {
  const { hasAliases, takesPush, takesLlq, limits } = switches;
  const used = plan.links.filter(({ id }) => switches.links.has(id));
  const served = used.map((link) => servedOf(plan, link, hasAliases));
  const proxy: ProxyOptions = {
    hostname,
    contact: parseName("hostmaster.example.net"),
    nameservers: [],
    links: served,
    records: [],
    zones: [],
    browseFor: [],
    realms: [],
    allow: everybody,
    refuse: "answer",
    rotate: false,
  };
  const links = used.map(
    (link, at): LinkConfig => ({
      id: link.id,
      served: served[at]!,
      warm: link.warm,
      mdns: {
        families: ["ipv4", "ipv6"],
        packetsPerSecond: link.rate,
        cacheRecordsMax: plan.limits.cacheRecords,
        questionsMax: plan.limits.questions,
        announce: { b: [], db: [], lb: [] },
      },
    }),
  );
  // A secret of its own would draw from the seed what devices and clients draw now.
  const cookies = { secret: new Uint8Array(16) };
  return { proxy, links, limits, logQueries: "none", takesPush, takesLlq, cookies };
}

function servedOf(plan: WorldPlan, link: LinkPlan, hasAliases: boolean): ServedLink {
  const { service, host, aliases } = link.zones;
  return {
    link: link.id,
    service: parseName(service),
    host: parseName(host ?? service),
    aliases: hasAliases ? aliases.map(parseName) : [],
    reverse: link.reverse.map((text) => parsePrefix(text)!),
    allow: everybody,
    services: { allow: [], deny: [], default: "allow" },
    translate: [],
    wait: seconds(plan.waitSeconds),
    gather: seconds(plan.gatherSeconds),
    ttlSeconds: plan.ttlSeconds,
    suppress: true,
    networks: prefixesOf(),
  };
}

export function rulesOf(plan: WorldPlan): Rules {
  return {
    links: plan.links.map(({ id, rate, warm }) => ({
      link: id,
      rate,
      mtu: plan.mtu,
      isWarm: warm === true || warm.length > 0,
    })),
    answers: {
      ttlSecondsMax: plan.ttlSeconds,
      suppress: true,
      isFlooded: plan.isFlooded,
      hostname,
    },
    wait: plan.waitSeconds * 1000 + plan.timerLag,
    gather: plan.gatherSeconds * 1000 + plan.timerLag,
    lag: ms(plan.timerLag),
    limits: plan.limits,
    isFlooded: plan.isFlooded,
  };
}
