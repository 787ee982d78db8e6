// The one command that reads discd.lua: what to put into the delegating zone.

import { existsSync } from "node:fs";
import type { Address } from "../address.js";
import { problemsText } from "../config/check-text.js";
import { loadSettings } from "../config/load.js";
import { findHostName } from "../os/host.js";
import { type PresentInterface, readInterfaces } from "../os/interfaces.js";
import { addressesOf } from "../os/listening.js";
import { findInterfaceInFiles } from "../os/native.js";
import { displayName, type Name } from "../wire/name.js";
import { delegationText } from "./delegation.js";

/** The configuration cannot be read, or has nothing to say about the domain. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

const defaultFile = "/etc/discd.lua";

const isLoopback = (address: Address): boolean =>
  address.family === "ipv4"
    ? address.bytes[0] === 127
    : address.bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));

/** Addresses of interfaces without a zone come first: the others may be on the links served. */
function glueAddresses(
  listen: "all" | readonly Address[],
  present: readonly PresentInterface[],
  links: ReadonlySet<string>,
): Address[] {
  const outside = present.filter(({ name }) => !links.has(name));
  const found = [outside, present]
    .map((some) => addressesOf({ listen }, some).filter((address) => !isLoopback(address)))
    .find((addresses) => addresses.length > 0);
  return found ?? [];
}

/**
 * The zone fragment for `domain` of the configuration in `file`.
 *
 * @throws ConfigurationError
 */
export async function printDelegation(file: string | undefined, domain: Name): Promise<string> {
  const chosen = file ?? defaultFile;
  if (!existsSync(chosen)) {
    throw new ConfigurationError(`${chosen} is not there; name the file with --config FILE`);
  }
  const interfaces = readInterfaces(findInterfaceInFiles);
  const host = { fqdn: findHostName(), interfaces };
  const loaded = await loadSettings({ file: chosen, demo: false }, host, process.env);
  if ("problems" in loaded) {
    throw new ConfigurationError(`the configuration is wrong\n${problemsText(loaded.problems)}`);
  }
  const { settings } = loaded;
  const links = new Set(settings.links.map(({ name }) => name));
  const addresses = glueAddresses(settings.listen, interfaces, links);
  const text = delegationText(settings.engine.proxy, domain, addresses);
  if (text === undefined) {
    throw new ConfigurationError(`${chosen} has no zone inside ${displayName(domain)}`);
  }
  return text;
}
