// Which DNS-SD types of a link are shown. The type of a name is told by the two
// labels directly above `local`, so everything below a hidden type (instances,
// subtypes, their SRV and TXT) is hidden with it. What an operator writes as a
// static record is not judged.

import { foldLabel, type Name } from "../wire/name.js";
import { type RR, rdataNames } from "../wire/rr.js";
import type { ServiceRules } from "./options.js";
import { fits } from "./pattern.js";
import { isLocalName } from "./rewrite.js";

/** A type such as `_ipp._tcp`, ASCII case folded. */
export type ServiceType = string;

/**
 * The type that a name on the link belongs to.
 *
 * @returns undefined for host names, for names outside `.local`, and for the list of
 *          types `_services._dns-sd._udp.local`, which belongs to none of them
 */
export function typeOf(name: Name): ServiceType | undefined {
  if (!isLocalName(name)) return undefined;
  const protocol = foldLabel(name.labels.at(-2) ?? "");
  if (protocol !== "_tcp" && protocol !== "_udp") return undefined;
  const type = foldLabel(name.labels.at(-3) ?? "");
  if (!type.startsWith("_") || isTypeList(name)) return undefined;
  return `${type}.${protocol}`;
}

/** Whether the rules show a type. */
export function isShown(rules: ServiceRules, type: ServiceType): boolean {
  for (let step: ServiceRules | undefined = rules; step !== undefined; step = step.otherwise) {
    if (step.allow.some((pattern) => fits(pattern, type))) return true;
    if (step.deny.some((pattern) => fits(pattern, type))) return false;
    if (step.otherwise === undefined) return step.default === "allow";
  }
  return true;
}

/** Whether a name on the link is of a type the client may see nothing of. */
export function isHidden(rules: ServiceRules, name: Name): boolean {
  if (showsAll(rules)) return false;
  const type = typeOf(name);
  return type !== undefined && !isShown(rules, type);
}

/** Whether a record leads to something hidden, such as a PTR of the list of types. */
export function leadsToHidden(rules: ServiceRules, rr: RR): boolean {
  if (showsAll(rules)) return false;
  return rdataNames(rr.type, rr.rdata).some((name) => isHidden(rules, name));
}

/** Whether nothing is hidden, whatever type it is of. */
export function showsAll(rules: ServiceRules): boolean {
  return rules.deny.length === 0 && rules.otherwise === undefined && rules.default === "allow";
}

function isTypeList(name: Name): boolean {
  return (
    name.labels.length === 4 &&
    foldLabel(name.labels[0]!) === "_services" &&
    foldLabel(name.labels[1]!) === "_dns-sd"
  );
}
