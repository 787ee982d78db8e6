// Names are found, and the devices behind them? For each service the way to its
// addresses, and whether anything there answers.

import { type Address, parseAddress } from "../../address.js";
import { displayName } from "../../wire/name.js";
import { directFacts } from "./direct-facts.js";
import { type Connected, tryConnection } from "./probe.js";
import { type Route, routeText, routeTo } from "./route-stage.js";
import type { Scene } from "./scene.js";
import { fail, pass, skip, type Verdict, warn } from "./verdict.js";

export interface ServiceAddress {
  readonly instance: string;
  readonly port: number;
  readonly route: Route;
  /** Of services over TCP. */
  readonly outcome: Connected | undefined;
}

const isHeard = (outcome: Connected | undefined): boolean =>
  outcome === "open" || outcome === "refused";

/** A closed port says as well as an open one that there is a way to the host. */
const isReached = ({ route, outcome }: ServiceAddress): boolean => {
  if (route.dev === undefined) return false;
  return outcome === undefined || isHeard(outcome);
};

const outcomeText = (outcome: Connected | undefined): string => {
  if (outcome === undefined) return "not tried";
  return typeof outcome === "string" ? outcome : outcome.reason;
};

export function judgeServices(found: readonly ServiceAddress[]): Verdict {
  if (found.length === 0) return skip("no service with an address was found");
  const evidence = found.map(({ instance, port, route, outcome }) => {
    return `${instance}: ${routeText(route)}, port ${port} ${outcomeText(outcome)}`;
  });
  // A host without IPv6 does not need the service's IPv6 address.
  const families = new Set(found.filter(isReached).map(({ route }) => familyOf(route)));
  const isAlone = families.size === 0;
  const away = found.filter((one) => {
    const isOtherFamily = one.route.dev === undefined && !families.has(familyOf(one.route));
    return !isReached(one) && (isAlone || !isOtherFamily);
  });
  const [first] = away;
  if (first === undefined) return pass("there is a way to the services that were found", evidence);
  const { route, instance } = first;
  const beside = found.find(
    (one) => isHeard(one.outcome) && one.route.dev !== undefined && isSameNetwork(one.route, route),
  );
  if (beside !== undefined && away.every((one) => isSameNetwork(one.route, beside.route))) {
    const text = `${instance} resolves to ${route.address}, where nothing answers; ${beside.route.address} beside it does`;
    const remedy = [
      `is the device switched on, and does it let this host ask port ${first.port}?`,
      "if it is switched off, discd forgets it when its records expire",
    ];
    return warn("SERVICE-SILENT", text, remedy, evidence);
  }
  const by = route.dev === undefined ? "by any interface" : `via ${route.dev}`;
  const text = `${instance} resolves to ${route.address}, which is not reachable ${by}`;
  const remedy = [
    `route the network of ${route.address}, not only discd's: ip route get ${route.address}`,
    `with WireGuard: add that network to AllowedIPs; on its router: a route back to this host`,
    "if the device is switched off, discd forgets it when its records expire",
  ];
  return fail("SERVICE-UNROUTED", text, remedy, evidence);
}

const familyOf = ({ address }: Route): number => (address.includes(":") ? 6 : 4);

/** Bytes of what is one network as a rule: /24 and /64. */
const networkBytes = { ipv4: 3, ipv6: 8 } as const;

function isSameNetwork(a: Route, b: Route): boolean {
  const [one, other] = [parseAddress(a.address), parseAddress(b.address)];
  if (one === undefined || one.family !== other?.family) return false;
  const prefix = ({ bytes }: Address) => [...bytes.slice(0, networkBytes[one.family])].join(".");
  return prefix(one) === prefix(other);
}

const addressesMax = 8;

export async function gatherServices(scene: Scene): Promise<ServiceAddress[]> {
  const { instances } = await directFacts(scene);
  const wanted = instances.flatMap(({ name, port, isTcp, addresses }) =>
    addresses.map((address) => ({ instance: displayName(name), port, isTcp, address })),
  );
  return Promise.all(
    wanted.slice(0, addressesMax).map(async ({ instance, port, isTcp, address }) => {
      const [route, outcome] = await Promise.all([
        routeTo(address, "service"),
        isTcp && port > 0 ? tryConnection({ address, port }, 1300) : undefined,
      ]);
      return { instance, port, route, outcome };
    }),
  );
}
