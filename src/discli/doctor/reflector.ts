// Does something repeat multicast DNS from one link on another? Then every device
// is found on both, and two such programs make a storm.

import type { Service } from "../../api/shapes.js";
import { apiFacts, type Told } from "./api-facts.js";
import type { Scene } from "./scene.js";
import { pass, skip, type Verdict, warn } from "./verdict.js";

/** A service with one host and one address on several links; equal names alone are no sign. */
export function repeated(services: readonly Service[]): { text: string; links: string[] }[] {
  const places = new Map<string, { text: string; links: Set<string> }>();
  for (const { instance, type, host, port, addresses, link } of services) {
    // The host's name ends with the zone, which differs from link to link.
    const [label = ""] = (host ?? "").split(".");
    for (const address of addresses) {
      const key = [instance, type, label, port, address].join("\u0000");
      const known = places.get(key) ?? {
        text: `${instance} (${type}) at ${address}`,
        links: new Set(),
      };
      known.links.add(link);
      places.set(key, known);
    }
  }
  const found = [...places.values()].filter(({ links }) => links.size > 1);
  return found.map(({ text, links }) => ({ text, links: [...links].sort() }));
}

const shownMax = 5;

export function judgeReflector(told: Told): Verdict {
  if ("reason" in told) {
    return skip("discd's API is not reached; see upstream", ["run the doctor on discd's host"]);
  }
  const found = repeated(told.services);
  const links = new Set(told.services.map(({ link }) => link));
  if (found.length === 0) {
    if (links.size < 2) return skip("services of two links are needed to compare");
    return pass(`no service of ${links.size} links is heard on two of them`);
  }
  const evidence = found
    .slice(0, shownMax)
    .map(({ text, links: on }) => `${text}: on ${on.join(" and ")}`);
  const [first] = found;
  const text = `something repeats multicast DNS between ${first?.links.join(" and ")}`;
  const remedy = [
    'switch it off: enable-reflector=no in avahi-daemon.conf, "mDNS repeater" or "Bonjour gateway"',
    "of a router or an access point; discd needs none",
  ];
  return warn("REFLECTOR", text, remedy, evidence);
}

export const gatherReflector = (scene: Scene): Promise<Told> => apiFacts(scene);
