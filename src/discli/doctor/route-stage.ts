// Stage 2: which way packets to the servers leave, and whether that is the way
// that was meant.

import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { causeOf } from "../../os/connection-faults.js";
import { check, type Stage } from "./check.js";
import { runProgram } from "./programs.js";
import type { Scene } from "./scene.js";
import { fail, pass, skip, type Verdict } from "./verdict.js";

/** One line of `ip route get`. */
export interface Route {
  readonly address: string;
  /** What the address is: discd, or a resolver of this system. */
  readonly role: "server" | "resolver" | "service";
  /** Absent where there is no way. */
  readonly dev?: string;
  readonly via?: string;
  readonly source?: string;
  /** The address is one of this host. */
  readonly isLocal?: boolean;
  /** Learned from routers, if less than the interface's. */
  readonly mtu?: number;
  /** Why there is no way. */
  readonly reason?: string;
}

export interface RouteEvidence {
  readonly expected: string | undefined;
  readonly routes: readonly Route[];
}

export function routeText({ address, role, dev, via, source, isLocal, reason }: Route): string {
  const who = role === "server" ? "discd" : role;
  if (dev === undefined) return `${who} ${address}: ${reason ?? "no route"}`;
  if (isLocal === true) return `${who} ${address}: this host`;
  const gateway = via === undefined ? "" : ` via ${via}`;
  const from = source === undefined ? "" : ` from ${source}`;
  return `${who} ${address}:${gateway} dev ${dev}${from}`;
}

export const familyOf = (address: string): "IPv4" | "IPv6" =>
  address.includes(":") ? "IPv6" : "IPv4";

const isElsewhere = (expected: string) => (route: Route) =>
  route.dev !== undefined && route.isLocal !== true && route.dev !== expected;

export function judgeRoute({ expected, routes }: RouteEvidence): Verdict {
  const evidence = routes.map(routeText);
  const servers = routes.filter(({ role }) => role === "server");
  // Where discd is unknown, the way to the resolver is all there is to look at.
  const watched = servers.length > 0 ? servers : routes;
  if (watched.length === 0) return skip("no server is known", ["give one: --server ADDRESS"]);
  const routed = watched.filter(({ dev }) => dev !== undefined);
  const names = watched.map(({ address }) => address).join(", ");
  if (routed.length === 0) {
    const remedy = [
      `ip route add ${watched[0]?.address} via GATEWAY dev ${expected ?? "IF"}`,
      "or bring up the link, the VPN or the router that leads there",
    ];
    return fail("NO-ROUTE", `this host has no way to ${names}`, remedy, evidence);
  }
  const whom = servers.length > 0 ? "the server" : "the resolver; where discd is, nobody says";
  const lost = routes.filter(({ role, dev }) => role === "resolver" && dev === undefined);
  // Whether that matters is for the stage to say that asks them.
  const but =
    lost.length === 0 || servers.length === 0
      ? ""
      : `, and none to the resolver ${lost.map(({ address }) => address).join(", ")}`;
  if (expected === undefined) return pass(`there is a way to ${whom}${but}`, evidence);
  const astray = routed.find(isElsewhere(expected));
  if (astray === undefined) return pass(`packets leave by ${expected}${but}`, evidence);
  const remedy = [
    `ip route replace ${astray.address} dev ${expected}`,
    `with WireGuard: add ${astray.address} to AllowedIPs of the peer`,
  ];
  const text = `packets to ${astray.address} leave by ${astray.dev}, not by ${expected}`;
  return fail("WRONG-INTERFACE", text, remedy, evidence);
}

/** What `ip -j route get` prints. */
interface Printed {
  readonly dev?: string;
  readonly gateway?: string;
  readonly prefsrc?: string;
  readonly type?: string;
  readonly metrics?: readonly { readonly mtu?: number }[];
}

/** The way to an address, as the kernel would take it now. */
export async function routeTo(address: string, role: Route["role"]): Promise<Route> {
  const family = address.includes(":") ? "-6" : "-4";
  // A link-local address says its link itself: the kernel would take any.
  const [plain = "", link] = address.split("%");
  const by = link === undefined ? [] : ["oif", link];
  const ran = await runProgram("ip", ["-j", family, "route", "get", plain, ...by]);
  const refusal = /RTNETLINK answers: (.+)/.exec(ran?.err ?? "")?.[1];
  if (refusal !== undefined) return { address, role, reason: refusal };
  // Not there, or it could not say: a socket knows as well, though less.
  if (ran === undefined || ran.status !== 0) return wayOfSocket(address, role);
  const [found] = parsePrinted(ran.out);
  const isBarred = /^(unreachable|blackhole|prohibit)$/.test(found?.type ?? "");
  if (found?.dev === undefined || isBarred) {
    return { address, role, reason: `the route is ${found?.type ?? "not there"}` };
  }
  const { dev, gateway, prefsrc, type, metrics } = found;
  const mtu = metrics?.find((one) => one.mtu !== undefined)?.mtu;
  return {
    address,
    role,
    dev,
    ...(gateway === undefined ? {} : { via: gateway }),
    ...(prefsrc === undefined ? {} : { source: prefsrc }),
    ...(type === "local" ? { isLocal: true } : {}),
    ...(mtu === undefined ? {} : { mtu }),
  };
}

function parsePrinted(text: string): readonly Printed[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? (value as Printed[]) : [];
  } catch {
    return [];
  }
}

/** Without `ip`: the address that a socket to there is given, and whose that is. */
function wayOfSocket(address: string, role: Route["role"]): Promise<Route> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  return new Promise((resolve) => {
    const finish = (route: Route) => {
      socket.close();
      resolve(route);
    };
    socket.on("error", (error) => finish({ address, role, reason: causeOf(error) }));
    socket.on("connect", () => {
      const source = socket.address().address;
      const [dev = "unknown"] =
        Object.entries(networkInterfaces()).find(([, list = []]) =>
          list.some((one) => one.address === source),
        ) ?? [];
      const isLocal = source === address || dev === "lo";
      finish({ address, role, dev, source, ...(isLocal ? { isLocal } : {}) });
    });
    socket.connect(53, address);
  });
}

/** To discd and to the resolvers, once a run. */
export function routesOf(scene: Scene): Promise<readonly Route[]> {
  const { servers, resolver } = scene.parts;
  const isOurs = (address: string) => servers.some((server) => server.address === address);
  return scene.once("routes", () =>
    Promise.all([
      ...servers.map(({ address }) => routeTo(address, "server")),
      ...resolver.servers
        .filter(({ address }) => !isOurs(address))
        .map(({ address }) => routeTo(address, "resolver")),
    ]),
  );
}

export const routeStage: Stage = {
  id: "route",
  title: "is the route to that server the one that was meant?",
  checks: [
    check<RouteEvidence>({
      id: "route",
      title: "By which interface do packets to discd leave?",
      codes: {
        "NO-ROUTE": "this host has no way to the server",
        "WRONG-INTERFACE": "packets leave by another interface than --expect-if says",
      },
      limit: 3000,
      commands: ({ server }) => [`ip route get ${server}`],
      gather: async (scene) => ({
        expected: scene.parts.expectedInterface,
        routes: await routesOf(scene),
      }),
      judge: judgeRoute,
    }),
  ],
};
