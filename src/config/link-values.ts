// The values that hold for one link: what its entry says, else what the top
// level says, else the default.

import type { ServiceRules } from "../proxy/options.js";
import type { Duration } from "../time.js";
import type { AddressTerm } from "./address-terms.js";
import {
  sharedDefaults,
  type Written,
  type WrittenInterface,
  type WrittenServices,
  type WrittenTranslation,
} from "./schema.js";

export interface LinkValues {
  readonly allow: readonly AddressTerm[];
  readonly services: ServiceRules;
  readonly translate: readonly WrittenTranslation[];
  readonly warm: readonly string[] | true;
  readonly rate: number;
  readonly wait: Duration;
  readonly gather: Duration;
  readonly ttl: number;
  readonly suppress: boolean;
}

/** The values of a link; of the top level where there is no entry. */
export function valuesOf(written: Written, entry?: WrittenInterface): LinkValues {
  const warm = entry?.warm ?? written.warm ?? false;
  return {
    allow: entry?.allow ?? written.allow,
    services: serviceRules(entry?.services, serviceRules(written.services)),
    translate: entry?.translate ?? written.translate ?? [],
    warm: warm === false ? [] : warm,
    rate: entry?.rate ?? written.rate ?? sharedDefaults.rate,
    wait: entry?.wait ?? written.wait ?? sharedDefaults.wait,
    gather: entry?.gather ?? written.gather ?? sharedDefaults.gather,
    ttl: entry?.ttl ?? written.ttl ?? sharedDefaults.ttl,
    suppress: entry?.suppress ?? written.suppress ?? sharedDefaults.suppress,
  };
}

/** A link's own rules are tried first, unless they say what happens to every other type. */
function serviceRules(
  written: WrittenServices | undefined,
  otherwise?: ServiceRules,
): ServiceRules {
  if (written === undefined) return otherwise ?? { allow: [], deny: [], default: "allow" };
  const rules = {
    allow: written.allow,
    deny: written.deny,
    default: written.default ?? ("allow" as const),
  };
  const isFinal = written.default !== undefined || otherwise === undefined;
  return isFinal ? rules : { ...rules, otherwise };
}
