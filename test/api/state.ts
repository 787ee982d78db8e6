// A state of the daemon that no daemon was needed for: one link with a printer
// that has a hostile name, and whatever a test puts in its place.

import { type Api, answer, type Reply } from "../../src/api/answer.js";
import type { Door, Fields, Request } from "../../src/api/exchange.js";
import { reloadAnswer } from "../../src/api/reload.js";
import type { RightsRules } from "../../src/api/rights.js";
import type {
  HostView,
  InterfaceView,
  QuestionView,
  Service,
  SubscriptionView,
  Summary,
  UpdateView,
  ZoneView,
} from "../../src/api/shapes.js";
import type { ApiState, Gauges, ServiceFilter } from "../../src/api/state.js";
import { Counts } from "../../src/counts.js";
import { Histogram, QueryTally, querySteps } from "../../src/tally.js";

export const summary: Summary = {
  version: "0.1.0",
  hostname: "px.example.net",
  startedAt: "2026-01-02T03:04:05.678Z",
  uptimeSeconds: 12.5,
  links: 1,
  zones: 1,
  services: 1,
  queries: { total: 7, perSecond: 0.5 },
  mdns: { in: 10, out: 3, perSecond: 1 },
  cache: { hits: 4, misses: 3 },
  push: { sessions: 1, subscriptions: 2 },
  llq: 0,
  health: "ok",
  reload: null,
  problems: [],
};

export const interfaceView: InterfaceView = {
  name: "net1",
  index: 2,
  flags: ["up", "multicast"],
  mtu: 1500,
  vlan: null,
  reverse: ["0.1.10.in-addr.arpa"],
  isUp: true,
  mode: "proxy",
  families: ["ipv4", "ipv6"],
  addresses: ["10.1.0.1/24"],
  zones: ["floor1.example.com"],
  services: 1,
  records: 9,
  questions: 2,
  mdns: { in: 10, out: 3, inPerMinute: 4, outPerMinute: 1 },
  lastHeardSeconds: null,
  hasQuerier: null,
  querierNote: null,
  problems: [],
};

export const zoneView: ZoneView = {
  zone: "floor1.example.com",
  escaped: "floor1.example.com",
  kind: "service",
  link: "net1",
  index: 2,
  source: "ptr",
  learned: {
    record: "lb._dns-sd._udp.0.0.1.10.in-addr.arpa",
    domainPtr: true,
    nsActive: true,
    netRevAddr: true,
    browseable: true,
    refreshedSeconds: 12,
    timesOutSeconds: 978,
  },
  queries: 7,
};

export const printer: Service = {
  id: "net1 1",
  instance: '<script>alert("Büro")</script>\n',
  type: "_ipp._tcp",
  domain: "floor1.example.com",
  name: "<script>._ipp._tcp.floor1.example.com",
  escaped: "<script>._ipp._tcp.floor1.example.com",
  link: "net1",
  host: null,
  hostEscaped: null,
  port: null,
  addresses: [],
  txt: [{ key: "rp", value: null, isBinary: true, base64: "/wA=" }],
  ttlSeconds: 4500,
  subtypes: ["_universal"],
  isShown: true,
};

export const host: HostView = {
  id: "net1 h",
  name: "printer.floor1.example.com",
  escaped: "printer.floor1.example.com",
  link: "net1",
  addresses: ["10.1.0.9"],
  lastHeardSeconds: 3,
  mdns: { queriesIn: 4, responsesIn: 2, queriesOut: 1, responsesOut: 0 },
};

export const subscription: SubscriptionView = {
  id: "push 1 1",
  client: "10.5.0.7",
  protocol: "push",
  transport: "tls",
  question: { name: "_ipp._tcp.floor1.example.com", escaped: "e", type: "PTR" },
  link: "net1",
  records: 1,
  ageSeconds: 2,
};

export const activeQuestion: QuestionView = {
  id: "net1 q",
  link: "net1",
  name: "_ipp._tcp.local",
  escaped: "_ipp._tcp.local",
  type: "PTR",
  watches: 1,
  ageSeconds: null,
};

export const update: UpdateView = {
  subdomain: "floor1.example.com",
  source: "config",
  zone: null,
  server: null,
  step: "looking for the primary",
  transport: null,
  lifetime: null,
  wanted: 0,
  published: 0,
  waiting: 0,
  aside: 0,
  serial: null,
  trouble: null,
  clockOffset: null,
};

export const gauges: Gauges = {
  version: "0.1.0",
  startedAt: 1_767_323_045,
  links: [
    {
      link: "net1",
      isUp: true,
      questions: 2,
      records: 9,
      services: 1,
      lastHeardSeconds: 0.25,
      hasQuerier: true,
      isSuspect: false,
      packets: [{ family: "ipv4", direction: "in", count: 10 }],
    },
  ],
  push: { sessions: 1, subscriptions: 2 },
  llq: 0,
  updates: [{ zone: "example.com", result: "done", count: 3 }],
  certificateExpiry: 1_800_000_000,
  residentBytes: 50_000_000,
};

/** What was written, in order. */
export interface FakeState extends ApiState {
  readonly done: string[];
  readonly filters: ServiceFilter[];
}

export function fakeState(over: Partial<ApiState> = {}): FakeState {
  const done: string[] = [];
  const filters: ServiceFilter[] = [];
  const counts = new Counts();
  const queries = new QueryTally();
  const latency = new Histogram(querySteps);
  return {
    done,
    filters,
    summary: () => summary,
    interfaces: () => [interfaceView],
    zones: () => [zoneView],
    domains: () => [{ link: "net1", kind: "b", domain: "floor1.example.com" }],
    knownDomains: () => [
      {
        link: "net1",
        domain: "example.com",
        viaHostname: true,
        viaResolvConf: false,
        viaAddressPtr: false,
        browseable: true,
        refreshedSeconds: 12,
        timesOutSeconds: 978,
      },
    ],
    services: (filter) => {
      filters.push(filter);
      return [printer];
    },
    typeCounts: () => [{ type: "_ipp._tcp", link: "net1", count: 1 }],
    hosts: () => [host],
    subscriptions: () => [subscription],
    questions: () => [activeQuestion],
    updates: () => [update],
    config: () => ({ hostname: "px.example.net", http: { token: "***" } }),
    probes: () => ({
      listeners: [{ name: "10.8.0.53:53/udp", answeredSecondsAgo: 1, askedSecondsAgo: 1 }],
      links: [{ name: "net1", answeredSecondsAgo: 2, askedSecondsAgo: 2 }],
      zones: [{ zone: "floor1.example.com", link: "net1" }],
    }),
    policy: ({ name, type, client }) =>
      parseInt(client, 10) > 0
        ? { name, type, client, verdict: "link", zone: null, link: null, rule: "none" }
        : "client is no address",
    counts: () => counts,
    queries: () => queries,
    latency: () => latency,
    gauges: () => gauges,
    refresh: () => {
      done.push("refresh");
      return "every link is being asked anew";
    },
    ...over,
  };
}

export const rules: RightsRules = {
  names: new Set(["px.example.net"]),
  hasToken: true,
  isToken: (text) => text === "s3cret",
};

export const loopback: Door = { kind: "tcp", isLoopback: true, isTls: false };
export const elsewhere: Door = { kind: "tcp", isLoopback: false, isTls: false };
export const unix: Door = { kind: "unix", isLoopback: false, isTls: false };

/** `GET /path` from a program on this host, unless something else is said. */
export function request(
  line: string,
  fields: Fields = { host: "127.0.0.1:8053" },
  door: Door = loopback,
): Request {
  const [method = "", target = ""] = line.split(" ");
  return { method, target, fields, door };
}

/** As the daemon does: a load is over at once, and went well. */
export function answerFully(asked: Request, api: Api & { readonly state: FakeState }): Reply {
  const reply = answer(asked, api);
  if (reply.answer.kind !== "reload") return reply;
  api.state.done.push("reload");
  return { answer: reloadAnswer({ kind: "taken", file: "/etc/discd.lua", warnings: [] }) };
}
