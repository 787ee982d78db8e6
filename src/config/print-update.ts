// Mode 'update' as it is in force, for `discd --check --print-json`: null is what
// is found out while running.

import { formatAddress, formatPrefix } from "../address.js";
import type { LinkConfig } from "../engine/config.js";
import { displayName } from "../wire/name.js";
import type { UpdatedLink } from "./published.js";
import type { WrittenKey } from "./signing-key.js";
import type { UpdateValues } from "./update-values.js";

/** What holds for a link, or for all that say nothing else. */
export function printUpdate(values: UpdateValues, within = values.within): object {
  const { server, port, transport, tls, zone, key, keys = [], lifetime } = values;
  const usualPort = server === undefined ? null : transport === "tls" ? 853 : 53;
  const host = server && ("bytes" in server ? formatAddress(server) : displayName(server));
  return {
    server: host ?? null,
    port: port ?? usualPort,
    transport: transport ?? (server === undefined ? null : "tcp"),
    tls: { name: tls?.name ?? null, ca: tls?.ca ?? null, pin: tls?.pin ?? [] },
    zone: zone === undefined ? null : displayName(zone),
    within: within?.map(displayName) ?? null,
    key: key === undefined ? null : printKey(key),
    keys: Object.fromEntries(keys.map((one) => [displayName(one.zone), printKey(one.key)])),
    allow_unauthenticated: values.allow_unauthenticated,
    lifetime: lifetime ?? null,
    max_ttl: values.max_ttl,
    withdraw_on_exit: values.withdraw_on_exit,
    timeout_type: values.timeout_type,
    trust_clock: values.trust_clock,
  };
}

/** A secret is nobody's to read on a screen. */
function printKey(key: WrittenKey): object {
  if (key.kind === "own") {
    const { name, algorithm } = key.key;
    return { name: displayName(name), algorithm, secret: "***" };
  }
  return key.name === undefined
    ? { file: key.file }
    : { file: key.file, name: displayName(key.name) };
}

/** What an entry in mode 'update' has besides the others. */
export function printPublished(
  { values, within }: UpdatedLink,
  { published = [] }: Pick<LinkConfig, "published">,
): object {
  return {
    update: printUpdate(values, within),
    published: published.map(({ source, domain, subnet, networks, target }) => ({
      subdomain: displayName(target.subdomain),
      source,
      domain: domain === undefined ? null : displayName(domain),
      subnet: subnet === undefined ? null : formatPrefix(subnet),
      networks: networks.map(formatPrefix),
    })),
  };
}
